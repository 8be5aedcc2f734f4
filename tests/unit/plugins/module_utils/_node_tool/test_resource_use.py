# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of what fills the database, and how fast each resource grows."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from unit.bolt_files import Change, database
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import Look, look
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import resource_use
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.resource_use import (
    UsageLook,
    look_after,
)

NOW = 1795478400.0
SIZE = 1000


def found(**keys: int) -> Look:
    changes = [
        Change(b"/registry/%s/a/%d" % (name.encode(), n), b"x" * SIZE) for name in keys for n in range(keys[name])
    ]
    return look(database([*changes, *changes[:1]]))


EARLIER = look_after(None, found(pods=3, events=1), NOW - 7200)


def growth_of(of: UsageLook) -> dict[str, int | None]:
    return {each.resource: each.live_bytes_per_hour for each in of.largest}


def test_at_first_nothing_grows() -> None:
    assert growth_of(EARLIER) == {"pods": None, "events": None}
    pods = EARLIER.largest[0]
    assert (pods.group, pods.resource, pods.history_bytes > SIZE) == ("", "pods", True)
    assert EARLIER.live == (("", "pods", pods.live_bytes), ("", "events", EARLIER.largest[1].live_bytes))
    assert EARLIER.complete


def test_growth() -> None:
    now = growth_of(look_after(EARLIER, found(pods=3, events=5, jobs=2), NOW))
    each = EARLIER.largest[1].live_bytes
    assert now == {"pods": 0, "events": 2 * each, "jobs": pytest.approx(each, abs=5)}
    shrunk = growth_of(look_after(look_after(None, found(events=5), NOW - 3600), found(events=2, pods=9), NOW))
    assert shrunk["events"] == -3 * each


INCOMPARABLE: list[tuple[str, UsageLook, float]] = [
    ("too soon", EARLIER, EARLIER.moment + 599),
    ("the clock was set back", EARLIER, EARLIER.moment - 5),
    ("before a restore", replace(EARLIER, revision=999), NOW),
]


@pytest.mark.parametrize(("before", "moment"), table(INCOMPARABLE))
def test_incomparable(before: UsageLook, moment: float) -> None:
    assert growth_of(look_after(before, found(pods=9, events=9), moment)) == {"pods": None, "events": None}


def test_what_was_not_remembered_has_no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_use, "_KEPT", 1)
    before = look_after(None, found(pods=3, events=1), NOW - 3600)
    assert (len(before.live), before.complete) == (1, False)
    assert growth_of(look_after(before, found(pods=3, events=9), NOW)) == {"pods": 0, "events": None}


def test_at_most_so_many() -> None:
    many = look_after(None, found(**{f"r{n}": 1 for n in range(30)}), NOW)
    assert (len(many.largest), len(many.live)) == (10, 30)


def test_as_json() -> None:
    for of in (EARLIER, look_after(EARLIER, found(pods=9), NOW)):
        assert resource_use.parse(json.loads(json.dumps(asdict(of)))) == of
    assert resource_use.parse(None) is None
    for broken in ({}, [], {**asdict(EARLIER), "live": [["a"]]}, {**asdict(EARLIER), "largest": [{}]}):
        with pytest.raises((ValueError, KeyError)):
            resource_use.parse(broken)
