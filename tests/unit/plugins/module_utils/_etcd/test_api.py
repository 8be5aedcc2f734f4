# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded answers as records, and the requests that the calls send."""

from __future__ import annotations

import json

import pytest
from unit.builders import MIB, VERSIONS, Json, Reply, endpoint, recorded, recorded_json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import api, errors

STATUS, ALARM, KV_RANGE = "/v3/maintenance/status", "/v3/maintenance/alarm", "/v3/kv/range"


@pytest.mark.parametrize("version", VERSIONS)
def test_status_of_a_leader_and_a_follower(version: str) -> None:
    bodies = [recorded_json(version, f"status-{role}") for role in ("leader", "follower")]
    leader, follower = (api.parse_status(body) for body in bodies)
    assert leader.version == follower.version == version
    assert leader.leader_id == leader.member_id == follower.leader_id
    assert follower.member_id != follower.leader_id
    assert leader.cluster_id == follower.cluster_id == int(bodies[0]["header"]["cluster_id"])
    assert (leader.revision, leader.raft_term) == (1, int(bodies[0]["raftTerm"]))
    assert leader.raft_applied_index == int(bodies[0]["raftAppliedIndex"]) > 0
    assert leader.db_size_bytes == int(bodies[0]["dbSize"])
    assert leader.db_size_in_use_bytes == int(bodies[0]["dbSizeInUse"])
    assert not leader.learner
    assert (leader.errors, leader.alarms) == ((), ())


# With a quota of 8 MiB, and without one; 3.6.0 to 3.6.5 keep etcd's own default to themselves.
STATUS_QUOTAS: list[tuple[str, int | None, int | None]] = [
    ("3.5.1", None, None),
    ("3.5.35", None, None),
    ("3.6.5", 8 * MIB, None),
    ("3.6.16", 8 * MIB, 2048 * MIB),
    ("3.7.3", 8 * MIB, 2048 * MIB),
]


@pytest.mark.parametrize(("version", "of_flag", "of_default"), STATUS_QUOTAS)
def test_quota_of_status(version: str, of_flag: int | None, of_default: int | None) -> None:
    assert api.parse_status(recorded_json(version, "status-leader")).quota_bytes == of_flag
    assert api.parse_status(recorded_json(version, "status-default-quota")).quota_bytes == of_default


@pytest.mark.parametrize("version", VERSIONS)
def test_status_under_nospace(version: str) -> None:
    status = api.parse_status(recorded_json(version, "nospace-status"))
    alarms = api.parse_alarms(recorded_json(version, "nospace-alarms"))
    assert alarms
    assert {alarm.kind for alarm in alarms} == {api.NOSPACE}
    # Members raise their alarms one by one, and the list was read after the status.
    assert set(status.alarms) <= set(alarms)
    assert api.Alarm(status.member_id, api.NOSPACE) in status.alarms
    assert len(status.alarms) == len(status.errors)


@pytest.mark.parametrize("version", VERSIONS)
def test_status_under_corrupt(version: str) -> None:
    status = api.parse_status(recorded_json(version, "corrupt-status"))
    expected = (api.Alarm(status.leader_id, api.CORRUPT),)
    assert status.alarms == api.parse_alarms(recorded_json(version, "corrupt-alarms")) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_status_without_a_leader(version: str) -> None:
    status = api.parse_status(recorded_json(version, "no-leader-status"))
    assert status.leader_id == 0
    assert status.errors[0] == "etcdserver: no leader"
    assert status.alarms
    assert {alarm.kind for alarm in status.alarms} == {api.NOSPACE}


@pytest.mark.parametrize("version", VERSIONS)
def test_status_of_a_learner(version: str) -> None:
    assert api.parse_status(recorded_json(version, "status-learner")).learner


@pytest.mark.parametrize("version", VERSIONS)
def test_no_alarms(version: str) -> None:
    assert api.parse_alarms(recorded_json(version, "alarms-none")) == ()
    assert api.parse_alarms({}) == ()  # 3.4


