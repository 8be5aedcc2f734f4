# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The status in words and tables, for people: at most 100 columns, and no character that a terminal would take for more
than text, whatever the names and keys of others hold."""

from __future__ import annotations

import textwrap
import typing as t

from ...module_utils._core.records import Fields
from ...module_utils._core.text import join, printable, table
from ...module_utils._core.units import GIB, KIB, MIB
from .consumers import advice_lines, names_worth_advice, owner_name
from .status_record import OK, ClusterStatus, LastSnapshot, MemberStatus, Status, Usage

WIDTH = 100
# More clusters than that get one line each, and details only of those that are not well.
DETAILED = 3
_BAR = 10
_UNKNOWN = "-"
_CONSUMERS = ("what fills it", "namespace", "live", "keys", "history", "revisions")
_MEMBERS = ("member", "role", "size", "in use", "quota", "used", "frag.", "lag", "alarm")
_NODES = ("node", "cert.", "probes kill", "kubelet", "schedule", "last run", "last snapshot")
_FLEET = ("cluster", "verdict", "up", "etcd", "used", "in short")


def status_lines(status: Status, *, top: int = 10) -> list[str]:
    """All lines; `top` is how many consumers are shown of each cluster."""
    shown = status.clusters
    lines: list[str] = []
    if len(status.clusters) > DETAILED:
        lines += _fleet(status.clusters)
        shown = tuple(cluster for cluster in status.clusters if cluster.verdict != OK)
    for cluster in shown:
        lines += ["", *_cluster(cluster, top)] if lines else _cluster(cluster, top)
    if status.without_etcd:
        lines += ["", *_wrapped(f"Without etcd, and left out: {join(status.without_etcd)}.")]
    return [line.rstrip() for line in lines]


def _fleet(clusters: t.Sequence[ClusterStatus]) -> list[str]:
    """One line for each cluster, as they come: worst first."""
    rows = []
    for each in clusters:
        up = f"{sum(member.up for member in each.members)}/{len(each.members)}" if each.members else _UNKNOWN
        name, used = _cut(each.name, 20), usage_bar(each.full_percent)
        rows.append((name, each.verdict, up, _cut(each.version or _UNKNOWN, 7), used, printable(each.headline)))
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..." for line in table([_FLEET, *rows])]


def _cluster(cluster: ClusterStatus, top: int) -> list[str]:
    versions = join(cluster.versions) if cluster.versions else "unknown"
    about = (
        f"{join(cluster.hosts)}; etcd {versions}; leader: {cluster.leader or 'none'}; alarms: {join(cluster.alarms)}"
        f"{_growth(cluster)}"
    )
    lines = [*_wrapped(f"{cluster.name}: {cluster.verdict.upper()}. {cluster.headline}"), *_wrapped(about)]
    if cluster.members:
        lines += ["", *_table([_MEMBERS, *map(_member, cluster.members)])]
        lines += _causes(cluster.members)
        lines += ["", *_table([_NODES, *map(_node, (each for each in cluster.members if each.kubelet))])]
    if cluster.usage and top:
        lines += ["", *_usage(cluster.usage, top)]
    if cluster.findings:
        lines.append("")
    for finding in cluster.findings:
        lines += _wrapped(f"{finding.severity}: {finding.text} [{finding.anchor}]", hanging="  ")
    return lines


def _growth(cluster: ClusterStatus) -> str:
    if cluster.growth is None or cluster.growth.bytes_per_hour <= 0:  # it was defragmented meanwhile
        return ""
    left = cluster.growth.seconds_to_full
    full = f", full in {ago(left)}" if left is not None else ""
    return f"; growth: {size(cluster.growth.bytes_per_hour)} per hour since {cluster.growth.since}{full}"


def _member(member: MemberStatus) -> tuple[str, ...]:
    quota = "off" if member.quota_source == "off" else size(member.quota_bytes)
    free = _UNKNOWN if member.fragmentation_percent is None else f"{member.fragmentation_percent:.0f} %"
    return (
        _cut(member.name, 16),
        member.role,
        size(member.size_bytes),
        size(member.in_use_bytes),
        quota,
        usage_bar(member.full_percent),
        free,
        _UNKNOWN if member.lag is None else str(member.lag),
        ",".join(member.alarms) or ("none" if member.role != "down" else _UNKNOWN),
    )


def _causes(members: t.Iterable[MemberStatus]) -> list[str]:
    return [line for each in members if each.cause for line in _wrapped(f"{each.name}: {each.cause}", hanging="  ")]


def _node(member: MemberStatus) -> tuple[str, ...]:
    days, kills = member.certificate_days_left, member.probes
    whose, _mark, after = kills.rstrip(")").partition(" (kills after ")
    return (
        _cut(member.host, 16),
        _UNKNOWN if days is None else f"{days:.0f} d",
        _cut(f"{after}, {whose}" if after else whose, 27),
        member.kubelet,
        member.schedule or _UNKNOWN,
        (member.last_maintenance_at or _UNKNOWN).replace("T", " ")[:16],
        _snapshot(member.last_snapshot),
    )


def _snapshot(snapshot: LastSnapshot | None) -> str:
    return f"{ago(snapshot.age_seconds)} ago" if snapshot else _UNKNOWN


def _usage(usage: Usage, top: int) -> list[str]:
    """The largest consumers, and where the bytes of the file are. A record of another form is passed over."""
    record = usage.record
    entries = record.get("consumers")
    consumers = (
        [entry for entry in entries if isinstance(entry, t.Mapping)] if isinstance(entries, (list, tuple)) else []
    )
    rows = [_consumer(each) for each in consumers[:top]]
    file = record.get("file")
    parts = file if isinstance(file, t.Mapping) else {}
    sums = ", ".join(f"{name} {size(_whole(parts.get(f'{name}_bytes')))}" for name in ("live", "history", "free"))
    moving = "" if record.get("consistent", True) else "; etcd wrote meanwhile"
    where = _wrapped(f"In the database of {usage.host} ({size(_whole(parts.get('size_bytes')))}): {sums}{moving}.")
    return [*where, *(_table([_CONSUMERS, *rows]) if rows else []), *_advice(usage)]


def _consumer(consumer: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return (
        _cut(_owner(consumer), 34),
        _cut(str(consumer.get("namespace") or ""), 20),
        size(_whole(consumer.get("live_bytes"))),
        _cut(str(consumer.get("live_keys", _UNKNOWN)), 9),
        size(_whole(consumer.get("history_bytes"))),
        _cut(str(consumer.get("history_revisions", _UNKNOWN)), 9),
    )


def _owner(consumer: t.Mapping[str, t.Any]) -> str:
    try:
        return owner_name(Fields(consumer, "a consumer"))
    except ValueError:
        return _UNKNOWN


def _advice(usage: Usage) -> list[str]:
    """The advice on what takes most, as a recovery gives it."""
    try:
        lines = advice_lines(map(dict, usage.advice), names_worth_advice(usage.record))
    except ValueError:
        return []
    said = [line for each in lines for line in _wrapped(each, hanging="  ")]
    return ["", *said] if said else []


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def usage_bar(full_percent: float | None) -> str:
    """A share as a bar and a number."""
    if full_percent is None:
        return _UNKNOWN
    filled = min(max(round(full_percent * _BAR / 100), 0), _BAR)
    return f"{'#' * filled}{'.' * (_BAR - filled)} {full_percent:5.1f} %"


def size(size_bytes: float | None) -> str:
    """A size in the unit in which it is short."""
    if size_bytes is None:
        return _UNKNOWN
    for least, factor, unit in ((10 * GIB, GIB, "GiB"), (100 * KIB, MIB, "MiB")):
        if abs(size_bytes) >= least:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / KIB:.1f} KiB"


def ago(seconds: float) -> str:
    """A duration in one unit."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _table(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    return [line[:WIDTH] for line in table(rows)] if len(rows) > 1 else []


def _cut(name: str, width: int) -> str:
    """The name in no more columns than that; the middle is left out, since ends tell names apart."""
    shown = printable(name)
    half = (width - 3) // 2
    return shown if len(shown) <= width else f"{shown[: width - 3 - half]}...{shown[-half:]}"


def _wrapped(text: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(printable(text), WIDTH, subsequent_indent=hanging, break_on_hyphens=False) or [""]


__all__ = ("DETAILED", "WIDTH", "ago", "size", "status_lines", "usage_bar")
