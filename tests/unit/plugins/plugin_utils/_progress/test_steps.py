# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for every step, and for none that only renews what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.architecture.sources import MODULES
from unit.builders import MIB, Json, table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress import steps
from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.steps import Known, Outcome

MEMBERS = [
    {"member_id": "1", "role": "leader", "db_size_bytes": 500 * MIB, "quota_bytes": 512 * MIB},
    {"member_id": "2", "role": "follower", "db_size_bytes": 400 * MIB, "quota_bytes": -1},
]
CLUSTER = {"members": MEMBERS, "leader": "cp1", "alarms": [{"alarm": "NOSPACE", "member_id": "1"}]}
NODE = {"present": True, "answers": True, "error": "", "member_id": "1", "cluster": CLUSTER}
SNAPSHOT = {"size_bytes": 500 * MIB, "reused": False, "path": "/var/s.db", "seconds": 2.7}
DEFRAG = {"line": "cp1: 516.6 MiB -> 102.6 MiB in 2.5 s, leadership moved to cp2"}
LEFT = {"line": "cp1: 10.0 MiB, left alone (nothing to gain)"}
UNIT: Json = {"flags": {"before": {}, "after": {"a": "b"}}, "file": "/etc/etcd.env", "seconds": 2.1}
MANIFEST = {
    "flags": {"before": {}, "after": {"quota-backend-bytes": "8", "a": "1"}},
    "seconds": 2.5,
    "method": "patch",
    "reason": "",
    "differences": ["One.", ""],
}
SAME = "; the followers hold the same data"
KUBEADM = {"path": "/etc/kubeadm.yaml"}

