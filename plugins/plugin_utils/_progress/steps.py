# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What became of a task, in a few words: one sentence for each module of this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ...module_utils._core.records import Fields
from ...module_utils._core.text import join, sentences
from ...module_utils._core.units import mib

COLLECTION = "controlplane.etcd."


@dataclass(frozen=True)
class Outcome:
    """What became of a task of this collection, or of an item of its loop. `host` is where it ran. `tried` is true if
    only this task was in check mode, `check` if the whole run is."""

    host: str
    module: str
    result: t.Mapping[str, t.Any] = field(default_factory=dict)
    arguments: t.Mapping[str, t.Any] = field(default_factory=dict)
    role: str = ""
    changed: bool = False
    tried: bool = False
    check: bool = False


@dataclass(frozen=True)
class Known:
    """Hosts that were said to be locked, or to have their kubelet held: what only renews that is not said again."""

    locked: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


def step(outcome: Outcome, known: Known) -> tuple[str, Known]:
    """The words for a step, empty if it is not worth a line, and what is known then. Raises ValueError if the result
    is of another kind."""
    if outcome.tried or (outcome.role, outcome.module) in _SAID_BY_ROLE:
        return "", known
    found = Fields(outcome.result, f"the result of {outcome.module}")
    if outcome.module in _REMEMBERED:
        return _REMEMBERED[outcome.module](found, outcome, known)
    if outcome.module in _SENTENCES:
        return _SENTENCES[outcome.module](found, outcome).rstrip(), known
    return (f"{outcome.module}: changed" if outcome.changed else ""), known


def doing(module: str) -> str:
    """The words for a step that is still at work, empty for an unknown module."""
    return _DOING.get(module, "")


def _node(found: Fields, _outcome: Outcome) -> str:
    if not found.flag("present"):
        return "no etcd here"
    if not found.flag("answers"):
        return f"etcd does not answer: {found.text('error')}"
    cluster, own = found.record("cluster"), found.text("member_id")
    said = ["etcd answers"]
    for member in (each for each in cluster.records("members") if each.text("member_id") == own):
        quota = member.number("quota_bytes")
        of = f" of {mib(quota)}" if quota > 0 else ", no quota"
        said = [f"{member.text('role')}, {mib(member.number('db_size_bytes'))}{of}"]
    said += [alarm.text("alarm") for alarm in cluster.records("alarms") if alarm.text("member_id") == own]
    return ", ".join(said)


def _cluster(found: Fields, _outcome: Outcome) -> str:
    cluster = found.record("cluster")
    alarms = sorted({alarm.text("alarm") for alarm in cluster.records("alarms")})
    leader = cluster.text_or_none("leader")
    return f"{len(cluster.records('members'))} members, leader: {leader or 'none'}, alarms: {join(alarms)}"


def _snapshot(found: Fields, outcome: Outcome) -> str:
    size = mib(found.number("size_bytes"))
    if found.flag("reused"):
        return f"snapshot reused: {found.text('path')}"
    if outcome.check:
        return f"snapshot would be taken: {size}"
    return f"snapshot taken: {size} in {found.number('seconds'):.1f} s, {found.text('path')}"


def _compact(found: Fields, outcome: Outcome) -> str:
    revision = found.whole("revision")
    if not outcome.changed:
        return f"nothing to compact below revision {revision}"
    if outcome.check:
        return f"would be compacted up to revision {revision}"
    return f"compacted up to revision {revision} in {found.number('seconds'):.1f} s"


def _defrag(found: Fields, outcome: Outcome) -> str:
    line = found.text("line")
    name = f"{outcome.host}: "
    line = line[len(name) :] if line.startswith(name) else line
    return f"{'defragmented' if outcome.changed else 'not defragmented'}: {line}"


def _delete(found: Fields, outcome: Outcome) -> str:
    each = [(deleted.whole("key_count"), deleted.text("directory")) for deleted in found.records("deleted")]
    counted = join(f"{keys} keys below {directory}" for keys, directory in each)
    if outcome.check:
        return f"would be deleted: {counted}"
    return f"deleted: {counted}, in {found.number('seconds'):.1f} s"


def _alarm(found: Fields, outcome: Outcome) -> str:
    names = found.texts("disarmed")
    if not names:
        return "no alarm to disarm"
    return f"alarm of {join(names)} {'would be disarmed' if outcome.check else 'disarmed'}"


def _flags(found: Fields) -> str:
    after = found.record("flags").texts_by_key("after")
    return join(f"{name}={value}" for name, value in sorted(after.items()))


def _unit(found: Fields, outcome: Outcome) -> str:
    if not outcome.changed:
        return "already runs with these settings"
    if outcome.check:
        return f"would be restarted with {_flags(found)}, in {found.text('file')}"
    return f"restarted with {_flags(found)}, was down for {found.number('seconds'):.1f} s ({found.text('file')})."


def _manifest(found: Fields, outcome: Outcome) -> str:
    flags = _flags(found)
    if not outcome.changed:
        return "already runs with these flags"
    if outcome.check:
        return sentences(f"would be restarted with {flags}.", found.text("reason"))
    down = f"restarted with {flags}, was down for {found.number('seconds'):.1f} s ({found.text('method')})."
    return sentences(down, found.text("reason"), *found.texts("differences"))


def _write_check(found: Fields, outcome: Outcome, known: Known) -> tuple[str, Known]:
    said = [_alarm(found, outcome)] if found.has("disarmed") else []
    if not outcome.check:
        said.append(f"writes accepted through {join(found.texts('writes'))}")
        reason = found.text("hashes_reason")
        if found.has("hashes_agree") and found.flag("hashes_agree"):
            said.append("the followers hold the same data")
        elif reason:
            said.append(f"their data was not compared ({reason})")
    unlocked, known = _unlocked(found, outcome, known)
    return "; ".join([*said, *unlocked]), known


