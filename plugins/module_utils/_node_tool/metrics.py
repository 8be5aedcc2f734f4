# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The metrics for node-exporter's textfile collector: which ones there are, and their text."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.text import printable
from .._etcd.api import CORRUPT, NOSPACE, Alarm
from .._etcd.checks import unsafe_version
from .resource_use import UsageLook
from .state import State

PREFIX = "etcd_maintenance_"
FILE = "etcd_maintenance.prom"
# Debian's prometheus-node-exporter, and what most others use.
DIRECTORIES = ("/var/lib/prometheus/node-exporter", "/var/lib/node_exporter/textfile_collector")
# A count that is no longer repeated says nothing any more.
_USAGE_COUNTS_SECONDS = 86400.0
_LONGEST_NAME = 200  # a key of etcd may have a megabyte

# All metrics, with their help; alert rules are written on these names.
HELP: t.Mapping[str, str] = {
    "last_look_timestamp_seconds": "When the node tool last looked at the etcd member of this node.",
    "member_up": "Whether the etcd member of this node answers; absent where there is none.",
    "has_leader": "Whether it knows a leader.",
    "is_leader": "Whether it leads.",
    "db_size_bytes": "Size of its file, which counts against the quota.",
    "db_in_use_bytes": "What a defragmentation would leave of that file.",
    "quota_bytes": "Its quota; absent where it is switched off.",
    "disk_free_bytes": "What is free on the disk of its data.",
    "alarm": "Whether an alarm of this type is armed anywhere in the cluster.",
    "version_info": "Its version of etcd.",
    "version_unsafe": "Whether that version can lose data when it dies during a defragmentation.",
    "last_run_timestamp_seconds": "When the last scheduled run on this node ended.",
    "last_run_success": "Whether it succeeded; one that had nothing to do did.",
    "last_defrag_timestamp_seconds": "When a defragmentation that this node asked for last ended.",
    "last_defrag_seconds": "How long the member did not serve during that defragmentation.",
    "heals_today": "How often this node tried to heal the NOSPACE alarm in the last 24 hours.",
    "usage_timestamp_seconds": "When a scheduled run on this node last counted what fills its database.",
    "resource_live_bytes": "What the newest revisions of a resource take in it; of those that have most only.",
    "resource_history_bytes": "What its other revisions take, which a compaction removes.",
    "resource_live_growth_bytes_per_hour": "How fast its live data grew since the count before.",
    "heal_failed": "Whether the NOSPACE alarm is armed and could not be healed, or healing is used up for today.",
}


@dataclass(frozen=True)
class Observation:
    """The state of the member of this node, as it says itself; `quota_bytes` is below 0 if it is off, `disk_free_bytes`
    None if the disk cannot be asked."""

    has_leader: bool
    is_leader: bool
    term: int
    version: str
    db_size_bytes: int
    db_in_use_bytes: int
    quota_bytes: int
    disk_free_bytes: int | None
    alarms: tuple[Alarm, ...]

    def armed(self, kind: str) -> bool:
        return any(alarm.kind == kind for alarm in self.alarms)


def text(observation: Observation | None, state: State, now: float) -> str:
    """The text of the whole file. Of a member that is down it says only that it is down, never a stale size; of a node
    without one, only when it was inspected and what ran there."""
    lines = []
    for name, samples in _values(observation, state, now).items():
        lines += [f"# HELP {PREFIX}{name} {HELP[name]}", f"# TYPE {PREFIX}{name} gauge"]
        lines += [f"{PREFIX}{name}{labels} {float(value)!r}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _values(observation: Observation | None, state: State, now: float) -> dict[str, list[tuple[str, float]]]:
    """Labels and value of every sample, by the name of the metric."""
    plain: dict[str, float] = {"last_look_timestamp_seconds": now}
    if observation or not state.no_member:
        plain["member_up"] = observation is not None
    labelled: dict[str, list[tuple[str, float]]] = {}
    if observation:
        plain.update(
            has_leader=observation.has_leader,
            is_leader=observation.is_leader,
            db_size_bytes=observation.db_size_bytes,
            db_in_use_bytes=observation.db_in_use_bytes,
            version_unsafe=unsafe_version(observation.version),
        )
        if observation.quota_bytes > 0:
            plain["quota_bytes"] = observation.quota_bytes
        if observation.disk_free_bytes is not None:
            plain["disk_free_bytes"] = observation.disk_free_bytes
        labelled["alarm"] = [(f'{{type="{kind}"}}', observation.armed(kind)) for kind in (NOSPACE, CORRUPT)]
        labelled["version_info"] = [(f'{{version="{_escaped(observation.version)}"}}', 1)]
    if state.last_run is not None:
        plain.update(last_run_timestamp_seconds=state.last_run, last_run_success=state.last_run_success)
    if state.last_defrag is not None:
        plain.update(last_defrag_timestamp_seconds=state.last_defrag, last_defrag_seconds=state.last_defrag_seconds)
    if state.usage and now - state.usage.moment < _USAGE_COUNTS_SECONDS:
        plain["usage_timestamp_seconds"] = state.usage.moment
        labelled.update(_resources(state.usage))
    plain.update(heals_today=len(state.heals), heal_failed=state.heal_failed)
    found = {**{name: [("", value)] for name, value in plain.items()}, **labelled}
    return {name: found[name] for name in HELP if found.get(name)}


def _resources(usage: UsageLook) -> dict[str, list[tuple[str, float]]]:
    """The samples of the largest resources. Names that look the same once they are escaped are one: node-exporter drops
    a file in which a series is twice."""
    named = {
        f'{{group="{_escaped(each.group)}",resource="{_escaped(each.resource)}"}}': each
        for each in reversed(usage.largest)
        if len(each.group) + len(each.resource) <= _LONGEST_NAME
    }
    grown = [(labels, each.live_bytes_per_hour) for labels, each in named.items()]
    return {
        "resource_live_bytes": [(labels, each.live_bytes) for labels, each in named.items()],
        "resource_history_bytes": [(labels, each.history_bytes) for labels, each in named.items()],
        "resource_live_growth_bytes_per_hour": [(labels, size) for labels, size in grown if size is not None],
    }


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace('"', '\\"')


__all__ = ("DIRECTORIES", "FILE", "HELP", "PREFIX", "Observation", "text")
