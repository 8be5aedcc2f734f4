# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums by owner, told apart and not."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.kubernetes_keys import directory_of
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.tallies import Tallies

KEYS = {
    b"/registry/pods/a/1": 10,
    b"/registry/pods/b/1": 40,
    b"/registry/pods/b/2": 5,
    b"/registry/x.io/things/a/1": 20,
    b"/registry/minions/cp1": 2,
    b"/calico/a/b/1": 1,
    b"/calico/a/c/1": 1,
}


def counted(tallies: Tallies) -> Tallies:
    for key, size in KEYS.items():
        number = tallies.numbers[directory_of(key)]
        tallies.history_revisions[number] += 2
        tallies.live_keys[number] += 1
        tallies.live_bytes[number] += size
    return tallies


def test_told_apart() -> None:
    found = counted(Tallies("/registry"))
    assert [(each.group, each.resource, each.namespace, each.live_bytes) for each in found.consumers(9)] == [
        ("", "pods", "b", 45),
        ("x.io", "things", "a", 20),
        ("", "pods", "a", 10),
        ("", "/calico/a", "", 2),
        ("", "nodes", "", 2),
    ]
    assert [(each.resource, each.namespace, each.live_bytes) for each in found.resources(2)] == [
        ("pods", "*", 55),
        ("things", "*", 20),
    ]
    assert [(each.resource, each.namespace, each.live_bytes) for each in found.namespaces(9)] == [
        ("*", "b", 45),
        ("*", "a", 30),
        ("*", "", 4),
    ]
    assert (found.total().live_keys, found.total().history_revisions) == (7, 14)


def test_no_keys() -> None:
    assert (Tallies("/registry").total().live_keys, Tallies("/registry").consumers(9)) == (0, ())


def test_more_directories_than_are_told_apart() -> None:
    """Resources are still right, and only the first two directories keep their namespace."""
    found = counted(Tallies("/registry", 2))
    assert [(each.resource, each.namespace, each.live_bytes) for each in found.consumers(9)] == [
        ("pods", "b", 45),
        ("things", "*", 20),
        ("pods", "a", 10),
        ("nodes", "*", 2),
        ("*", "*", 2),
    ]
    assert found.total() == counted(Tallies("/registry")).total()
    assert found.total().live_bytes == sum(KEYS.values())
