# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of etcd before they are written: what etcd would not start with, and what would never compact."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import MIB, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import flag_values

GIB = 1024 * MIB

SIZES: list[tuple[str, int]] = [
    ("8GiB", 8 * GIB),
    ("8Gi", 8 * GIB),
    ("8 GiB", 8 * GIB),
    ("8192MiB", 8 * GIB),
    ("2.5Gi", 5 * GIB // 2),
    ("8388608KiB", 8 * GIB),
    ("0.1TiB", 1024 * GIB // 10),
    ("5368709120", 5368709120),
    ("5368709120B", 5368709120),
    (" 8GiB ", 8 * GIB),
    ("1048576", MIB),
    ("0", 0),
    ("9223372036854775807", 2**63 - 1),
]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_quota(text: str, size: int) -> None:
    assert flag_values.quota_bytes(text) == size


NO_SIZES: list[tuple[str, str, str]] = [
    ("8G", "which may mean 8589934592 or 8000000000 bytes.", "Write 8GiB for the first, or the bytes."),
    ("1.5GB", "which may mean 1610612736 or 1500000000 bytes.", "Write 1.5GiB for the first, or the bytes."),
    ("8", "with 8 bytes every member would be full at once.", "Give a unit, such as 8GiB."),
    ("5120", "with 5120 bytes every member would be full at once.", "Give a unit, such as 8GiB."),
    ("0.5", "which is not a whole number of bytes.", "Give a unit, such as 8GiB."),
    ("", "which is not a valid size.", "Give bytes, or a number with MiB or GiB, such as 8GiB."),
    ("8gib", "which is not a valid size.", "Give bytes"),
    ("-1", "which is not a valid size.", "Give bytes"),
    ("1e9", "which is not a valid size.", "Give bytes"),
    ("0x10", "which is not a valid size.", "Give bytes"),
    ("\u0668GiB", "which is not a valid size.", "Give bytes"),
    ("9223372036854775808", "which is more than etcd can count.", "Give at most 8GiB."),
    ("99999999TiB", "which is more than etcd can count.", "Give at most 8GiB."),
]


@pytest.mark.parametrize(("text", "reason", "advice"), NO_SIZES)
def test_no_quota(text: str, reason: str, advice: str) -> None:
    with pytest.raises(Refused) as caught:
        flag_values.quota_bytes(text)
    assert str(caught.value) == f"quota-backend-bytes is {text!r}, {reason}" or reason in str(caught.value)
    assert caught.value.advice.startswith(advice)


@given(st.integers(1, 4096), st.sampled_from(["Mi", "Gi"]))
def test_quota_with_a_unit(number: int, unit: str) -> None:
    size = flag_values.quota_bytes(f"{number}{unit}")
    assert size == flag_values.quota_bytes(f"{number}{unit}B") == flag_values.quota_bytes(str(size))
    assert size == number * (MIB if unit == "Mi" else GIB)


PAIRS: list[tuple[str, str | None, str | None, str]] = [
    ("periodic, hours", "periodic", "1", ""),
    ("periodic, duration", "periodic", "1h30m", ""),
    ("periodic, minutes", "periodic", "5m", ""),
    ("periodic, parts of seconds", "periodic", "1.5s", ""),
    ("periodic, off", "periodic", "0", ""),
    ("mode of old", None, "8", ""),
    ("mode alone", "revision", None, ""),
    ("none", None, None, ""),
    ("revisions", "revision", "1000", ""),
    ("duration for revisions", "revision", "5m", "etcd would take it for a number so large that it never compacts"),
    ("word for revisions", "revision", "many", "'many' and auto-compaction-mode is revision: it wants a number of"),
    ("too many revisions", "revision", "9223372036854775808", "it wants a number of revisions"),
    ("unknown mode", "hourly", "1", "auto-compaction-mode is 'hourly': etcd knows periodic and revision, and does"),
    ("unknown mode alone", "Periodic", None, "auto-compaction-mode is 'Periodic': etcd knows"),
    ("empty mode", "", None, "auto-compaction-mode is '': etcd knows"),
    ("days", "periodic", "1d", "auto-compaction-retention is '1d': for auto-compaction-mode periodic etcd wants"),
    ("half an hour without a unit", "periodic", "0.5", "is '0.5': for"),
    ("negative", "periodic", "-1", "is '-1': for"),
    ("empty", "periodic", "", "is '': for"),
    ("clock", None, "01:00", "is '01:00': for"),
    ("blanks", None, "1 h", "is '1 h': for"),
    ("for ever", "periodic", "99999999999", "is '99999999999': for"),
]


@pytest.mark.parametrize(("mode", "retention", "sentence"), table(PAIRS))
def test_compaction(mode: str | None, retention: str | None, sentence: str) -> None:
    problem = flag_values.compaction_problem(mode, retention)
    if sentence:
        assert problem is not None
        assert sentence in problem
        assert problem.endswith(".")
    else:
        assert problem is None
    given_args = {"auto-compaction-mode": mode, "auto-compaction-retention": retention}
    wanted = {name: value for name, value in given_args.items() if value is not None}
    if sentence:
        with pytest.raises(Refused) as caught:
            flag_values.checked(wanted)
        assert str(caught.value) == problem
    else:
        assert flag_values.checked(wanted).wanted == wanted


def test_compaction_is_checked_with_what_is_there() -> None:
    mode, retention = "auto-compaction-mode", "auto-compaction-retention"
    there = {mode: "revision", retention: "1000"}
    with pytest.raises(Refused, match="is '5m' and auto-compaction-mode is revision: etcd would take it"):
        flag_values.checked({"auto-compaction-retention": "5m"}, (), there)
    assert flag_values.checked({"auto-compaction-retention": "5m"}, ["auto-compaction-mode"], there).wanted
    assert flag_values.checked(
        {"auto-compaction-retention": "5m", "auto-compaction-mode": "periodic"}, (), there
    ).wanted
    with pytest.raises(Refused, match="is '5m' and auto-compaction-mode is revision"):
        flag_values.checked({"auto-compaction-mode": "revision"}, (), {"auto-compaction-retention": "5m"})
    # Ten thousand revisions are not ten thousand hours, nor one hour one revision.
    for wanted, remove, existing, sentence in (
        ({}, [mode], there, "is '1000' and was meant for auto-compaction-mode revision: with periodic"),
        ({mode: "periodic"}, [], there, "is '1000' and was meant for auto-compaction-mode revision: with periodic"),
        ({mode: "revision"}, [], {retention: "1"}, "is '1' and was meant for auto-compaction-mode periodic: with"),
    ):
        with pytest.raises(Refused, match=sentence) as caught:
            flag_values.checked(wanted, remove, existing)
        assert caught.value.advice.startswith("Give auto-compaction-mode and")
    assert flag_values.checked({}, [mode, retention], there).wanted == {}
    assert flag_values.checked({mode: "periodic"}, [retention], there).wanted
    assert flag_values.checked({mode: "periodic"}, [], {**there, retention: "0"}).wanted
    assert flag_values.checked({mode: "periodic"}, [], {retention: "1"}).wanted
    # What is there and wrong is not the fault of another setting.
    assert flag_values.checked({"max-wals": "7"}, (), {**there, "auto-compaction-retention": "5m"}).wanted


SAID: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("nothing", {"quota-backend-bytes": "8GiB"}, {}, ""),
    ("large", {"quota-backend-bytes": "9GiB"}, {}, "The quota of 9663676416 bytes is beyond 8 GiB"),
    ("mode alone", {"auto-compaction-mode": "periodic"}, {}, "auto-compaction-mode does nothing without"),
    ("mode with retention", {"auto-compaction-mode": "periodic"}, {"auto-compaction-retention": "1h"}, ""),
]


@pytest.mark.parametrize(("wanted", "existing", "sentence"), table(SAID))
def test_said(wanted: dict[str, Any], existing: dict[str, str], sentence: str) -> None:
    warnings = flag_values.checked(wanted, (), existing).warnings
    assert len(warnings) == (1 if sentence else 0)
    assert all(warning.startswith(sentence) for warning in warnings)


TEXTS: list[tuple[str, Any, str]] = [
    ("text", "debug", "debug"),
    ("number", 7, "7"),
    ("true", True, "true"),
    ("false", False, "false"),
    ("empty", "", ""),
    ("umlaut", "\u00fc", "\u00fc"),
]


@pytest.mark.parametrize(("value", "text"), table(TEXTS))
def test_text(value: Any, text: str) -> None:
    assert flag_values.checked({"max-wals": value}).wanted == {"max-wals": text}


BAD: list[tuple[str, dict[Any, Any], list[str], str, str]] = [
    (
        "dashes",
        {"--max-wals": "7"},
        [],
        "'--max-wals' has leading dashes, and kubeadm adds its own.",
        "Write max-wals.",
    ),
    ("one dash", {"-max-wals": "7"}, [], "'-max-wals' has leading dashes", "Write max-wals."),
    ("dashes of what goes", {}, ["--max-wals"], "'--max-wals' has leading dashes", "Write max-wals."),
    ("value in the name", {"max-wals=7": ""}, [], "'max-wals=7' is not a valid argument name.", "Write max-wals."),
    ("blanks", {"max wals": "7"}, [], "'max wals' is not a valid argument name.", "Give the name of a flag of etcd."),
    ("empty name", {"": "7"}, [], "'' is not a valid argument name.", "Give the name"),
    ("only dashes", {"--": "7"}, [], "'--' has leading dashes", "Give the name"),
    ("number as a name", {8: "7"}, [], "8 is not a valid argument name.", ""),
    (
        "underscores",
        {"quota_backend_bytes": "8GiB"},
        [],
        "'quota_backend_bytes' is not a flag of etcd: those are in lower case, with dashes.",
        "Write quota-backend-bytes.",
    ),
    ("capitals", {"Max-WALs": "7"}, [], "'Max-WALs' is not a flag of etcd", "Write max-wals."),
    ("set and removed", {"a": "7"}, ["a"], "a is both set and removed.", "Leave one of the two out."),
    ("float", {"a": 1e9}, [], "a is 1000000000.0, which is not a string.", 'Put it in quotes: "...".'),
    ("null", {"a": None}, [], "a is None, which is not a string.", "Put it in quotes"),
    ("list", {"a": ["7"]}, [], "a is ['7'], which is not a string.", "Put it in quotes"),
    ("line break", {"a": "1\n2"}, [], "a is '1\\n2': such characters do not belong in a flag.", "Remove them."),
    ("control character", {"a": "\x00"}, [], "such characters do not belong in a flag.", "Remove them."),
    ("line separator", {"a": "\u2028"}, [], "such characters do not belong in a flag.", "Remove them."),
    ("surrogate", {"a": "\ud800"}, [], "such characters do not belong in a flag.", "Remove them."),
    ("data-dir", {"data-dir": "/srv"}, [], "data-dir as an argument changes the flag alone", "Use etcd.local.dataDir."),
]


@pytest.mark.parametrize(("wanted", "remove", "sentence", "advice"), table(BAD))
def test_refused(wanted: dict[Any, Any], remove: list[str], sentence: str, advice: str) -> None:
    with pytest.raises(Refused) as caught:
        flag_values.checked(wanted, remove)
    assert sentence in str(caught.value)
    assert caught.value.advice.startswith(advice)


def test_a_misspelt_name_may_be_taken_away() -> None:
    assert flag_values.checked({}, ["quota_backend_bytes"]).wanted == {}


ADDRESSES: list[tuple[str, str, str | None]] = [
    ("listen-metrics-urls", "http://192.0.2.1:2381", "192.0.2.1"),
    ("listen-metrics-urls", "http://127.0.0.1:2381,http://192.0.2.1:2381", "192.0.2.1"),
    ("listen-metrics-urls", "http://[2001:db8::1]:2381", "2001:db8::1"),
    ("listen-metrics-urls", "http://cp1:2381", "cp1"),
    ("listen-metrics-urls", "http://0.0.0.0:2381", None),
    ("listen-metrics-urls", "http://127.0.0.1:2381", None),
    ("listen-metrics-urls", "http://[::1]:2381,http://[::]:2381", None),
    ("listen-metrics-urls", "http://localhost:2381", None),
    ("initial-cluster", "cp1=https://cp1.example:2380", "cp1.example"),
    ("initial-cluster", "cp1=https://192.0.2.1:2380", "192.0.2.1"),
    ("name", "cp1", "cp1"),
    ("some-flag", "192.0.2.1", "192.0.2.1"),
    ("some-flag", "https://elsewhere.example", None),
    ("quota-backend-bytes", "8589934592", None),
    ("auto-compaction-retention", "1h", None),
    ("some-flag", "3.5.9.1", "3.5.9.1"),
    ("some-flag", "1.2.3.4.5", None),
    ("some-flag", "999.1.1.1", None),
    ("some-flag", "a:b", None),
    ("some-flag", "", None),
    ("cipher-suites", "TLS_AES_128_GCM_SHA256,TLS_CHACHA20_POLY1305_SHA256", None),
]


@pytest.mark.parametrize(("name", "value", "address"), ADDRESSES)
def test_node_address(name: str, value: str, address: str | None) -> None:
    assert flag_values.node_address(name, value) == address


@given(st.text(max_size=30))
def test_any_text_is_checked(text: str) -> None:
    flag_values.node_address("listen-metrics-urls", text)
    flag_values.retention_seconds(text)
    flag_values.compaction_problem(text, text)


ALIKE: list[tuple[str, str, str, str | None, bool]] = [
    ("quota-backend-bytes", "8589934592", "08589934592", None, False),
    ("quota-backend-bytes", "08589934592", "0_8589934592", None, False),
    ("quota-backend-bytes", "1073741824", "010000000000", None, True),
    ("quota-backend-bytes", "10000000000", "010000000000", None, False),
    ("quota-backend-bytes", "5368709120", "0x140000000", None, True),
    ("quota-backend-bytes", "5368709120", "5_368_709_120", None, True),
    ("quota-backend-bytes", "8589934592", "8589934593", None, False),
    ("quota-backend-bytes", "8GiB", "8589934592", None, False),
    ("auto-compaction-retention", "1", "1h", "periodic", True),
    ("auto-compaction-retention", "1h", "60m", None, True),
    ("auto-compaction-retention", "1", "1h", "revision", False),
    ("auto-compaction-retention", "1", "2", None, False),
    ("auto-compaction-retention", "x", "y", None, False),
    ("max-wals", "7", "07", None, False),
    ("max-wals", "7", "7", None, True),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("name", "one", "other", "mode", "expected"), ALIKE)
def test_same(name: str, one: str, other: str, mode: str | None, expected: bool, turned: bool) -> None:
    pair = (other, one) if turned else (one, other)
    assert flag_values.same(name, *pair, mode) is expected
