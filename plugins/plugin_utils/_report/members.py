# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What is said of the members of a cluster, and of their nodes."""

from __future__ import annotations

from .formatting import UNKNOWN, count, duration, moment, percent, size
from .reading import Part
from .tables import Cell, Column, Table, table

_MEMBERS = (
    Column("Member"),
    Column("Role"),
    Column("Size", numeric=True),
    Column("In use", numeric=True),
    Column("Quota", numeric=True),
    Column("Full", numeric=True),
    Column("Fragmented", numeric=True),
    Column("Entries behind", numeric=True),
    Column("Alarm"),
)
_NODES = (
    Column("Member"),
    Column("Certificate"),
    Column("Probes"),
    Column("Kubelet"),
    Column("Schedule"),
    Column("Last maintenance"),
    Column("Last snapshot", wide=True),
)
_DAY = 86400


def members_table(cluster: Part) -> Table:
    """The members as etcd knows them. Their versions are told only if they differ."""
    members = cluster.parts("members")
    mixed = len({member.text("version") for member in members if member.text("version")}) > 1
    return table(
        "Members of etcd",
        _MEMBERS,
        (
            (
                _name(member, member.text("version") if mixed else ""),
                Cell(member.text("role") or UNKNOWN, note=member.text("cause")),
                size(member.number("size_bytes")),
                size(member.number("in_use_bytes")),
                "off" if member.text("quota_source") == "off" else size(member.number("quota_bytes")),
                percent(member.number("full_percent")),
                percent(member.number("fragmentation_percent")),
                count(member.number("lag")),
                ", ".join(member.texts("alarms")) or "none",
            )
            for member in members
        ),
    ).known()


def nodes_table(cluster: Part) -> Table:
    """What is known of the members' nodes."""
    return table(
        "Nodes of the members",
        _NODES,
        (
            (
                _name(member),
                _certificate(member.number("certificate_days_left")),
                member.text("probes") or UNKNOWN,
                member.text("kubelet") or UNKNOWN,
                member.text("schedule") or UNKNOWN,
                moment(member.text("last_maintenance_at")),
                _snapshot(member.part("last_snapshot")),
            )
            for member in cluster.parts("members")
        ),
    ).known()


def _name(member: Part, *more: str) -> Cell:
    name, host = member.text("name"), member.text("host")
    notes = (host if name and host != name else "", *more)
    return Cell(name or host or "without a name", note=", ".join(filter(None, notes)))


def _certificate(days: float | None) -> str:
    if days is None:
        return UNKNOWN
    return f"{duration(days * _DAY)} left" if days > 0 else f"expired {duration(-days * _DAY)} ago"


def _snapshot(snapshot: Part) -> Cell:
    if not snapshot:
        return Cell(UNKNOWN)
    age = snapshot.number("age_seconds")
    taken = moment(snapshot.text("taken_at"))
    return Cell(f"{duration(age)} old" if age is not None else taken, note=snapshot.text("path"))


__all__ = ("members_table", "nodes_table")
