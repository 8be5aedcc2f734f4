# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Values of etcd's arguments, checked before they are written: kubeadm hands on whatever it is given, and every member
would exit at once, or never compact."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from .._core.failures import Refused
from .._etcd.quota import LARGEST_QUOTA_BYTES
from .._node.settings import go_int

QUOTA, MODE, RETENTION = "quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention"
DATA_DIR = "data-dir"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FLAG = re.compile(r"[a-z0-9][a-z0-9.-]*")  # as all of etcd's are named
_QUOTA = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]i?)?(B?)", re.ASCII)
_FACTORS = {"K": 1, "M": 2, "G": 3, "T": 4}
_SMALLEST_QUOTA = 1024**2  # less is a forgotten unit
_INT64 = 2**63 - 1

# A duration as Go reads it.
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_SECONDS = _INT64 / 1e9

_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\]?)(?![\w.])")
_HOST = re.compile(r"://(\[[^\]]*\]|[^/:,\s]+)")
_GIVE_BOTH = "Give auto-compaction-mode and auto-compaction-retention together."
_ANY_HOST = ("localhost", "0.0.0.0", "::", "")
# What kubeadm fills in for each node.
_OF_A_NODE = (
    "advertise-client-urls",
    "initial-advertise-peer-urls",
    "initial-cluster",
    "listen-client-urls",
    "listen-peer-urls",
    "name",
)


@dataclass(frozen=True)
class Settings:
    """Arguments that may be written, and warnings about them."""

    wanted: dict[str, str]
    warnings: tuple[str, ...]


def checked(
    wanted: t.Mapping[str, t.Any], remove: t.Collection[str] = (), existing: t.Mapping[str, str] | None = None
) -> Settings:
    """The arguments as they are to be written, checked together with those that stay. Raises Refused."""
    for name in [*wanted, *remove]:
        _check_name(name)
    for name in wanted:
        _check_spelling(name)
    both = sorted(set(wanted) & set(remove))
    if both:
        raise Refused("invalid_argument", f"{both[0]} is both set and removed.", "Leave one of the two out.")
    texts = {name: _text(name, value) for name, value in wanted.items()}
    if QUOTA in texts:
        texts[QUOTA] = str(quota_bytes(texts[QUOTA]))
    if DATA_DIR in texts:
        raise Refused(
            "invalid_argument",
            "data-dir as an argument changes the flag alone: the folder that kubeadm mounts stays, and the data would"
            " be in the container's own layer and be lost with it.",
            "Use etcd.local.dataDir.",
        )
    after = {name: value for name, value in (existing or {}).items() if name not in remove}
    after.update(texts)
    problem = compaction_problem(after.get(MODE), after.get(RETENTION))
    if problem and (MODE in texts or RETENTION in texts):
        raise Refused("invalid_argument", problem, _GIVE_BOTH)
    if RETENTION not in texts:
        _check_retention_that_stays(existing or {}, after)
    warnings = []
    if int(texts.get(QUOTA, 0)) > LARGEST_QUOTA_BYTES:
        warnings.append(
            f"The quota of {texts[QUOTA]} bytes is beyond 8 GiB, which is what etcd suggests at most: it warns of it at"
            " every start."
        )
    if MODE in texts and after.get(RETENTION, "0") == "0":
        warnings.append("auto-compaction-mode does nothing without auto-compaction-retention.")
    return Settings(texts, tuple(warnings))


def problems(args: t.Mapping[str, str | None]) -> list[str]:
    """The problems of arguments that are there already, one sentence each."""
    found = []
    quota = args.get(QUOTA)
    if quota is not None and go_int(quota) is None:
        found.append(f"{QUOTA} is {quota!r}, which is not a number of bytes: etcd does not start with it.")
    problem = compaction_problem(args.get(MODE), args.get(RETENTION))
    if problem:
        found.append(problem)
    found += [
        f"{name} is empty: kubeadm turns it into --{name}=, and etcd does not start unless it wants text there."
        for name, value in args.items()
        if value == "" and name not in (QUOTA, MODE, RETENTION)
    ]
    found += [
        f"{name} is {value!r}: such characters do not belong in a flag."
        for name, value in args.items()
        if value and not value.isprintable()
    ]
    found += [
        f"{name!r} is not a valid flag name, and etcd does not start with it."
        for name in args
        if not name.startswith("-") and not _FLAG.fullmatch(name)
    ]
    if "config-file" in args:
        found.append("config-file is set: it makes etcd ignore every other argument.")
    found += [
        f"{name} has leading dashes: kubeadm turns it into --{name}, and etcd does not start with that."
        for name in args
        if name.startswith("-")
    ]
    if DATA_DIR in args:
        found.append(
            "data-dir changes the flag alone: the folder that kubeadm mounts stays, and the data is in the container's"
            " own layer. Use etcd.local.dataDir."
        )
    for name, value in args.items():
        address = node_address(name, value or "")
        if address:
            found.append(
                f"{name} holds {address}. These arguments are the same on every control-plane node: where that is one"
                " node's own, etcd does not start on the others."
            )
    return found


