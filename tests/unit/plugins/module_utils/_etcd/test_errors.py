# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of real etcds that are errors, and what becomes of them."""

from __future__ import annotations

import pytest
from unit.builders import VERSIONS, recorded_json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors

AT = "https://192.0.2.1:2379"

SITUATIONS: list[tuple[str, type[errors.EtcdError]]] = [
    ("nospace-put", errors.NoSpace),
    ("nospace-lease-grant", errors.NoSpace),
    ("nospace-txn", errors.NoSpace),
    ("corrupt-put", errors.CorruptAlarm),
    ("corrupt-compaction", errors.CorruptAlarm),
    ("compaction-compacted", errors.Compacted),
    ("range-compacted", errors.Compacted),
    ("compaction-future", errors.FutureRevision),
    ("range-future", errors.FutureRevision),
    ("transfer-not-leader", errors.NotLeader),
    ("transfer-bad-target", errors.NotLeader),
    ("learner-defragment", errors.LearnerRefuses),
    ("learner-alarms", errors.LearnerRefuses),
    ("learner-members", errors.LearnerRefuses),
    ("no-leader-alarms", errors.TimedOut),
    ("no-leader-compaction", errors.TimedOut),
    ("no-leader-range", errors.TimedOut),
    ("server-certificate", errors.TlsRejected),
    ("bad-value", errors.EtcdError),
]


@pytest.mark.parametrize(
    ("version", "situation", "kind"),
    table((f"{version} {name}", version, name, kind) for version in VERSIONS for name, kind in SITUATIONS),
)
def test_recorded_answer(version: str, situation: str, kind: type[errors.EtcdError]) -> None:
    body = recorded_json(version, situation)
    error = errors.of_answer(body, endpoint=AT)
    assert error.__class__ is kind
    assert str(error).startswith(body["message"])
    assert error.endpoint == AT


# The two shapes of a body: with `error` up to 3.5, without it from 3.6 on. The code is never what decides.
SHAPES: list[tuple[str, dict[str, object], type[errors.EtcdError], str]] = [
    (
        "3.5 has error and message",
        {"error": "etcdserver: not leader", "message": "etcdserver: not leader", "code": 9},
        errors.NotLeader,
        "etcdserver: not leader",
    ),
    (
        "3.6 has message only",
        {"code": 9, "message": "etcdserver: not leader"},
        errors.NotLeader,
        "etcdserver: not leader",
    ),
    ("only error", {"error": "etcdserver: not leader"}, errors.NotLeader, "etcdserver: not leader"),
    (
        "code 11 of the past",
        {"code": 11, "message": "required revision has been compacted"},
        errors.Compacted,
        "compacted",
    ),
    (
        "code 11 of the future",
        {"code": 11, "message": "required revision is a future revision"},
        errors.FutureRevision,
        "future",
    ),
    (
        "an id that is taken",
        {"code": 9, "message": "etcdserver: lease already exists"},
        errors.LeaseExists,
        "lease already exists",
    ),
    ("code 11 of something else", {"code": 11, "message": "out of range"}, errors.EtcdError, "out of range"),
    ("no leader is not not leader", {"code": 14, "message": "etcdserver: no leader"}, errors.NoLeader, "no leader"),
    (
        "code 14 learner of 3.5",
        {"code": 14, "message": "rpc not supported for learner"},
        errors.LearnerRefuses,
        "voter",
    ),
    (
        "auth with a common name",
        {"message": "CommonName of client sending a request against gateway will be ignored"},
        errors.AuthEnabled,
        "CommonName",
    ),
    ("server certificate", {"code": 14, "message": "tls: bad certificate"}, errors.TlsRejected, "clientAuth"),
    # The same refusal in other words: seen instead of the above about every second time.
    (
        "3.5.35 server certificate, by chance",
        {"code": 14, "message": "write tcp 127.0.0.1:38444->127.89.41.1:2379: write: broken pipe"},
        errors.Unreachable,
        "clientAuth",
    ),
    ("3.4 server certificate", {"code": 14, "message": "connection closed"}, errors.Unreachable, "clientAuth"),
    ("without any text", {"code": 2}, errors.EtcdError, "no reason given"),
    ("empty", {}, errors.EtcdError, "no reason given"),
]


@pytest.mark.parametrize(("body", "kind", "text"), table(SHAPES))
def test_shape(body: dict[str, object], kind: type[errors.EtcdError], text: str) -> None:
    error = errors.of_answer(body, endpoint=AT)
    assert error.__class__ is kind
    assert text in str(error)


CODES: list[tuple[str, type[errors.EtcdError], str, bool]] = [
    ("any other", errors.EtcdError, "etcd_error", False),
    ("no space", errors.NoSpace, "nospace_alarm", False),
    ("write check", errors.WriteRefused, "write_refused", False),
    ("certificate", errors.TlsRejected, "tls_rejected", True),
    ("expired", errors.CertificateExpired, "certificate_expired", True),
    ("no gateway", errors.GatewayDisabled, "gateway_disabled", True),
    ("users of etcd's own", errors.AuthEnabled, "auth_enabled", True),
    ("no URL", errors.InvalidEndpoint, "invalid_option", False),
    ("down", errors.Unreachable, "unreachable", False),
    ("late", errors.TimedOut, "timed_out", False),
]


@pytest.mark.parametrize(("kind", "code", "lasting"), table(CODES))
def test_code(kind: type[errors.EtcdError], code: str, lasting: bool) -> None:
    error = kind("refused", endpoint=AT)
    assert (error.code, error.reason, error.endpoint, error.quotes) == (code, "refused", AT, True)
    assert isinstance(error, errors.LASTING) is lasting


def test_gateways_differ_between_the_versions() -> None:
    """Else half of the recordings above would be worth nothing."""
    shapes = {version: "error" in recorded_json(version, "nospace-put") for version in VERSIONS}
    assert shapes == {"3.5.1": True, "3.5.35": True, "3.6.5": False, "3.6.16": False, "3.7.3": False}