STEPS: list[tuple[str, str, Json, Json, str]] = [
    ("a node", "etcd_node_info", NODE, {}, "leader, 500.0 MiB of 512.0 MiB, NOSPACE"),
    ("a node without quota", "etcd_node_info", {**NODE, "member_id": "2"}, {}, "follower, 400.0 MiB, no quota"),
    ("a node that is not in the list", "etcd_node_info", {**NODE, "member_id": "3"}, {}, "etcd answers"),
    ("no etcd", "etcd_node_info", {"present": False}, {}, "no etcd here"),
    (
        "a silent node",
        "etcd_node_info",
        {"present": True, "answers": False, "error": "Connection refused"},
        {},
        "etcd does not answer: Connection refused",
    ),
    ("a cluster", "etcd_info", {"cluster": CLUSTER}, {}, "2 members, leader: cp1, alarms: NOSPACE"),
    (
        "a cluster without leader",
        "etcd_info",
        {"cluster": {**CLUSTER, "leader": None, "alarms": []}},
        {},
        "2 members, leader: none, alarms: none",
    ),
    ("what a role asks for itself", "etcd_info", {"cluster": CLUSTER}, {"role": "harden"}, ""),
    ("a snapshot", "etcd_snapshot", SNAPSHOT, {"changed": True}, "snapshot taken: 500.0 MiB in 2.7 s, /var/s.db"),
    ("a reused one", "etcd_snapshot", {**SNAPSHOT, "reused": True}, {}, "snapshot reused: /var/s.db"),
    (
        "a planned one",
        "etcd_snapshot",
        {**SNAPSHOT, "path": ""},
        {"changed": True, "check": True},
        "snapshot would be taken: 500.0 MiB",
    ),
    (
        "a compaction",
        "etcd_compact",
        {"revision": 7, "seconds": 4.1},
        {"changed": True},
        "compacted up to revision 7 in 4.1 s",
    ),
    ("no compaction", "etcd_compact", {"revision": 7, "seconds": 0}, {}, "nothing to compact below revision 7"),
    (
        "a planned compaction",
        "etcd_compact",
        {"revision": 7, "seconds": 0},
        {"changed": True, "check": True},
        "would be compacted up to revision 7",
    ),
    (
        "a defragmentation",
        "etcd_defrag",
        DEFRAG,
        {"changed": True},
        "defragmented: 516.6 MiB -> 102.6 MiB in 2.5 s, leadership moved to cp2",
    ),
    (
        "a member with another name",
        "etcd_defrag",
        {"line": "m1: 2 -> 1"},
        {"changed": True},
        "defragmented: m1: 2 -> 1",
    ),
    ("no defragmentation", "etcd_defrag", LEFT, {}, "not defragmented: 10.0 MiB, left alone (nothing to gain)"),
    (
        "a deletion",
        "etcd_delete",
        {"deleted": [{"directory": "/registry/events/", "key_count": 7}], "seconds": 1.25},
        {"changed": True},
        "deleted: 7 keys below /registry/events/, in 1.2 s",
    ),
    (
        "a planned deletion",
        "etcd_delete",
        {"deleted": [{"directory": "/registry/events/", "key_count": 7}], "seconds": 0.0},
        {"changed": True, "check": True},
        "would be deleted: 7 keys below /registry/events/",
    ),
    ("an alarm", "etcd_alarm", {"disarmed": ["cp1", "cp3"]}, {"changed": True}, "alarm of cp1, cp3 disarmed"),
    (
        "a planned disarm",
        "etcd_alarm",
        {"disarmed": ["cp1"]},
        {"changed": True, "check": True},
        "alarm of cp1 would be disarmed",
    ),
    ("no alarm", "etcd_alarm", {"disarmed": []}, {}, "no alarm to disarm"),
    (
        "new flags",
        "etcd_manifest",
        MANIFEST,
        {"changed": True, "role": "recover"},
        "restarted with a=1, quota-backend-bytes=8, was down for 2.5 s (patch). One.",
    ),
    (
        "planned flags",
        "etcd_manifest",
        {**MANIFEST, "reason": "Why."},
        {"changed": True, "check": True},
        "would be restarted with a=1, quota-backend-bytes=8. Why.",
    ),
    ("the same flags", "etcd_manifest", MANIFEST, {}, "already runs with these flags"),
    ("flags of which the role says more", "etcd_manifest", MANIFEST, {"changed": True, "role": "harden"}, ""),
    (
        "settings of a unit",
        "etcd_unit",
        UNIT,
        {"changed": True},
        "restarted with a=b, was down for 2.1 s (/etc/etcd.env).",
    ),
    (
        "planned settings of a unit",
        "etcd_unit",
        UNIT,
        {"changed": True, "check": True},
        "would be restarted with a=b, in /etc/etcd.env",
    ),
    ("the same settings of a unit", "etcd_unit", UNIT, {}, "already runs with these settings"),
    ("flags that are only tried", "etcd_manifest", MANIFEST, {"changed": True, "tried": True}, ""),
    (
        "writes",
        "etcd_write_check",
        {"writes": ["cp1", "cp2"], "hashes_agree": True, "hashes_reason": ""},
        {},
        f"writes accepted through cp1, cp2{SAME}",
    ),
    (
        "writes after a disarm",
        "etcd_write_check",
        {"writes": ["cp1"], "hashes_agree": None, "hashes_reason": "", "disarmed": ["cp1"]},
        {"changed": True},
        "alarm of cp1 disarmed; writes accepted through cp1",
    ),
    (
        "a planned disarm with writes",
        "etcd_write_check",
        {"writes": [], "disarmed": ["cp1"]},
        {"changed": True, "check": True},
        "alarm of cp1 would be disarmed",
    ),
    (
        "writes that could not be compared",
        "etcd_write_check",
        {"writes": ["cp1"], "hashes_agree": None, "hashes_reason": "no follower answers"},
        {},
        "writes accepted through cp1; their data was not compared (no follower answers)",
    ),
    (
        "writes of the first round",
        "etcd_write_check",
        {"writes": ["cp1"], "hashes_agree": None, "hashes_reason": ""},
        {},
        "writes accepted through cp1",
    ),
    (
        "writes of the last round, on a node on which nothing is left to do",
        "etcd_write_check",
        {"writes": ["cp1", "cp2"], "hashes_agree": True, "hashes_reason": "", "unlocked": True},
        {},
        f"writes accepted through cp1, cp2{SAME}; unlocked",
    ),
    ("no writes in check mode", "etcd_write_check", {"writes": []}, {"check": True}, ""),
    (
        "an API server",
        "apiserver_write_check",
        {"outcome": "accepted", "reason": "", "seconds": 0.4},
        {},
        "API server accepts writes, after 0.4 s",
    ),
    (
        "an API server that is late",
        "apiserver_write_check",
        {"outcome": "not ready", "reason": "503", "seconds": 120.2},
        {},
        "API server is not up after 120 s: 503",
    ),
    (
        "an API server that is asked once",
        "apiserver_write_check",
        {"outcome": "not ready", "reason": "503", "seconds": 0.1, "backed_off": ["kube-apiserver"]},
        {"changed": True},
        "kubelet restarted, API server is not up yet: 503",
    ),
    (
        "a node on which nothing is left to do",
        "apiserver_write_check",
        {"outcome": "accepted", "reason": "", "seconds": 0.4, "unlocked": True},
        {},
        "API server accepts writes, after 0.4 s, unlocked",
    ),
    (
        "one without an API server",
        "apiserver_write_check",
        {"outcome": "absent", "reason": "", "seconds": 0, "unlocked": True},
        {},
        "unlocked",
    ),
    ("no API server", "apiserver_write_check", {"outcome": "absent", "reason": "", "seconds": 0}, {}, ""),
    ("an unknown outcome", "apiserver_write_check", {"outcome": "new", "reason": "", "seconds": 0}, {}, "new"),
    ("a schedule", "etcd_schedule", {"backend": "cron"}, {"changed": True}, "node tool installed, run by cron"),
    ("no schedule any more", "etcd_schedule", {"backend": None}, {"changed": True}, "node tool removed"),
    (
        "a planned schedule",
        "etcd_schedule",
        {"backend": "cron"},
        {"changed": True, "check": True},
        "node tool would be installed, run by cron",
    ),
    ("the same schedule", "etcd_schedule", {"backend": "cron"}, {}, "node tool and schedule need no change"),
    ("a file", "kubeadm_config", KUBEADM, {"changed": True}, "/etc/kubeadm.yaml changed"),
    ("the same file", "kubeadm_config", KUBEADM, {}, "/etc/kubeadm.yaml needs no change"),
    (
        "the ConfigMap",
        "kubeadm_configmap",
        {},
        {"changed": True, "check": True},
        "the ConfigMap kubeadm-config would be changed",
    ),
    ("a module of tomorrow", "etcd_new", {}, {"changed": True}, "etcd_new: changed"),
    ("one that changed nothing", "etcd_new", {}, {}, ""),
]


