# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What etcdctl is told, and what its output means (printed by 3.4.23, 3.5.35 and 3.7.3)."""

from __future__ import annotations

import base64

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import Json
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import api, errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.etcdctl_commands import (
    ALARM,
    DISARM,
    command_for,
)

RANGE, DELETE, GRANT = "/v3/kv/range", "/v3/kv/deleterange", "/v3/lease/grant"
STATUS, MEMBERS = "/v3/maintenance/status", "/v3/cluster/member/list"
HEADER = '"header":{"cluster_id":5935551065001892224,"member_id":17674379601808861228,"revision":4,"raft_term":2}'


def keys(start: bytes, end: bytes = b"", **others: object) -> Json:
    coded = {"key": base64.b64encode(start).decode(), "range_end": base64.b64encode(end).decode()}
    return {**{name: key for name, key in coded.items() if key}, **others}


WORDS: list[tuple[str, str, Json, list[str]]] = [
    ("status", STATUS, {}, ["endpoint", "status"]),
    ("members", MEMBERS, {}, ["member", "list", "--consistency", "s"]),
    ("alarms", ALARM, {"action": "GET"}, ["alarm", "list"]),
    ("compaction", "/v3/kv/compaction", {"revision": "7", "physical": True}, ["compaction", "7", "--physical"]),
    ("defragment", "/v3/maintenance/defragment", {}, ["defrag"]),
    ("leader", "/v3/maintenance/transfer-leadership", {"targetID": "12297829382473034410"}, ["move-leader", "a" * 16]),
    ("grant", GRANT, {"TTL": "60"}, ["lease", "grant", "60"]),
    ("revoke", "/v3/lease/revoke", {"ID": "255"}, ["lease", "revoke", "ff"]),
    ("hash", "/v3/maintenance/hashkv", {"revision": "9"}, ["endpoint", "hashkv", "--rev", "9"]),
]


@pytest.mark.parametrize(("path", "body", "words"), table(WORDS))
def test_words(path: str, body: Json, words: list[str]) -> None:
    told = command_for(path, body)
    assert (list(told.words), told.stdin) == (words, "")


KEYS: list[tuple[str, str, Json, str]] = [
    ("revision", RANGE, keys(b"\0", count_only=True), r'get --limit=1 --rev=0 --consistency=l --keys-only "\x00"'),
    (
        "at a revision, by this member alone",
        RANGE,
        keys(b"\0", count_only=True, serializable=True, revision="5"),
        r'get --limit=1 --rev=5 --consistency=s --keys-only "\x00"',
    ),
    (
        "a list",
        RANGE,
        keys(b"/a/\0", b"/a0", limit="500", keys_only=True),
        r'get --limit=500 --rev=0 --consistency=l --keys-only "/a/\x00" "/a0"',
    ),
    ("values", RANGE, keys(b"--rev=9"), '''get --limit=0 --rev=0 --consistency=l "--rev=9"'''),
    ("deletion", DELETE, keys(b"/a/", b"/a/x\0"), r'del --range "/a/" "/a/x\x00"'),
    ("bytes that mean something", DELETE, keys(b'"\\ \n\xff'), r'del --range "\x22\x5c\x20\x0a\xff"'),
]


@pytest.mark.parametrize(("path", "body", "line"), table(KEYS))
def test_keys_are_told_on_standard_input(path: str, body: Json, line: str) -> None:
    told = command_for(path, body)
    assert (told.words, told.stdin) == (("txn",), f"\n{line}\n\n\n")


def test_older_ones_are_told_less() -> None:
    assert command_for(MEMBERS, {}, newest=False).words == ("member", "list")
    assert command_for(DELETE, keys(b"/a"), newest=False).stdin == '\ndel "/a"\n\n\n'


NOT_OFFERED: list[tuple[str, str, Json]] = [
    ("a lease of a chosen id", GRANT, {"TTL": "60", "ID": "7"}),
    ("another call", "/v3/kv/put", {}),
]


