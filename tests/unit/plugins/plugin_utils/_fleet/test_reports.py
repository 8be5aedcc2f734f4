# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was registered on each host, as typed reports; what is not understood is never passed over."""

from __future__ import annotations

import pytest
from unit.builders import Json, as_json, cluster_report, member_report, node_report, results_of, table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

ONE, TWO = node_report(1, cluster_report(member_report(1, "leader"), member_report(2))), node_report(2)


def test_reports_of_a_play() -> None:
    fleet = Fleet.from_results(as_json(results_of({"b": TWO, "a": ONE})))
    assert dict(fleet.items()) == {"a": ONE, "b": TWO}
    assert fleet.hosts == ("a", "b")
    assert fleet["a"].answers
    assert fleet.any_answers
    assert not fleet.only(["b"]).any_answers


ABSENT: list[tuple[str, Json]] = [
    ("no etcd", {"present": False, "changed": False, "failed": False}),
    ("never inspected", {}),
    ("failed", {"failed": True, "msg": "Looking at the node failed."}),
    ("not reached", {"unreachable": True, "msg": "Connection refused", "changed": False}),
]


@pytest.mark.parametrize("result", table(ABSENT))
def test_hosts_without_a_report(result: Json) -> None:
    assert Fleet.from_results({**results_of({"a": ONE}), "b": result}).hosts == ("a",)


def test_etcds_that_api_servers_of_other_hosts_use() -> None:
    """Kept for the peers of each cluster; of a host that was lost nothing is known."""
    url = "https://192.0.2.1:2379"
    api = {"present": False, "apiserver_etcd_urls": [url]}
    worker = {"present": False, "apiserver_etcd_urls": []}
    lost = {"unreachable": True}
    fleet = Fleet.from_results({**results_of({"a": ONE}), "api": api, "worker": worker, "lost": lost})
    assert fleet.hosts == ("a",)
    assert fleet.etcd_urls == fleet.only(["a"]).etcd_urls == {"api": (url,)}


def without(*keys: str) -> Json:
    """A result that lacks a key, which is the last of these."""
    result: Json = as_json(results_of({"a": ONE})["a"])
    body = result
    for key in keys[:-1]:
        body = body[key]
    del body[keys[-1]]
    return result


RESULT: Json = results_of({"a": ONE})["a"]
NOT_UNDERSTOOD: list[tuple[str, object, str]] = [
    ("nothing of ours", {"changed": False}, r"\.present is missing\.$"),
    ("a key is missing", without("stray_files"), r"\.stray_files is missing\.$"),
    ("a key of the kubelet is missing", without("kubelet", "held"), r"\.kubelet\.held is missing\.$"),
    ("it answers, and says nothing", without("cluster"), r"\.cluster is missing\.$"),
    (
        "a refusal in other words",
        {**RESULT, "diagnosis": {**RESULT["diagnosis"], "refusals": ["It is corrupt."]}},
        (r"\.diagnosis\.refusals\[0\] is no dictionary, but str 'It is corrupt\.'\.$"),
    ),
    ("text for a number", {**RESULT, "start_seconds": "5"}, r"\.start_seconds is not a number, but str '5'\.$"),
    ("a number for true or false", {**RESULT, "answers": 1}, r"\.answers is not true or false, but int 1\.$"),
    ("no dictionary", "nothing", r" is no dictionary, but str 'nothing'\.$"),
]


@pytest.mark.parametrize(("result", "message"), table(NOT_UNDERSTOOD))
def test_what_is_not_understood_names_its_host(result: object, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^the results of etcd_node_info\.host7{message}"):
        Fleet.from_results({**results_of({"a": ONE}), "host7": result})


def test_host_of_a_member() -> None:
    fleet = Fleet({"a": ONE, "b": TWO})
    assert [fleet.host_of(member_report(number)) for number in (1, 2, 3)] == ["a", "b", None]
    assert [fleet.asking_host_of(member_report(number)) for number in (1, 2, 3)] == ["a", None, None]


def test_only_known_hosts() -> None:
    fleet = Fleet({"a": ONE, "b": TWO})
    assert fleet.only(["b", "a"]).hosts == ("a", "b")
    with pytest.raises(ValueError, match=r"^There is no report of c, d\.$"):
        fleet.only(["d", "a", "c"])