@pytest.mark.parametrize(("module", "result", "more", "expected"), table(STEPS))
def test_step(module: str, result: Json, more: Json, expected: str) -> None:
    assert steps.step(Outcome("cp1", module, result, **more), Known()) == (expected, Known())


LOCK = Outcome("cp1", "run_lock", {}, {"path": "/run/lock"})
UNLOCK = Outcome("cp1", "run_lock", {}, {"state": "released"})
PROVED = Outcome("cp1", "etcd_write_check", {"writes": ["cp1"], "hashes_reason": "", "unlocked": True})
ETCD = {"answers": True, "seconds": 0.1}
HOLD = Outcome("cp1", "etcd_wait", {"held_until": 1795428300.0, "etcd": ETCD}, changed=True)
WAITED = {"held_until": None, "etcd": {"answers": True, "seconds": 12.34}}


def kubelet(state: str, *, until: float | None = None, changed: bool = True, check: bool = False) -> Outcome:
    return Outcome("cp1", "kubelet", {"held_until": until}, {"state": state}, changed=changed, check=check)


def wait(result: Json, *, changed: bool = False, check: bool = False) -> Outcome:
    return Outcome("cp1", "etcd_wait", result, changed=changed, check=check)


START = kubelet("released")
COURSES: list[tuple[str, list[Outcome], list[str]]] = [
    ("locked, renewed and unlocked", [LOCK, LOCK, LOCK, UNLOCK, UNLOCK], ["locked", "", "", "unlocked", ""]),
    (
        "unlocked by the step that was the last one there",
        [LOCK, PROVED, UNLOCK],
        ["locked", "writes accepted through cp1; unlocked", ""],
    ),
    ("locked again", [LOCK, UNLOCK, LOCK], ["locked", "unlocked", "locked"]),
    ("the lock of another run", [UNLOCK], [""]),
    ("held, renewed, released", [HOLD, HOLD, START, HOLD], ["kubelet held", "", "kubelet started", "kubelet held"]),
    ("not held, so not released", [kubelet("released", changed=False)], [""]),
    ("a timer releases it", [kubelet("released", until=5.0)], [""]),
    ("restarted", [kubelet("restarted")], ["kubelet restarted"]),
    ("would be restarted", [kubelet("restarted", check=True)], ["kubelet would be restarted"]),
    ("waited for", [wait(WAITED)], ["etcd answers after 12.3 s"]),
    ("there at once", [wait({**WAITED, "etcd": ETCD})], ["etcd answers"]),
    (
        "would be held",
        [wait({**WAITED, "etcd": {"answers": False}}, changed=True, check=True)],
        ["etcd does not answer, kubelet would be held"],
    ),
]


@pytest.mark.parametrize(("outcomes", "expected"), table(COURSES))
def test_what_was_said_is_not_said_again(outcomes: list[Outcome], expected: list[str]) -> None:
    known, said = Known(), []
    for outcome in outcomes:
        text, known = steps.step(outcome, known)
        said.append(text)
    assert said == expected


def test_hosts_are_told_apart() -> None:
    _said, known = steps.step(LOCK, Known())
    assert steps.step(Outcome("cp2", "run_lock", {}), known)[0] == "locked"


@pytest.mark.parametrize("module", ["etcd_defrag", "etcd_snapshot", "etcd_wait", "kubelet"])
def test_a_result_of_another_kind(module: str) -> None:
    with pytest.raises(ValueError, match="is missing"):
        steps.step(Outcome("cp1", module, {}, {"state": "restarted"}, changed=True), Known())


def test_every_module_has_words_for_its_silence() -> None:
    assert [name for name in MODULES if not steps.doing(name.partition("/")[2])] == []
    assert steps.doing("etcd_new") == ""


@given(st.text(), st.lists(st.text()), st.text(alphabet=" .a"))
def test_no_line_ends_in_blanks(reason: str, differences: list[str], method: str) -> None:
    result = {**MANIFEST, "reason": reason, "differences": differences, "method": method}
    for check in (True, False):
        said, _known = steps.step(Outcome("cp1", "etcd_manifest", result, changed=True, check=check), Known())
        assert said == said.rstrip()
        assert "  " not in said
