# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The growth between two looks, by resource and by namespace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bolt_files import Change, database

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import tallies
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.kubernetes_keys import OTHERS, Owner
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import look
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_growth import (
    Grown,
    Level,
    Levels,
    growth,
)

PODS, EVENTS, REPORTS = (Owner("", "pods", OTHERS), Owner("", "events", OTHERS), Owner("kyverno.io", "reports", OTHERS))

owners = st.dictionaries(
    st.builds(Owner, st.just(""), st.sampled_from("abcdef"), st.just(OTHERS)),
    st.builds(Level, st.integers(0, 2**40), st.integers(0, 2**20), st.integers(0, 2**20)),
)


def test_per_hour() -> None:
    before = Levels(1000, 10, {PODS: Level(100, 1, 3), EVENTS: Level(500, 5, 5)}, {})
    after = Levels(3000, 50, {PODS: Level(200, 2, 2), REPORTS: Level(50, 1, 1), EVENTS: Level(500, 5, 5)}, None)
    found = growth(before, after, 1800.0, top=9)
    assert (found.seconds, found.size_bytes_per_hour, found.revisions_per_hour) == (1800.0, 4000, 80)
    assert found.resources == (Grown(*PODS, 200, 2, -2), Grown(*REPORTS, 100, 2, 2))
    assert found.namespaces == ()


def test_what_is_gone_shrinks() -> None:
    found = growth(Levels(9, 1, {PODS: Level(100, 1, 1)}, {}), Levels(9, 1, {}, {}), 3600.0, top=9)
    assert found.resources == (Grown(*PODS, -100, -1, -1),)


@given(owners, owners, st.integers(0, 5))
def test_what_changed_most_comes_first(before: dict[Owner, Level], after: dict[Owner, Level], top: int) -> None:
    found = growth(Levels(0, 0, before, before), Levels(0, 0, after, after), 3600.0, top).resources
    changes = sorted(
        abs(after.get(o, Level(0, 0, 0))[0] - before.get(o, Level(0, 0, 0))[0]) for o in {**before, **after}
    )
    assert [abs(each.live_bytes_per_hour) for each in found] == [*reversed(changes)][: len(found)]
    assert len(found) <= top
    assert all(any((each.live_bytes_per_hour, each.live_keys_per_hour, each.revisions_per_hour)) for each in found)


@pytest.mark.parametrize(
    ("seconds", "revision", "message"),
    [(0.0, 1, "not older"), (-5.0, 1, "not older"), (5.0, 9, "its revision, 9, is later than 3")],
    ids=["same", "later", "of another cluster"],
)
def test_not_an_earlier_look(seconds: float, revision: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        growth(Levels(0, revision, {}, {}), Levels(0, 3, {}, {}), seconds, 1)


def test_of_two_databases() -> None:
    earlier = [Change(b"/registry/pods/a/%d" % n, b"x" * 100) for n in range(4)]
    later = [
        *earlier,
        *(Change(b"/registry/events/b/%d" % n, b"x" * 1000) for n in range(6)),
        Change(earlier[0].key, None),
    ]
    found = growth(look(database(earlier)).levels, look(database(later)).levels, 3600.0, top=9)
    events, pods = found.resources
    assert (events.resource, events.live_keys_per_hour, events.revisions_per_hour) == ("events", 6, 6)
    assert (pods.resource, pods.live_keys_per_hour, pods.revisions_per_hour) == ("pods", -1, 1)
    assert [each.namespace for each in found.namespaces] == ["b", "a"]
    assert found.revisions_per_hour == len(later) - len(earlier)


def test_too_many_to_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which ones are told apart would depend on their order, and the growth of one be made up."""
    monkeypatch.setattr(tallies.Tallies.__init__, "__defaults__", (2,))
    changes = [Change(b"/registry/pods/ns%d/a" % n, b"x") for n in range(5)]
    found = look(database(changes)).levels
    assert (found.namespaces, list(found.resources or ())) == (None, [PODS])
    assert (found.resources or {})[PODS].live_keys == 5
    changes += [Change(b"/registry/r%d/a/b" % n, b"x") for n in range(5)]
    assert look(database(changes)).levels.resources is None
