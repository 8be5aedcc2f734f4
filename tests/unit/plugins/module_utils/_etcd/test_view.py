# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of a cluster whose members answer what real ones did, or nothing, or something else; and their results."""

from __future__ import annotations

import json

import pytest
from unit.builders import (
    MIB,
    VERSIONS,
    FakeTransport,
    Json,
    Reply,
    endpoint,
    member,
    recorded,
    recorded_json,
    table,
    view,
)

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm, Endpoint, parse_status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import (
    DEFAULT_QUOTA_BYTES,
    Quota,
    member_quota,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import (
    ClusterView,
    MemberView,
    cluster_result,
    inspect_cluster,
    member_result,
)

STATUS, MEMBERS, ALARM = "/v3/maintenance/status", "/v3/cluster/member/list", "/v3/maintenance/alarm"
DOWN = errors.Unreachable("Connection refused")


def status(number: int, *, leader: int = 1, cluster: int = 7, **more: object) -> Json:
    return {
        "header": {"cluster_id": str(cluster), "member_id": str(number), "revision": "9"},
        "version": "3.6.16",
        "leader": str(leader),
        "dbSizeQuota": "1000",
        "dbSize": "500",
        **more,
    }


def listed(number: int, **more: object) -> Json:
    return {
        "ID": str(number),
        "name": f"cp{number}",
        "peerURLs": [f"https://192.0.2.{number}:2380"],
        "clientURLs": [f"https://192.0.2.{number}:2379"],
        **more,
    }


class Net:
    """Members by URL; those that are not there refuse the connection."""

    def __init__(self, replies: dict[int, Reply], members: list[Json], alarms: Reply) -> None:
        self.transports = {
            f"https://192.0.2.{number}:2379": FakeTransport(
                {
                    STATUS: reply,
                    MEMBERS: {"members": members},
                    ALARM: alarms,
                    "/metrics": errors.EtcdError("GET /metrics was answered with HTTP 404"),
                },
                endpoint=f"https://192.0.2.{number}:2379",
            )
            for number, reply in replies.items()
        }

    def connect(self, url: str) -> Endpoint:
        return Endpoint(self.transports.get(url) or FakeTransport({STATUS: DOWN}, endpoint=url))

    def inspect(self, number: int = 1) -> ClusterView:
        return inspect_cluster(self.connect(f"https://192.0.2.{number}:2379"), self.connect)


def net(replies: dict[int, Reply], members: list[Json] | None = None, alarms: Reply | None = None) -> Net:
    return Net(replies, members or [listed(3), listed(1), listed(2)], alarms if alarms is not None else {})


def test_healthy() -> None:
    seen = net({1: status(1), 2: status(2), 3: status(3)}).inspect()
    assert [(each.name, each.role, each.endpoint) for each in seen.members] == [
        ("cp1", "leader", "https://192.0.2.1:2379"),
        ("cp2", "follower", "https://192.0.2.2:2379"),
        ("cp3", "follower", "https://192.0.2.3:2379"),
    ]
    assert (seen.cluster_id, seen.leader_id, seen.has_quorum, seen.revision) == (7, 1, True, 9)
    assert seen.members[0].quota == Quota(1000, "status")
    assert seen.members[0].used == 0.5


def test_seed_is_asked_once() -> None:
    """Else its answer could differ from the one that the rest was compared with."""
    connected = net({1: status(1), 2: status(2), 3: status(3)})
    connected.inspect()
    calls = connected.transports["https://192.0.2.1:2379"].calls
    assert [path for path, _body in calls].count(STATUS) == 1


OTHERS: list[tuple[str, dict[int, Reply], Json, str, str]] = [
    ("silent", {1: status(1)}, listed(2), "silent", "Connection refused"),
    ("unstarted", {1: status(1)}, listed(2, name="", clientURLs=[]), "unstarted", "it has not started yet"),
    ("learner", {1: status(1), 2: status(2, isLearner=True)}, listed(2, isLearner=True), "learner", ""),
    (
        "address of another cluster",
        {1: status(1), 2: status(2, cluster=8)},
        listed(2),
        "silent",
        "is 2 of cluster 8, not 2 of cluster 7",
    ),
    (
        "address of another member",
        {1: status(1), 2: status(3)},
        listed(2),
        "silent",
        "is 3 of cluster 7, not 2 of cluster 7",
    ),
    (
        "first address is dead, second answers",
        {1: status(1), 2: status(2)},
        listed(2, clientURLs=["https://192.0.2.99:2379", "https://192.0.2.2:2379"]),
        "follower",
        "",
    ),
    ("refuses", {1: status(1), 2: errors.TlsRejected("expired")}, listed(2), "silent", "expired"),
]


@pytest.mark.parametrize(("replies", "entry", "role", "error"), table(OTHERS))
def test_another_member(replies: dict[int, Reply], entry: Json, role: str, error: str) -> None:
    seen = net(replies, [listed(1), entry]).inspect()
    found = seen.by_id(2)
    assert found is not None
    assert found.role == role
    assert error in found.error
    assert bool(error) is bool(found.error)
    assert found.answers is (role in ("follower", "learner"))


SLOW = errors.TimedOut("no answer within 10 s")
DEFRAGMENTING: Reply = {"text": "etcd_disk_defrag_inflight 1\n"}
IDLE: Reply = {"text": "etcd_disk_defrag_inflight 0\n"}

BUSY: list[tuple[str, Reply, Reply, bool, str]] = [
    ("being defragmented", SLOW, DEFRAGMENTING, True, "it is being defragmented"),
    ("slow for another reason", SLOW, IDLE, False, "no answer within 10 s"),
    ("hangs altogether", SLOW, SLOW, False, "no answer within 10 s"),
    ("down: its metrics are not asked for", DOWN, AssertionError(), False, "Connection refused"),
    ("answers although it is", status(2), DEFRAGMENTING, False, ""),
]


@pytest.mark.parametrize(("reply", "metrics", "busy", "error"), table(BUSY))
def test_busy(reply: Reply, metrics: Reply, busy: bool, error: str) -> None:
    connected = net({1: status(1), 2: reply}, [listed(1), listed(2)])
    connected.transports["https://192.0.2.2:2379"].replies["/metrics"] = metrics
    found = connected.inspect().by_id(2)
    assert found is not None
    assert (found.busy, found.error, found.answers) == (busy, error, not error)
    assert found.endpoint == "https://192.0.2.2:2379"


def test_busy_at_its_second_address() -> None:
    entry = listed(2, clientURLs=["https://192.0.2.99:2379", "https://192.0.2.2:2379"])
    connected = net({1: status(1), 2: SLOW}, [listed(1), entry])
    connected.transports["https://192.0.2.2:2379"].replies["/metrics"] = DEFRAGMENTING
    found = connected.inspect().by_id(2)
    assert found is not None
    assert (found.busy, found.endpoint) == (True, "https://192.0.2.2:2379")


def test_member_that_cannot_even_be_connected_to_is_not_busy() -> None:
    """As one that was silent before (LocalMember.connect)."""
    connected = net({1: status(1)}, [listed(1), listed(2)])

    def connect(_url: str) -> Endpoint:
        raise SLOW

    found = inspect_cluster(connected.connect("https://192.0.2.1:2379"), connect).by_id(2)
    assert found is not None
    assert (found.busy, found.error) == (False, "no answer within 10 s")


def test_name_of_an_unstarted_member_is_its_peer_url() -> None:
    seen = net({1: status(1)}, [listed(1), listed(2, name="", clientURLs=[])]).inspect()
    assert seen.name_of(2) == "https://192.0.2.2:2380"
    assert seen.name_of(0xAB) == "ab (no longer a member)"


ARMED: Json = {"alarms": [{"memberID": "2", "alarm": "NOSPACE"}]}
ERRORS = ["memberID:3  alarm:NOSPACE"]

ALARMS: list[tuple[str, Json, Reply, tuple[Alarm, ...]]] = [
    ("the list wins", status(1, errors=ERRORS), ARMED, (Alarm(2, "NOSPACE"),)),
    ("no leader: not asked", status(1, leader=0, errors=ERRORS), AssertionError(), (Alarm(3, "NOSPACE"),)),
    ("leader went away", status(1, errors=ERRORS), errors.TimedOut("request timed out"), (Alarm(3, "NOSPACE"),)),
    ("none", status(1), {}, ()),
]


@pytest.mark.parametrize(("own", "alarms", "expected"), table(ALARMS))
def test_alarms(own: Json, alarms: Reply, expected: tuple[Alarm, ...]) -> None:
    assert net({1: own}, [listed(1)], alarms).inspect().alarms == expected


def test_seed_that_is_silent() -> None:
    with pytest.raises(errors.Unreachable):
        net({}).inspect()


def test_server_that_lists_no_members() -> None:
    """No etcd does; it must be an empty cluster without a leader, not a traceback."""
    fake = FakeTransport({STATUS: {}, MEMBERS: {}, ALARM: {}})
    seen = inspect_cluster(Endpoint(fake), Endpoint)  # type: ignore[arg-type]  # nobody is connected to
    assert seen.members == ()
    assert not seen.has_quorum


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_without_a_leader(version: str) -> None:
    """One survivor of four voters, with an unstarted one and a learner among them."""
    seed = FakeTransport(
        {
            STATUS: recorded_json(version, "no-leader-status"),
            MEMBERS: recorded_json(version, "no-leader-members"),
            ALARM: AssertionError(),
            "/metrics": {"text": recorded(version, "metrics").decode()},
        }
    )
    seen = inspect_cluster(Endpoint(seed), lambda url: Endpoint(FakeTransport({STATUS: DOWN}, endpoint=url)))
    assert not seen.has_quorum
    assert sorted(each.role for each in seen.members) == ["leaderless", "silent", "silent", "silent", "unstarted"]
    assert (len(seen.voters), len(seen.learners), len(seen.answering_voters)) == (4, 1, 1)
    assert seen.full_alarms
    assert not seen.corrupt
    assert seen.answering[0].quota == Quota(8 * MIB, "metrics" if version.startswith("3.5") else "status")


QUOTAS: list[tuple[str, str, Reply, int | None, Quota]] = [
    ("3.6 says it", "3.6.16", AssertionError(), 5, Quota(8 * MIB, "status")),
    ("3.5 measures it", "3.5.35", {"text": "etcd_server_quota_backend_bytes 9\n"}, 5, Quota(9, "metrics")),
    ("3.5 without metrics", "3.5.35", DOWN, 5, Quota(5, "manifest")),
    ("3.5, nothing known", "3.5.35", DOWN, None, Quota(2 * 1024**3, "default")),
    ("3.5, off in the manifest", "3.5.35", DOWN, -1, Quota(-1, "manifest")),
]


@pytest.mark.parametrize(("version", "metrics", "of_manifest", "expected"), table(QUOTAS))
def test_quota(version: str, metrics: Reply, of_manifest: int | None, expected: Quota) -> None:
    own = parse_status(recorded_json(version, "status-leader"))
    assert member_quota(own, endpoint({"/metrics": metrics})[0], of_manifest) == expected


def test_manifest_speaks_for_the_seed_alone() -> None:
    older = {1: status(1), 2: status(2)}
    for body in older.values():
        del body["dbSizeQuota"]
    connected = net(dict(older), [listed(1), listed(2)])
    seen = inspect_cluster(connected.connect("https://192.0.2.1:2379"), connected.connect, manifest_quota_bytes=4)
    assert [each.quota for each in seen.members] == [Quota(4, "manifest"), Quota(DEFAULT_QUOTA_BYTES, "default")]


SHARES: list[tuple[str, int, int, float]] = [
    ("half", 1000, 500, 0.5),
    ("over", 1000, 1500, 1.5),
    ("off", -1, 500, 0.0),
    ("zero", 0, 500, 0.0),
]


@pytest.mark.parametrize(("quota", "size", "expected"), table(SHARES))
def test_share(quota: int, size: int, expected: float) -> None:
    assert Quota(quota, "status").share(size) == expected


ROLES: list[tuple[str, MemberView, str]] = [
    ("leader", member(1), "leader"),
    ("follower", member(2), "follower"),
    ("learner", member(2, learner=True), "learner"),
    ("silent learner", member(2, learner=True, error="down"), "silent"),
    ("unstarted learner", member(2, learner=True, started=False), "unstarted"),
    ("no leader", member(1, leader=0), "leaderless"),
    ("a learner without a leader", member(2, leader=0, learner=True), "learner"),
]


@pytest.mark.parametrize(("found", "role"), table(ROLES))
def test_role(found: MemberView, role: str) -> None:
    assert found.role == role


CONNECTED: list[tuple[str, ClusterView, list[str], list[str], bool]] = [
    ("all", view(member(1), member(2)), ["cp1", "cp2"], [], False),
    ("one is cut off", view(member(1), member(2, leader=0), member(3)), ["cp1", "cp3"], ["cp2"], True),
    ("nobody leads", view(member(1, leader=0), member(2, leader=0), leader=0), [], [], True),
    ("too few for an election", view(member(1, leader=0), member(2, error="down"), leader=0), [], [], False),
    ("a silent one", view(member(1), member(2, error="down")), ["cp1"], [], False),
    ("a learner is no voter", view(member(1), member(2, learner=True)), ["cp1"], [], False),
]


@pytest.mark.parametrize(("seen", "connected", "cut_off", "may_elect"), table(CONNECTED))
def test_connected(seen: ClusterView, connected: list[str], cut_off: list[str], may_elect: bool) -> None:
    assert [each.name for each in seen.connected_voters] == connected
    assert [each.name for each in seen.cut_off] == cut_off
    assert seen.may_elect is may_elect


def test_result_of_a_member_without_a_leader() -> None:
    assert member_result(member(2, leader=0))["error"] == "it answers, but knows no leader"
    assert member_result(member(2))["error"] == ""


def test_sums() -> None:
    seen = view(
        member(1, revision=5, applied=50),
        member(2, revision=7, applied=40),
        member(3, error="down"),
        alarms=[Alarm(1, "NOSPACE"), Alarm(2, "CORRUPT")],
    )
    assert (seen.revision, seen.applied_index) == (7, 50)
    assert seen.corrupt
    assert seen.full_alarms == (Alarm(1, "NOSPACE"),)
    silent = seen.members[2]
    assert (silent.size_bytes, silent.in_use_bytes, silent.applied_index, silent.version) == (0, 0, 0, "")
    assert (view().revision, view().applied_index) == (0, 0)


def test_cluster_result() -> None:
    seen = view(
        member(1, size=850 * MIB), member(2, error="down"), alarms=[Alarm(1, "NOSPACE"), Alarm(0xDEAD, "NOSPACE")]
    )
    result = cluster_result(seen)
    assert json.loads(json.dumps(result)) == result
    assert {key: value for key, value in result.items() if key != "members"} == {
        "cluster_id": "c1",
        "leader": "cp1",
        "has_quorum": True,
        "revision": 900,
        "alarms": [
            {"alarm": "NOSPACE", "member_id": "1", "member": "cp1"},
            {"alarm": "NOSPACE", "member_id": "dead", "member": None},
        ],
    }
    assert result["members"][0] == {
        "member_id": "1",
        "name": "cp1",
        "role": "leader",
        "endpoint": "https://192.0.2.1:2379",
        "client_urls": ["https://192.0.2.1:2379"],
        "peer_urls": ["https://192.0.2.1:2380"],
        "error": "",
        "version": "3.6.16",
        "db_size_bytes": 850 * MIB,
        "db_size_in_use_bytes": 100 * MIB,
        "quota_bytes": 1000 * MIB,
        "quota_source": "status",
        "quota_used": 0.85,
        "raft_applied_index": 5000,
    }
    assert result["members"][1]["role"] == "silent"


def test_cluster_result_without_a_leader() -> None:
    result = cluster_result(view(member(1, leader=0), leader=0))
    assert (result["leader"], result["has_quorum"]) == (None, False)