@pytest.mark.parametrize(("path", "body"), table(NOT_OFFERED))
def test_what_it_has_no_command_for(path: str, body: Json) -> None:
    with pytest.raises(errors.NotOffered, match="it needs the gateway, or gRPC"):
        command_for(path, body)


def test_status() -> None:
    printed = (
        '[{"Endpoint":"https://192.0.2.1:2379","Status":{' + HEADER + ',"version":"3.7.3","dbSize":20480,'
        '"leader":17674379601808861228,"raftIndex":5,"raftTerm":2,"raftAppliedIndex":5,'
        '"errors":["memberID:17674379601808861228  alarm:NOSPACE"],"dbSizeInUse":16384,"dbSizeQuota":2097152}}]\n'
    )
    status = api.parse_status(command_for(STATUS, {}).answer(printed))
    assert (status.member_id, status.leader_id, status.revision) == (17674379601808861228, 17674379601808861228, 4)
    assert (status.db_size_bytes, status.db_size_in_use_bytes, status.quota_bytes) == (20480, 16384, 2097152)
    assert status.alarms == (api.Alarm(17674379601808861228, api.NOSPACE),)


ALARMS: list[tuple[str, str, list[str]]] = [
    ("3.4, none", "{}\n", []),
    ("3.7, none", "{" + HEADER + "}\n", []),
    ("two", '{"alarms":[{"memberID":9,"alarm":1},{"memberID":9,"alarm":2}]}\n', ["CORRUPT", "NOSPACE"]),
    ("one that is not known", '{"alarms":[{"memberID":9,"alarm":3}]}', ["3"]),
]


@pytest.mark.parametrize(("printed", "kinds"), table(ALARMS))
def test_alarms(printed: str, kinds: list[str]) -> None:
    for told in (command_for(ALARM, {"action": "GET"}), DISARM):
        assert [alarm.kind for alarm in api.parse_alarms(told.answer(printed))] == kinds


FOUND = '{"header":{"revision":4},"kvs":[{"key":"L2EvMQ==","create_revision":2}],"more":true,"count":3}'


@pytest.mark.parametrize("name", ["ResponseRange", "response_range"], ids=["3.4", "later"])
def test_a_range(name: str) -> None:
    printed = "{" + HEADER + ',"succeeded":true,"responses":[{"Response":{"' + name + '":' + FOUND + "}}]}\n"
    counted = command_for(RANGE, keys(b"/a", count_only=True)).answer(printed)
    assert (counted["header"]["revision"], counted["count"], "kvs" in counted) == (4, 3, False)
    listed = command_for(RANGE, keys(b"/a", keys_only=True)).answer(printed)
    assert [each["key"] for each in listed["kvs"]] == ["L2EvMQ=="]


def test_a_deletion_behind_a_warning() -> None:
    printed = (
        'Warning: Keys between "/a/1" and "/a/2" will be deleted.\n'
        "{" + HEADER + ',"responses":[{"Response":{"response_delete_range":{"header":{"revision":5},"deleted":1}}}]}\n'
    )
    assert command_for(DELETE, keys(b"/a")).answer(printed)["deleted"] == 1


def test_text_that_says_no_more_than_that_it_is_done() -> None:
    told = command_for("/v3/kv/compaction", {"revision": "7", "physical": True})
    assert told.answer("compacted revision 7\n") == {}


ODD: list[tuple[str, str, str]] = [
    ("nothing", STATUS, ""),
    ("no JSON", STATUS, "hello\n"),
    ("nobody", STATUS, "[]\n"),
    ("null", STATUS, "null\n"),
    ("a list", MEMBERS, "[]\n"),
    ("no answer in it", RANGE, '{"responses":[]}\n'),
    ("two answers in one", RANGE, '{"responses":[{"Response":{"a":{},"b":{}}}]}\n'),
]


@pytest.mark.parametrize(("path", "printed"), table(ODD))
def test_what_is_not_understood(path: str, printed: str) -> None:
    with pytest.raises(errors.EtcdError, match="printed something else than was expected"):
        command_for(path, keys(b"/a")).answer(printed)
