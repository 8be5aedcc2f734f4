# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The types of the keys in etcd's configuration file, and how a value is written in each of them.

From the tags of etcd's structures, 3.4 to 3.7 (server/embed/config.go); a key without `experimental-` has the type of
the one that it replaced.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from .settings import go_int

BOOLEAN, DURATION, INTEGER, LIST, STRING, UNKNOWN = "boolean", "duration", "integer", "list", "string", ""

_STRINGS = """
    name data-dir wal-dir listen-peer-urls listen-client-urls listen-client-http-urls listen-metrics-urls
    initial-advertise-peer-urls advertise-client-urls initial-cluster initial-cluster-token initial-cluster-state
    discovery discovery-proxy discovery-srv discovery-srv-name auto-compaction-mode auto-compaction-retention
    backend-bbolt-freelist-type auth-token metrics logger log-level log-format log-rotation-config-json tls-min-version
    tls-max-version cors host-whitelist v2-deprecation feature-gates
    distributed-tracing-address distributed-tracing-service-name distributed-tracing-instance-id
"""
_INTEGERS = """
    snapshot-count max-snapshots max-wals heartbeat-interval election-timeout quota-backend-bytes max-txn-ops
    max-request-bytes max-concurrent-streams backend-batch-limit bcrypt-cost auth-token-ttl self-signed-cert-validity
    compaction-batch-limit bootstrap-defrag-threshold-megabytes snapshot-catch-up-entries max-learners
    distributed-tracing-sampling-rate
"""
_BOOLEANS = """
    strict-reconfig-check pre-vote force-new-cluster enable-pprof enable-grpc-gateway enable-log-rotation
    unsafe-no-fsync initial-election-tick-advance initial-corrupt-check compact-hash-check-enabled memory-mlock
    stop-grpc-service-on-defrag txn-mode-write-with-shared-buffer enable-lease-checkpoint
    enable-lease-checkpoint-persist enable-distributed-tracing enable-v2 debug
"""
_DURATIONS = """
    backend-batch-interval grpc-keepalive-min-time grpc-keepalive-interval grpc-keepalive-timeout corrupt-check-time
    compact-hash-check-time compaction-sleep-interval downgrade-check-time warning-apply-duration
    watch-progress-notify-interval warning-unary-request-duration
"""
_KINDS = {
    name: kind
    for kind, names in (
        (STRING, _STRINGS),
        (INTEGER, _INTEGERS),
        (BOOLEAN, _BOOLEANS),
        (DURATION, _DURATIONS),
        (LIST, "cipher-suites log-outputs"),
    )
    for name in names.split()
}

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")  # of YAML 1.1
_UNITS = {"ns": 1, "us": 10**3, "\u00b5s": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|ms|s|m|h)", re.ASCII)
# A word that every reader of YAML takes for text.
_WORD = re.compile(r"(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z/][A-Za-z0-9_./-]*", re.ASCII | re.IGNORECASE)


def kind_of(name: str) -> str:
    """The type of a key, UNKNOWN if etcd knows none of that name."""
    bare = name[len("experimental-") :] if name.startswith("experimental-") else name
    return _KINDS.get(bare, UNKNOWN)


def canonical(name: str, value: str, *, in_file: bool = False) -> str:
    """The value in one spelling, as a flag would have it. `in_file`: it is a configuration file's, if a duration is a
    number of nanoseconds. A value that etcd would not take stays unchanged."""
    kind = kind_of(name)
    if kind == INTEGER:
        number = _number(value)
        return value if number is None else str(number)
    if kind == BOOLEAN:
        word = value.lower()
        return "true" if word in _TRUE else "false" if word in _FALSE else value
    if kind == DURATION:
        nanoseconds = _number(value) if in_file else _nanoseconds(value)
        return value if nanoseconds is None else _duration(nanoseconds)
    return value


def written(name: str, value: str, old: str | None, *, as_json: bool = False) -> str:
    """The value in the type of its key. `old` is what is there, in its quotes, None if nothing is: it stays if it has
    this type and means the same. Raises ValueError for a value that this type cannot hold."""
    kind = kind_of(name)
    quoted = bool(old) and str(old)[0] in "\"'"
    same = bool(old) and canonical(name, str(old), in_file=True) == canonical(name, value)
    if same and kind in (INTEGER, BOOLEAN, DURATION) and not quoted:
        return str(old)
    if kind == STRING:
        if quoted and _unquoted(str(old)) == value:
            return str(old)
        return _text(value, str(old or ""), as_json=as_json)
    if kind == LIST:
        return json.dumps([each.strip() for each in value.split(",") if each.strip()], ensure_ascii=False)
    new = canonical(name, value)
    if kind == DURATION:
        nanoseconds = _nanoseconds(value)
        if nanoseconds is not None:
            return str(nanoseconds)
    elif (kind == INTEGER and _number(new) is not None) or (kind == BOOLEAN and new in ("true", "false")):
        return new
    raise ValueError(f"{name} is {value!r}, which is no {kind}")


def _unquoted(text: str) -> str | None:
    """What a scalar in quotes says, None if it is not in plain ones."""
    if "\\" in text or "''" in text[1:-1]:
        return None
    return text[1:-1]


def _text(value: str, old: str, *, as_json: bool) -> str:
    if not as_json:
        if old[:1] == "'" and "'" not in value:
            return f"'{value}'"
        if old[:1] != '"' and _WORD.fullmatch(value):
            return value
    return json.dumps(value, ensure_ascii=False)


def _number(text: str) -> int | None:
    """A whole number as YAML and JSON write one: 5000, 5_000, 0x1388, 5e3."""
    found = go_int(text)
    if found is None and re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?", text, re.ASCII):
        exact = Decimal(text)
        found = int(exact) if exact == int(exact) else None
    return found


def _nanoseconds(text: str) -> int | None:
    if text == "0":
        return 0
    if not re.fullmatch(f"(?:{_PART.pattern})+", text, re.ASCII):
        return None
    return sum(int(Decimal(number) * _UNITS[unit]) for number, unit in _PART.findall(text))


def _duration(nanoseconds: int) -> str:
    for unit in ("s", "ms", "us"):
        if nanoseconds % _UNITS[unit] == 0:
            return f"{nanoseconds // _UNITS[unit]}{unit}"
    return f"{nanoseconds}ns"


def known_kind(name: str) -> str:
    """The type of a key. Raises ValueError if etcd knows none of that name."""
    kind = kind_of(name)
    if kind == UNKNOWN:
        raise ValueError(f"etcd knows no key {name} there, and would ignore it")
    return kind


__all__ = (
    "BOOLEAN",
    "DURATION",
    "INTEGER",
    "LIST",
    "STRING",
    "UNKNOWN",
    "canonical",
    "kind_of",
    "known_kind",
    "written",
)
