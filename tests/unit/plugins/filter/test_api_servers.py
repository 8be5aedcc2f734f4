# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what each node's module returned to lines and the failure of all."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._api_servers import FilterModule, api_servers

DEAD = {"outcome": "not ready", "reason": "it does not answer", "seconds": 30.2}


def test_none_accepts() -> None:
    found = api_servers({"cp1": DEAD, "cp2": {"outcome": "absent", "reason": "", "seconds": 0.0}})
    assert found["lines"] == ["The API server of cp1 is still not up after 30 s: it does not answer."]
    assert found["accepts"] is False
    assert found["still_starting"] == ["cp1"]
    assert (found["failure"]["failed"], found["failure"]["code"]) == (True, "no_apiserver_accepts")
    assert found["failure"]["msg"].startswith(
        "Checking the API servers failed. etcd accepts writes, but none of the API servers that were asked accepted one"
        " (cp1: it does not answer). What was done to etcd stays done. See why"
    )


def test_one_accepts() -> None:
    found = api_servers({"cp1": DEAD, "cp2": {"outcome": "accepted", "reason": "", "seconds": 0.4}})
    assert (found["accepts"], found["failure"]) == (True, {})


def test_a_module_that_failed_tells_by_itself() -> None:
    assert api_servers({"cp1": {"failed": True, "code": "nospace_alarm", "msg": "It failed."}}) == {
        "lines": [],
        "accepts": False,
        "failure": {},
        "still_starting": [],
    }


def test_check_mode_cannot_fail() -> None:
    found = api_servers({"cp1": {**DEAD, "seconds": 0.0}}, check=True)
    assert found["lines"] == ["The API server of cp1 is not up: it does not answer."]
    assert (found["failure"], found["still_starting"]) == ({}, [])


def test_filter() -> None:
    assert FilterModule().filters() == {"_api_servers": api_servers}
