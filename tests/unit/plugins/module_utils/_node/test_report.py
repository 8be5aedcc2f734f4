# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a node: what its members are asked, and the way to a result and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import (
    as_json,
    cluster_report,
    member_report,
    node_report,
    table,
)

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Capacity
from ansible_collections.controlplane.etcd.plugins.module_utils._node.disks import Disk, Leftover
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.probes import Probe
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import (
    AlarmReport,
    ClusterReport,
    Diagnosis,
    KubeletReport,
    MemberReport,
    NodeReport,
    ProcessReport,
    Refusal,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node.upkeep import (
    CertificateReport,
    SnapshotReport,
    Upkeep,
)

ROLES: list[tuple[str, str, bool, bool]] = [
    ("leader", "leader", True, True),
    ("follower", "follower", True, True),
    ("learner", "learner", True, False),
    ("silent", "silent", False, False),
    ("unstarted", "unstarted", False, False),
]


@pytest.mark.parametrize(("role", "answers", "votes"), table(ROLES))
def test_role_of_a_member(role: str, answers: bool, votes: bool) -> None:
    found = member_report(1, role)
    assert (found.answers, found.votes) == (answers, votes)


def test_members_of_a_cluster() -> None:
    members = [member_report(3), member_report(1, "leader"), member_report(2), member_report(4, "learner")]
    found = cluster_report(*members, member_report(5, "silent"))
    assert [each.name for each in found.voters] == ["cp3", "cp1", "cp2"]
    assert [each.name for each in found.voters_leader_last] == ["cp2", "cp3", "cp1"]
    assert found.member("2") == members[2]
    assert found.member("9") is found.member(None) is None


def test_quota_that_is_switched_off_is_without_limit() -> None:
    assert member_report(1, quota=5).quota_limit == 5
    assert member_report(1, quota=-1).quota_limit == math.inf
    assert member_report(1)._replace(quota_bytes=0).quota_limit == math.inf


def test_disks_of_a_node() -> None:
    data = Disk(("data", "kubelet"), "/var/lib/etcd", 7, 0, False, "", ())
    wal = data._replace(uses=("wal", "snapshots"), free_bytes=5)
    found = node_report(1, disks=(data, wal), memory_bytes=9, memory_limit_bytes=8)
    assert (found.disk_of("data"), found.disk_of("snapshots"), found.free_disk_bytes) == (data, wal, 7)
    assert found.capacity(3) == Capacity(9, 7, 3, 8)
    empty = found._replace(disks=())
    assert empty.disk_of("data") is empty.free_disk_bytes is empty.capacity(3) is None
    assert found._replace(memory_bytes=None).capacity(3) is None


TEXT, COUNT, BYTES = st.text(max_size=8), st.integers(0, 5), st.integers(-(2**63), 2**63)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
KNOWN_TEXT, KNOWN_BYTES = st.none() | TEXT, st.none() | BYTES
MEMBER = st.builds(
    MemberReport,
    *(TEXT, TEXT, TEXT, TEXT, TEXTS, TEXTS, TEXT, TEXT, BYTES, BYTES, BYTES, TEXT, NUMBER, BYTES),
)
CLUSTER = st.builds(
    ClusterReport,
    TEXT,
    KNOWN_TEXT,
    st.booleans(),
    BYTES,
    st.lists(st.builds(AlarmReport, TEXT, TEXT, KNOWN_TEXT), max_size=2).map(tuple),
    st.lists(MEMBER, max_size=2).map(tuple),
)
DIAGNOSIS = st.builds(
    Diagnosis,
    st.booleans(),
    st.lists(st.builds(Refusal, TEXT, TEXT), max_size=2).map(tuple),
    TEXTS,
    COUNT,
    st.booleans(),
)
HOLD = st.builds(Hold, TEXT, TEXT, NUMBER)
KUBELET = st.builds(KubeletReport, TEXT, st.none() | HOLD, st.booleans(), st.booleans(), TEXT, TEXTS)
PROBE = st.builds(Probe, TEXT, TEXT, st.none() | COUNT, NUMBER, NUMBER, COUNT, NUMBER)
LEFTOVERS = st.lists(st.builds(Leftover, TEXT, BYTES), max_size=2).map(tuple)
DISK = st.builds(Disk, TEXTS, TEXT, BYTES, BYTES, st.booleans(), TEXT, LEFTOVERS)
KNOWN_NUMBER = st.none() | NUMBER
UPKEEP = st.builds(
    Upkeep,
    st.lists(st.builds(CertificateReport, TEXT, TEXT, NUMBER), max_size=2).map(tuple),
    *(KNOWN_BYTES, KNOWN_BYTES, st.booleans(), TEXT, st.booleans(), KNOWN_NUMBER, KNOWN_NUMBER),
    st.none() | st.booleans(),
    st.none() | st.builds(SnapshotReport, TEXT, NUMBER, NUMBER),
    KNOWN_NUMBER,
)
REPORT = st.builds(
    NodeReport,
    *(TEXT, TEXT, TEXTS, KNOWN_TEXT, KNOWN_TEXT),
    disks=st.lists(DISK, max_size=2).map(tuple),
    memory_bytes=KNOWN_BYTES,
    memory_limit_bytes=KNOWN_BYTES,
    lock=st.none() | st.builds(run_lock.Lock, TEXT, TEXT, NUMBER),
    kubelet=KUBELET,
    probes=st.lists(PROBE, max_size=2).map(tuple),
    process=st.none() | st.builds(ProcessReport, COUNT, st.none() | NUMBER),
    stray_files=TEXTS,
    start_seconds=NUMBER,
    error=TEXT,
    waiting_may_help=st.booleans(),
    cluster=st.none(),
    diagnosis=st.none(),
    upkeep=st.none() | UPKEEP,
)


@given(REPORT, st.none() | st.tuples(CLUSTER, DIAGNOSIS))
def test_report_is_read_back_as_it_was(found: NodeReport, answer: tuple[ClusterReport, Diagnosis] | None) -> None:
    if answer:
        found = found._replace(cluster=answer[0], diagnosis=answer[1])
    result = as_json({"changed": False, "play": "p", "strategy": "linear", **found.as_result()})
    assert NodeReport.from_result(result) == found
    assert result["answers"] is bool(answer)
    assert ("cluster" in result) is ("diagnosis" in result) is bool(answer)


def test_node_without_etcd_has_no_report() -> None:
    assert NodeReport.from_result({"present": False, "changed": False}) is None
    with pytest.raises(ValueError, match=r"^the result of etcd_node_info\.present is missing\.$"):
        NodeReport.from_result({})
