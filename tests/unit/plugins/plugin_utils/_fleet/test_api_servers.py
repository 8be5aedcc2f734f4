# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about a cluster's API servers, and when none of them accepting a write is a failure."""

from __future__ import annotations

import pytest
from unit.builders import cluster_report, member_report, table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.api_servers import (
    any_accepts,
    api_server_lines,
    hosts_of_api_servers,
    none_accepts,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import ApiServerCheck

ACCEPTED, ABSENT, READY = (ApiServerCheck(outcome, "", 0.4) for outcome in ("accepted", "absent", "ready"))
WEBHOOK = ApiServerCheck("refused", "HTTP 500: failed calling webhook", 30.0)
DEAD = ApiServerCheck("not ready", "it does not answer", 120.4)
AT_ONCE = ApiServerCheck("not ready", "it does not answer", 0.0)

Checks = dict[str, ApiServerCheck]

LINES: list[tuple[str, Checks, list[str]]] = [
    ("nobody was asked", {}, []),
    ("no node has one", {"a": ABSENT}, []),
    ("accepted", {"a": ACCEPTED, "b": ABSENT, "c": ACCEPTED}, ["The API servers of a, c accept writes."]),
    ("check mode", {"a": READY}, ["The API servers of a are ready; nothing was written through them."]),
    (
        "not taken",
        {"a": WEBHOOK, "b": DEAD, "c": AT_ONCE},
        [
            "The API server of a did not take the write, but not because of etcd: HTTP 500: failed calling webhook.",
            "The API server of b is still not up after 120 s: it does not answer.",
            "The API server of c is not up: it does not answer.",
        ],
    ),
]


@pytest.mark.parametrize(("checks", "expected"), table(LINES))
def test_lines(checks: Checks, expected: list[str]) -> None:
    assert api_server_lines(checks) == expected


FAILURES: list[tuple[str, Checks, str]] = [
    ("nobody was asked", {}, ""),
    ("no node has one", {"a": ABSENT}, ""),
    ("one accepts", {"a": DEAD, "b": WEBHOOK, "c": ACCEPTED}, ""),
    ("check mode", {"a": READY, "b": AT_ONCE}, ""),
    ("the only one is dead", {"a": DEAD, "b": ABSENT}, "(a: it does not answer)"),
    ("none takes it", {"a": DEAD, "b": WEBHOOK}, "(a: it does not answer; b: HTTP 500: failed calling webhook)"),
]


@pytest.mark.parametrize(("checks", "expected"), table(FAILURES))
def test_none_accepts(checks: Checks, expected: str) -> None:
    found = none_accepts(checks)
    assert bool(found) is bool(expected)
    if found:
        assert found.code == "no_apiserver_accepts"
        assert expected in found.reason


def test_any_accepts() -> None:
    assert any_accepts({"a": DEAD, "b": ACCEPTED})
    assert not any_accepts({"a": DEAD, "b": READY})


# What the API servers of hosts without etcd use, and which of them use the cluster at 192.0.2.1 and 192.0.2.2.
USERS: list[tuple[str, dict[str, tuple[str, ...]], tuple[str, ...]]] = [
    ("none", {}, ()),
    ("all members", {"api": ("https://192.0.2.1:2379", "https://192.0.2.2:2379")}, ("api",)),
    ("one of them is enough", {"b": ("https://192.0.2.2:2379",), "a": ("https://192.0.2.1:2379",)}, ("a", "b")),
    ("written otherwise", {"api": ("HTTPS://192.0.2.1:2379/",)}, ("api",)),
    ("another port is another etcd", {"api": ("https://192.0.2.1:2383",)}, ()),
    ("another cluster", {"api": ("https://192.0.2.7:2379",)}, ()),
]


@pytest.mark.parametrize(("urls", "expected"), table(USERS))
def test_hosts_of_api_servers(urls: dict[str, tuple[str, ...]], expected: tuple[str, ...]) -> None:
    cluster = cluster_report(member_report(1, "leader"), member_report(2))
    assert hosts_of_api_servers(Fleet({}, urls), cluster) == expected
    assert hosts_of_api_servers(Fleet({}, urls), None) == ()