def _apiserver(found: Fields, outcome: Outcome, known: Known) -> tuple[str, Known]:
    restarted = [f"kubelet {'would be ' if outcome.check else ''}restarted"] if outcome.changed else []
    unlocked, known = _unlocked(found, outcome, known)
    return ", ".join(filter(None, [*restarted, _answer(found), *unlocked])), known


def _unlocked(found: Fields, outcome: Outcome, known: Known) -> tuple[list[str], Known]:
    """Of a step that may give the lock back when it is done."""
    if found.has("unlocked") and found.flag("unlocked"):
        return ["unlocked"], replace(known, locked=known.locked - {outcome.host})
    return [], known


def _answer(found: Fields) -> str:
    outcome, reason = found.text("outcome"), found.text("reason")
    seconds = f"{found.number('seconds'):.0f}"
    since = "yet" if seconds == "0" else f"after {seconds} s"  # it is asked once before it is waited for
    said = {
        "absent": "",
        "accepted": f"API server accepts writes, after {found.number('seconds'):.1f} s",
        "not ready": f"API server is not up {since}: {reason}",
        "ready": "API server is ready",
        "refused": f"API server did not take the write, but not because of etcd: {reason}",
    }
    return said.get(outcome, outcome)


def _schedule(found: Fields, outcome: Outcome) -> str:
    if not outcome.changed:
        return "node tool and schedule need no change"
    would = "would be " if outcome.check else ""
    backend = found.text_or_none("backend")
    return f"node tool {would}installed, run by {backend}" if backend else f"node tool {would}removed"


def _kubeadm(found: Fields, outcome: Outcome) -> str:
    place = found.text("path") if found.has("path") else "the ConfigMap kubeadm-config"
    if not outcome.changed:
        return f"{place} needs no change"
    return f"{place} {'would be changed' if outcome.check else 'changed'}"


def _lock(_found: Fields, outcome: Outcome, known: Known) -> tuple[str, Known]:
    host, state = frozenset([outcome.host]), outcome.arguments.get("state", "taken")
    # The roles call neither a change, so `changed` does not tell.
    if state == "taken" and not outcome.check:
        said = "" if host <= known.locked else "locked"
        return said, replace(known, locked=known.locked | host)
    said = "unlocked" if state == "released" and host <= known.locked else ""
    return said, replace(known, locked=known.locked - host) if state == "released" else known


def _kubelet(found: Fields, outcome: Outcome, known: Known) -> tuple[str, Known]:
    state = outcome.arguments.get("state")
    scheduled = found.number_or_none("held_until") is not None and not outcome.check
    if not outcome.changed or scheduled:  # that a timer starts it is said by the role
        return "", known
    would = "would be " if outcome.check else ""
    said = f"kubelet {would}{'restarted' if state == 'restarted' else 'started'}"
    return said, replace(known, held=known.held - {outcome.host})


def _wait(found: Fields, outcome: Outcome, known: Known) -> tuple[str, Known]:
    held = found.number_or_none("held_until") is not None or (outcome.check and outcome.changed)
    etcd = found.record("etcd")
    said = []
    if not etcd.flag("answers"):
        said.append("etcd does not answer")
    elif etcd.number("seconds") >= 1:
        said.append(f"etcd answers after {etcd.number('seconds'):.1f} s")
    elif not held:
        said.append("etcd answers")
    if held and outcome.host not in known.held:
        said.append("kubelet would be held" if outcome.check else "kubelet held")
    hosts = known.held | {outcome.host} if held else known.held - {outcome.host}
    return ", ".join(said), replace(known, held=hosts)


_SENTENCES: dict[str, t.Callable[[Fields, Outcome], str]] = {
    "etcd_alarm": _alarm,
    "etcd_compact": _compact,
    "etcd_defrag": _defrag,
    "etcd_delete": _delete,
    "etcd_info": _cluster,
    "etcd_manifest": _manifest,
    "etcd_node_info": _node,
    "etcd_schedule": _schedule,
    "etcd_snapshot": _snapshot,
    "etcd_unit": _unit,
    "kubeadm_config": _kubeadm,
    "kubeadm_configmap": _kubeadm,
}

_REMEMBERED: dict[str, t.Callable[[Fields, Outcome, Known], tuple[str, Known]]] = {
    "apiserver_write_check": _apiserver,
    "etcd_wait": _wait,
    "etcd_write_check": _write_check,
    "kubelet": _kubelet,
    "run_lock": _lock,
}

# What these print of it themselves says more.
_SAID_BY_ROLE = {
    ("harden", "etcd_info"),
    ("harden", "etcd_manifest"),
    ("harden", "etcd_unit"),
    ("recover", "etcd_info"),
}

_DOING = {
    "apiserver_write_check": "waiting for the API server",
    "etcd_alarm": "disarming",
    "etcd_compact": "compacting",
    "etcd_defrag": "defragmenting",
    "etcd_delete": "deleting",
    "etcd_info": "reading the cluster",
    "etcd_manifest": "restarting with new flags",
    "etcd_node_info": "inspecting",
    "etcd_schedule": "installing the node tool",
    "etcd_snapshot": "taking a snapshot",
    "etcd_unit": "restarting with new settings",
    "etcd_usage_info": "reading the database",
    "etcd_wait": "waiting for etcd",
    "etcd_write_check": "checking that writes are accepted",
    "kubeadm_config": "setting arguments",
    "kubeadm_configmap": "recording in the ConfigMap",
    "kubelet": "waiting for the kubelet",
    "run_lock": "locking",
}

__all__ = ("COLLECTION", "Known", "Outcome", "doing", "step")
