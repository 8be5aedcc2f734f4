# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Errors of etcd and of the connection to it, classified by code and message.

Failure
└── EtcdError                   etcd's answer has no meaning of its own here
    ├── Compacted               the revision is gone already
    ├── FutureRevision          the revision is not there yet
    ├── NoSpace                 the NOSPACE alarm is armed
    ├── CorruptAlarm            the members hold different data
    ├── WriteRefused            the write check found that writes do not arrive everywhere
    ├── NoLeader                no member serves this call now
    ├── NotLeader               only the leader serves it
    ├── LearnerRefuses          only voters serve it
    ├── LeaseExists             somebody else was first
    ├── GatewayDisabled         lasting: waiting does not help
    ├── LibraryMissing          lasting
    ├── EtcdctlMissing          lasting
    ├── NotOffered              lasting: this way to etcd has no such call
    ├── AuthEnabled             lasting
    ├── TlsRejected             lasting
    │   └── CertificateExpired
    ├── InvalidEndpoint         the URL is none
    ├── Unreachable             may pass
    │   └── HungUp              also what a port without HTTP may do
    └── TimedOut                may pass
"""

from __future__ import annotations

import typing as t

from .._core.failures import Failure


class EtcdError(Failure):
    """A call that failed. The reason quotes etcd or the connection; `endpoint` is the URL that was asked."""

    code = "etcd_error"
    quotes = True

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        super().__init__(self.code, message)
        self.endpoint = endpoint


class Compacted(EtcdError):
    """The revision is at or below the compacted one: for a compaction this is success."""

    code = "compacted"


class FutureRevision(EtcdError):
    """The revision is above the current one."""

    code = "revision_in_future"


class NoSpace(EtcdError):
    """A NOSPACE alarm is armed, or this member's file is over its quota."""

    code = "nospace_alarm"


class CorruptAlarm(EtcdError):
    """The members do not hold the same data: a CORRUPT alarm is armed, or their hashes differ."""

    code = "corrupt_alarm"


class WriteRefused(EtcdError):
    """A write of the write check was refused, not applied everywhere, or raised an alarm."""

    code = "write_refused"


class NoLeader(EtcdError):
    """The member knows no leader."""

    code = "no_leader"


class NotLeader(EtcdError):
    """Only the leader answers this call."""

    code = "not_leader"


class LearnerRefuses(EtcdError):
    """Learners do not serve this call."""

    code = "learner_refuses"


class LeaseExists(EtcdError):
    """Somebody holds a lease of this id."""

    code = "other_node_works"


class GatewayDisabled(EtcdError):
    """The address serves no JSON gateway: switched off, on another port, or not etcd."""

    code = "gateway_disabled"


class LibraryMissing(EtcdError):
    """gRPC was wanted, and this Python has no library for it."""

    code = "library_missing"


class EtcdctlMissing(EtcdError):
    """etcdctl was wanted, and none was found that could be run."""

    code = "etcdctl_missing"


class NotOffered(EtcdError):
    """The way to etcd that was taken has no such call."""

    code = "not_offered"


class AuthEnabled(EtcdError):
    """etcd's own user authentication is on, which the gateway does not combine with certificates."""

    code = "auth_enabled"


class TlsRejected(EtcdError):
    """One side did not accept the certificate of the other, or a file of ours cannot be used."""

    code = "tls_rejected"


class CertificateExpired(TlsRejected):
    """A certificate of ours has expired, or is not valid yet."""

    code = "certificate_expired"


class InvalidEndpoint(EtcdError):
    """The endpoint is no URL of http or https."""

    code = "invalid_option"


class Unreachable(EtcdError):
    """Nobody listens there, or the connection broke."""

    code = "unreachable"


class HungUp(Unreachable):
    """The connection was closed in the middle of the request or its answer."""


class TimedOut(EtcdError):
    """No answer in time, from the member itself or while it waited for the others."""

    code = "timed_out"


# Waiting does not help against these, however long.
LASTING = (AuthEnabled, EtcdctlMissing, GatewayDisabled, LibraryMissing, NotOffered, TlsRejected)

# Texts as etcd 3.4 to 3.7 send them (rpctypes/error.go); the first that the message contains decides. The code alone
# does not: 11 stands for both compacted and future revisions, 9 and 14 for many things.
_BY_TEXT: tuple[tuple[str, type[EtcdError]], ...] = (
    ("required revision has been compacted", Compacted),
    ("required revision is a future revision", FutureRevision),
    ("database space exceeded", NoSpace),
    ("corrupt cluster", CorruptAlarm),
    ("etcdserver: no leader", NoLeader),
    ("not leader", NotLeader),
    ("no leader endpoint given", NotLeader),  # etcdctl, which asks first
    ("bad leader transferee", NotLeader),
    ("not supported for learner", LearnerRefuses),
    ("lease already exists", LeaseExists),
    ("CommonName of client", AuthEnabled),
    ("bad certificate", TlsRejected),
    ("request timed out", TimedOut),
    ("context deadline exceeded", TimedOut),
    # The gateway lost its member, or was refused by it: which of the two, and in which words, is a matter of chance.
    ("connection error", Unreachable),
    ("connection closed", Unreachable),
    ("connection reset", Unreachable),
    ("broken pipe", Unreachable),
)


def of_answer(body: t.Mapping[str, t.Any], *, endpoint: str) -> EtcdError:
    """The error that a gateway's answer stands for: `{"code": int, "message": str}`, with or without `error`."""
    message = str(body.get("message") or body.get("error") or "no reason given")
    kind = next((kind for text, kind in _BY_TEXT if text in message), EtcdError)
    if kind is LearnerRefuses:
        message += " (ask a voter instead)"
    if kind is TlsRejected:
        # The gateway of a member calls the member itself and shows the *server* certificate as its own.
        message += " (the gateway itself was refused: the server certificate needs the extended key usage clientAuth)"
    if kind is Unreachable:
        message += (
            " (the gateway does not reach its own member: it is starting or stopping, or the server certificate lacks"
            " the extended key usage clientAuth)"
        )
    return kind(message, endpoint=endpoint)


__all__ = (
    "LASTING",
    "AuthEnabled",
    "CertificateExpired",
    "Compacted",
    "CorruptAlarm",
    "EtcdError",
    "EtcdctlMissing",
    "FutureRevision",
    "GatewayDisabled",
    "HungUp",
    "InvalidEndpoint",
    "LearnerRefuses",
    "LeaseExists",
    "LibraryMissing",
    "NoLeader",
    "NoSpace",
    "NotLeader",
    "NotOffered",
    "TimedOut",
    "TlsRejected",
    "Unreachable",
    "WriteRefused",
    "of_answer",
)