@pytest.mark.parametrize("version", VERSIONS)
def test_members(version: str) -> None:
    members = api.parse_members(recorded_json(version, "members"))
    assert sorted(member.name for member in members) == ["cp1", "cp2", "cp3"]
    assert all(member.started and not member.learner and len(member.peer_urls) == 1 for member in members)


@pytest.mark.parametrize("version", VERSIONS)
def test_members_with_a_learner_and_an_unstarted_one(version: str) -> None:
    members = api.parse_members(recorded_json(version, "members-unstarted"))
    assert len(members) == 5
    (unstarted,) = (member for member in members if not member.started)
    assert (unstarted.name, unstarted.client_urls, unstarted.learner) == ("", (), False)
    assert unstarted.peer_urls[0].startswith("https://127.")
    (learner,) = (member for member in members if member.learner)
    assert learner.name == "cp4"


STATUSES: list[tuple[str, Json, str, object]] = [
    ("quota off", {"dbSizeQuota": "-1"}, "quota_bytes", -1),
    ("quota 0 means unknown", {"dbSizeQuota": "0"}, "quota_bytes", None),
    ("no quota", {}, "quota_bytes", None),
    ("id above 2^63", {"header": {"member_id": "18446744073709551615"}}, "member_id", 2**64 - 1),
    ("3.5 blank at the end", {"errors": ["memberID:7 alarm:NOSPACE "]}, "alarms", (api.Alarm(7, "NOSPACE"),)),
    ("3.7 two blanks", {"errors": ["memberID:7  alarm:NOSPACE"]}, "alarms", (api.Alarm(7, "NOSPACE"),)),
    (
        "two in one text",
        {"errors": ["memberID:7 alarm:NOSPACE memberID:8 alarm:CORRUPT"]},
        "alarms",
        (api.Alarm(7, "NOSPACE"), api.Alarm(8, "CORRUPT")),
    ),
    ("other error", {"errors": ["etcdserver: no leader"]}, "alarms", ()),
    ("empty", {}, "version", ""),
]


@pytest.mark.parametrize(("body", "field", "expected"), table(STATUSES))
def test_status(body: Json, field: str, expected: object) -> None:
    assert getattr(api.parse_status(body), field) == expected


METRICS: list[tuple[str, str, float | None]] = [
    ("exponent", "etcd_server_quota_backend_bytes 5.36870912e+09\n", 5368709120.0),
    ("off", "# TYPE x gauge\netcd_server_quota_backend_bytes -1\n", -1.0),
    ("no end of line", "etcd_server_quota_backend_bytes 7", 7.0),
    ("longer name", "etcd_server_quota_backend_bytes_sum 7\n", None),
    ("comment", "# HELP etcd_server_quota_backend_bytes 7\n", None),
    ("with labels", 'etcd_server_quota_backend_bytes{a="b"} 7\n', None),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("text", "expected"), table(METRICS))
def test_metric(text: str, expected: float | None) -> None:
    assert api.parse_metric(text, "etcd_server_quota_backend_bytes") == expected


def test_active_peers() -> None:
    text = """# TYPE etcd_network_active_peers gauge
etcd_network_active_peers{Local="9ffa2d1f555be806",Remote="328f1fc25c8a7ea"} 1
etcd_network_active_peers{Local="9ffa2d1f555be806",Remote="36ea2ef4b0b4de24"} 0
etcd_network_disconnected_peers_total{Local="9ffa2d1f555be806",Remote="36ea2ef4b0b4de24"} 1
"""
    assert endpoint({"/metrics": {"text": text}})[0].active_peers() == {0x328F1FC25C8A7EA}
    assert endpoint({"/metrics": {"text": ""}})[0].active_peers() == frozenset()
    assert endpoint({"/metrics": {"status": 404, "text": ""}})[0].active_peers() == frozenset()