def quota_bytes(text: str) -> int:
    """A quota in bytes, from bytes or a number with a unit such as 8GiB or 8Gi. Raises Refused."""
    match = _QUOTA.fullmatch(text.strip())
    if not match:
        raise Refused(
            "invalid_quota",
            f"{QUOTA} is {text!r}, which is not a valid size.",
            "Give bytes, or a number with MiB or GiB, such as 8GiB.",
        )
    number, unit = match[1], match[2] or ""
    if unit and not unit.endswith("i"):
        power = _FACTORS[unit]
        raise Refused(
            "invalid_quota",
            f"{QUOTA} is {text!r}, which may mean {_rounded(number, 1024**power)} or {_rounded(number, 1000**power)}"
            " bytes.",
            f"Write {number}{unit}iB for the first, or the bytes.",
        )
    if not unit and "." in number:
        raise Refused(
            "invalid_quota", f"{QUOTA} is {text!r}, which is not a whole number of bytes.", "Give a unit, such as 8GiB."
        )
    size = int(number) if not unit else _rounded(number, 1024 ** _FACTORS[unit[0]])
    if size < _SMALLEST_QUOTA and size != 0:
        raise Refused(
            "invalid_quota",
            f"{QUOTA} is {text!r}: with {size} bytes every member would be full at once.",
            "Give a unit, such as 8GiB.",
        )
    if size > _INT64:
        raise Refused("invalid_quota", f"{QUOTA} is {text!r}, which is more than etcd can count.", "Give at most 8GiB.")
    return size


def _rounded(number: str, factor: int) -> int:
    whole, _point, fraction = number.partition(".")
    return int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)


def _check_retention_that_stays(before: t.Mapping[str, str], after: t.Mapping[str, str]) -> None:
    """Refuse to turn a number of revisions into one of hours, or the other way round: nobody has said what it is to be
    then."""
    retention, modes = after.get(RETENTION, "0"), [each.get(MODE, "periodic") for each in (before, after)]
    if retention != "0" and modes[0] != modes[1]:
        raise Refused(
            "invalid_argument",
            f"{RETENTION} is {retention!r} and was meant for {MODE} {modes[0]}: with {modes[1]} it would be something"
            " else.",
            _GIVE_BOTH,
        )


def compaction_problem(mode: str | None, retention: str | None) -> str | None:
    """The reason why mode and retention do not go together, None if they do. An absent mode is periodic for etcd."""
    if mode is not None and mode not in ("periodic", "revision"):
        return f"{MODE} is {mode!r}: etcd knows periodic and revision, and does not start with anything else."
    if retention is None:
        return None
    if mode == "revision":
        if re.fullmatch(r"\d+", retention, re.ASCII) and int(retention) <= _INT64:
            return None
        never = "etcd would take it for a number so large that it never compacts"
        reason = never if retention_seconds(retention) is not None else "it wants a number of revisions"
        return f"{RETENTION} is {retention!r} and {MODE} is revision: {reason}."
    if retention_seconds(retention) is None:
        return (
            f"{RETENTION} is {retention!r}: for {MODE} periodic etcd wants hours as a whole number, or a duration such"
            " as 30m or 1h, and does not start with anything else."
        )
    return None


def retention_seconds(text: str) -> float | None:
    """The seconds of a periodic retention, None if etcd does not understand it. A number without unit is hours."""
    if re.fullmatch(r"\d+", text, re.ASCII):
        seconds = int(text) * 3600.0
    elif re.fullmatch(f"(?:{_DURATION.pattern})+", text, re.ASCII):
        seconds = sum(_part_seconds(part) for part in _DURATION.findall(text))
    else:
        return None
    return seconds if seconds <= _LONGEST_SECONDS else None


def _part_seconds(part: str) -> float:
    unit = part.lstrip("0123456789.")
    return float(part[: -len(unit)]) * _SECONDS[unit]


def same(name: str, one: str, other: str, mode: str | None) -> bool:
    """Whether etcd does the same with both values of this argument."""
    if one == other:
        return True
    if name == QUOTA:
        size = go_int(one)
        return size is not None and size == go_int(other)
    if name == RETENTION and mode in (None, "periodic"):
        seconds = retention_seconds(one)
        return seconds is not None and seconds == retention_seconds(other)
    return False


def node_address(name: str, value: str) -> str | None:
    """The address in the value that is one node's own, None if there is none that can be told."""
    if name == "name":
        return value
    for match in _ADDRESS.finditer(value):
        text = match[0].strip("[]")
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_unspecified):
            return text
    if name in _OF_A_NODE or name == "listen-metrics-urls":
        for match in _HOST.finditer(value):
            host = match[1].strip("[]")
            if host not in _ANY_HOST and not host.startswith("127.") and host != "::1":
                return host
    return None


def _check_name(name: t.Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        bare = str(name).lstrip("-").partition("=")[0]
        advice = f"Write {bare}." if bare != name and _NAME.fullmatch(bare) else "Give the name of a flag of etcd."
        if str(name).startswith("-"):
            raise Refused("invalid_argument", f"{name!r} has leading dashes, and kubeadm adds its own.", advice)
        raise Refused("invalid_argument", f"{name!r} is not a valid argument name.", advice)


def _check_spelling(name: str) -> None:
    usual = name.lower().replace("_", "-")
    if name != usual:
        raise Refused(
            "invalid_argument",
            f"{name!r} is not a flag of etcd: those are in lower case, with dashes.",
            f"Write {usual}.",
        )


def _text(name: str, value: t.Any) -> str:
    """A value as text; numbers and booleans come from playbooks without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise Refused("invalid_argument", f"{name} is {value!r}, which is not a string.", 'Put it in quotes: "...".')
    if not value.isprintable():
        raise Refused(
            "invalid_argument", f"{name} is {value!r}: such characters do not belong in a flag.", "Remove them."
        )
    return value


__all__ = (
    "DATA_DIR",
    "MODE",
    "QUOTA",
    "RETENTION",
    "Settings",
    "checked",
    "compaction_problem",
    "node_address",
    "problems",
    "quota_bytes",
    "retention_seconds",
    "same",
)
