# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What etcd, or the way to it, can answer other than yes: one family of errors, told apart by code and message."""

from __future__ import annotations

import typing as t


class EtcdError(Exception):
    """A call that failed. The text is one sentence; `endpoint` is the URL that was asked."""

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        super().__init__(message)
        self.endpoint = endpoint


class Compacted(EtcdError):
    """The revision is at or below the compacted one: for a compaction this is success."""


class FutureRevision(EtcdError):
    """The revision is above the current one."""


class NoSpace(EtcdError):
    """A NOSPACE alarm is armed, or this member's file is over its quota."""


class CorruptAlarm(EtcdError):
    """A CORRUPT alarm is armed: the members do not hold the same data."""


class NoLeader(EtcdError):
    """The member knows no leader."""


class NotLeader(EtcdError):
    """Only the leader answers this call."""


class LearnerRefuses(EtcdError):
    """Learners do not serve this call."""


class LeaseExists(EtcdError):
    """Somebody holds a lease of this id."""


class GatewayDisabled(EtcdError):
    """The address serves no JSON gateway: switched off, on another port, or not etcd."""


class AuthEnabled(EtcdError):
    """etcd's own user authentication is on, which the gateway does not combine with certificates."""


class TlsRejected(EtcdError):
    """One side did not accept the certificate of the other."""


class Unreachable(EtcdError):
    """Nobody listens there, or the connection broke."""


class TimedOut(EtcdError):
    """No answer in time, from the member itself or while it waited for the others."""


# What does not pass by itself, however long one waits.
LASTING = (AuthEnabled, GatewayDisabled, TlsRejected)

# Texts as etcd 3.4 to 3.7 send them (rpctypes/error.go); the first that the message contains decides. The code alone
# does not: 11 stands for both compacted and future revisions, 9 and 14 for many things.
_BY_TEXT: tuple[tuple[str, type[EtcdError]], ...] = (
    ("required revision has been compacted", Compacted),
    ("required revision is a future revision", FutureRevision),
    ("database space exceeded", NoSpace),
    ("corrupt cluster", CorruptAlarm),
    ("etcdserver: no leader", NoLeader),
    ("not leader", NotLeader),
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
    """The error that a gateway's answer tells of: `{"code": int, "message": str}`, with or without `error`."""
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
    "Compacted",
    "CorruptAlarm",
    "EtcdError",
    "FutureRevision",
    "GatewayDisabled",
    "LearnerRefuses",
    "LeaseExists",
    "NoLeader",
    "NoSpace",
    "NotLeader",
    "TimedOut",
    "TlsRejected",
    "Unreachable",
    "of_answer",
)