@pytest.mark.parametrize("version", VERSIONS)
def test_quota_of_recorded_metrics(version: str) -> None:
    asked, _transport = endpoint({"/metrics": {"text": recorded(version, "metrics").decode()}})
    assert asked.quota_from_metrics() == 8 * MIB


QUOTAS: list[tuple[str, Reply, int | None]] = [
    ("off", {"text": "etcd_server_quota_backend_bytes -1\n"}, -1),
    ("missing", {"text": "up 1\n"}, None),
    ("zero", {"text": "etcd_server_quota_backend_bytes 0\n"}, None),
    ("not served", errors.EtcdError("GET /metrics was answered with HTTP 404"), None),
]


@pytest.mark.parametrize(("reply", "expected"), table(QUOTAS))
def test_quota_from_metrics(reply: Reply, expected: int | None) -> None:
    assert endpoint({"/metrics": reply})[0].quota_from_metrics() == expected


SLOW_METRICS: list[tuple[str, list[Exception | str], int | None, int]] = [
    ("slow once", [errors.TimedOut("no answer within 10 s"), "etcd_server_quota_backend_bytes 7\n"], 7, 2),
    ("slow twice", [errors.TimedOut("no answer within 10 s")] * 3, None, 2),
    ("cut off once", [errors.Unreachable("closed"), "etcd_server_quota_backend_bytes 7\n"], 7, 2),
    ("not served: not asked again", [errors.EtcdError("HTTP 404"), "etcd_server_quota_backend_bytes 7\n"], None, 1),
    ("without it: not asked again", ["up 1\n", "etcd_server_quota_backend_bytes 7\n"], None, 1),
]


@pytest.mark.parametrize(("answers", "expected", "calls"), table(SLOW_METRICS))
def test_metrics_that_are_slow_are_asked_once_more(
    answers: list[Exception | str], expected: int | None, calls: int
) -> None:
    left = [*answers]

    def reply(_body: Json) -> Json:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"text": answer}

    asked, transport = endpoint({"/metrics": reply})
    assert asked.quota_from_metrics() == expected
    assert len(transport.calls) == calls


DEFRAGMENTING: list[tuple[str, Reply, bool]] = [
    ("at work", {"text": "etcd_disk_defrag_inflight 1\n"}, True),
    ("idle", {"text": "# TYPE etcd_disk_defrag_inflight gauge\netcd_disk_defrag_inflight 0\n"}, False),
    ("3.5.0 has no such metric", {"text": "up 1\n"}, False),
    ("silent", errors.TimedOut("no answer within 10 s"), False),
]


@pytest.mark.parametrize(("reply", "expected"), table(DEFRAGMENTING))
def test_defragmenting(reply: Reply, expected: bool) -> None:
    assert endpoint({"/metrics": reply})[0].defragmenting() is expected


def test_disarm_names_member_and_kind_as_strings() -> None:
    """Member id 0 would disarm nothing, an alarm sent as a number can kill the member."""
    asked, transport = endpoint({ALARM: {}})
    asked.disarm(api.Alarm(2**63 + 1, api.NOSPACE))
    assert transport.calls == [
        (ALARM, {"action": "DEACTIVATE", "memberID": "9223372036854775809", "alarm": "NOSPACE"}),
    ]


REQUESTS: list[tuple[str, str, tuple[object, ...], str, Json]] = [
    ("status", "status", (), STATUS, {}),
    ("alarms", "alarms", (), ALARM, {"action": "GET"}),
    ("members", "members", (), "/v3/cluster/member/list", {}),
    ("compact", "compact", (7, 1.0), "/v3/kv/compaction", {"revision": "7", "physical": True}),
    ("defragment", "defragment", (1.0,), "/v3/maintenance/defragment", {}),
    (
        "move leader",
        "move_leader",
        (2**63,),
        "/v3/maintenance/transfer-leadership",
        {"targetID": "9223372036854775808"},
    ),
    (
        "check revision",
        "check_revision",
        (7,),
        KV_RANGE,
        {"key": "AA==", "count_only": True, "serializable": True, "revision": "7"},
    ),
    ("revision", "revision", (), KV_RANGE, {"key": "AA==", "count_only": True}),
]


@pytest.mark.parametrize(("call", "arguments", "path", "body"), table(REQUESTS))
def test_request(call: str, arguments: tuple[object, ...], path: str, body: Json) -> None:
    asked, transport = endpoint({path: {}})
    getattr(asked, call)(*arguments)
    assert transport.calls == [(path, body)]


@pytest.mark.parametrize("version", VERSIONS)
def test_revision(version: str) -> None:
    assert endpoint({KV_RANGE: recorded_json(version, "count")})[0].revision() == 202


@pytest.mark.parametrize("version", VERSIONS)
def test_write_revokes_the_lease_it_was_granted(version: str) -> None:
    granted = recorded_json(version, "lease-grant")
    asked, transport = endpoint(
        {"/v3/lease/grant": granted, "/v3/lease/revoke": recorded_json(version, "lease-revoke")}
    )
    asked.write()
    assert transport.calls[1] == ("/v3/lease/revoke", {"ID": granted["ID"]})


def test_lease_of_a_wanted_id() -> None:
    asked, transport = endpoint({"/v3/lease/grant": {"ID": "7", "TTL": "9"}})
    assert asked.grant_lease(9, 7) == 7
    assert transport.calls == [("/v3/lease/grant", {"TTL": "9", "ID": "7"})]


RENEWALS: list[tuple[str, list[Json], bool]] = [
    ("there", [{"ID": "7", "TTL": "9"}], True),
    ("gone", [{"ID": "7"}], False),
]


@pytest.mark.parametrize(("lines", "expected"), table(RENEWALS))
def test_renew_lease(lines: list[Json], expected: bool) -> None:
    asked, _transport = endpoint({"/v3/lease/keepalive": {"lines": lines}})
    assert asked.renew_lease(7) is expected


def test_renewal_without_an_answer() -> None:
    asked, _transport = endpoint({"/v3/lease/keepalive": {"lines": []}})
    with pytest.raises(errors.EtcdError, match="nothing was answered"):
        asked.renew_lease(7)


HASHES: list[tuple[str, Reply, api.HashKv | None]] = [
    ("3.5.1 does not serve it", errors.GatewayDisabled("HTTP 404 'Not Found'"), None),
    ("learner", errors.LearnerRefuses("rpc not supported for learner"), None),
    ("3.6.16", {"hash": 3827543867, "compact_revision": "-1"}, api.HashKv(3827543867, -1)),
    ("nothing compacted", {"hash": 1}, api.HashKv(1, 0)),
]


@pytest.mark.parametrize(("reply", "expected"), table(HASHES))
def test_hash(reply: Reply, expected: api.HashKv | None) -> None:
    assert endpoint({"/v3/maintenance/hashkv": reply})[0].hash_kv(5, 1.0) == expected


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != "3.5.1"])
def test_recorded_hash(version: str) -> None:
    body = recorded_json(version, "hashkv")
    found = endpoint({"/v3/maintenance/hashkv": body})[0].hash_kv(0, 1.0)
    assert found is not None
    assert found.hash == body["hash"] > 0


@pytest.mark.parametrize("version", VERSIONS)
def test_snapshot_chunks(version: str) -> None:
    lines = [json.loads(line)["result"] for line in recorded(version, "snapshot").splitlines()]
    asked, _transport = endpoint({"/v3/maintenance/snapshot": {"lines": lines}})
    blobs = list(asked.snapshot(1.0))
    assert len(blobs[-1]) == 32
    assert sum(map(len, blobs)) % 512 == 32
