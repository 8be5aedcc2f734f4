# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the playbooks work on, and when on none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.targets import (
    CONTROL_PLANES,
    GENERIC,
    NOBODY,
    find_targets,
)

FILE, LIST = ["/etc/ansible/hosts"], ["cp1,cp2,"]

# Groups with a host, the inventories, and the pattern.
FOUND: list[tuple[str, list[str], list[str], str]] = [
    *((f"the group {name}", ["workers", name], FILE, name) for name in CONTROL_PLANES + GENERIC),
    ("two of them", ["masters", "kube_control_plane"], FILE, "kube_control_plane:masters"),
    ("one that others have too", ["server", "masters"], FILE, "masters"),
    ("a list of hosts", [], LIST, "all"),
    ("two lists", [], [*LIST, "cp3,"], "all"),
    ("a list beside a group", ["masters"], [*LIST, *FILE], "masters"),
]


# Hosts of the groups of an inventory of kubespray, and the pattern.
WITH_ETCD: list[tuple[str, dict[str, list[str]], str]] = [
    ("on the control planes", {"kube_control_plane": ["a", "b"], "etcd": ["a", "b"]}, "kube_control_plane"),
    ("on some of them", {"kube_control_plane": ["a", "b"], "etcd": ["a"]}, "kube_control_plane"),
    ("on hosts of its own", {"kube_control_plane": ["a"], "etcd": ["c", "d"]}, "kube_control_plane:etcd"),
    ("on one more", {"kube_control_plane": ["a"], "etcd": ["a", "c"]}, "kube_control_plane:etcd"),
    ("alone", {"etcd": ["c"]}, "etcd"),
    ("beside what others have too", {"etcd": ["c"], "server": ["x"]}, "etcd"),
    ("empty", {"kube_control_plane": ["a"], "etcd": []}, "kube_control_plane"),
]


@pytest.mark.parametrize(("of", "pattern"), table(WITH_ETCD))
def test_hosts_of_etcd(of: dict[str, list[str]], pattern: str) -> None:
    assert find_targets(of, FILE, None, extra=[]).pattern == pattern


def groups(names: Sequence[str]) -> dict[str, list[str]]:
    return {"all": ["cp1", "cp2"], "ungrouped": [], "empty": [], **{name: ["cp1"] for name in names}}


@pytest.mark.parametrize(("names", "sources", "pattern"), table(FOUND))
def test_targets(names: list[str], sources: list[str], pattern: str) -> None:
    found = find_targets(groups(names), sources, None, extra=["recover_hold"])
    assert (found.pattern, found.refusals) == (pattern, ())


@pytest.mark.parametrize(("asked", "pattern"), [("workers", "workers"), (["cp1", "cp2"], "cp1,cp2"), ("all", "all")])
def test_targets_that_were_asked_for(asked: str | list[str], pattern: str) -> None:
    assert find_targets(groups(["masters"]), FILE, asked, extra=["etcd_target"]).pattern == pattern


# Groups with a host, the inventories, etcd_target, what was given with -e, the code, and words of the reason.
REFUSED: list[tuple[str, list[str], list[str], str | None, list[str], str, str]] = [
    ("no group that is known", ["cps", "workers"], FILE, None, [], "no_target_group", "It has cps, workers."),
    ("no group", [], FILE, None, [], "no_target_group", "It has no group with hosts."),
    ("a list beside a file", [], [*LIST, *FILE], None, [], "no_target_group", "no group with hosts"),
    ("no inventory", [], [], None, [], "no_target_group", "no group with hosts"),
    ("one in the inventory", ["masters"], FILE, "masters", [], "no_target_group", "was not given with -e"),
    ("an empty one", ["masters"], FILE, "", ["etcd_target"], "no_target_group", "etcd_target is empty."),
    ("a slip", [], LIST, None, ["etcd_traget"], "unknown_option", "There is no variable etcd_traget."),
    ("another slip", [], LIST, "cp1", ["etcd_target", "etcd-targets"], "unknown_option", "no variable etcd-targets."),
]


@pytest.mark.parametrize(("names", "sources", "asked", "extra", "code", "part"), table(REFUSED))
def test_nobody_is_meant(
    names: list[str], sources: list[str], asked: str | None, extra: list[str], code: str, part: str
) -> None:
    found = find_targets(groups(names), sources, asked, extra=extra)
    (refused,) = found.refusals
    assert (found.pattern, refused.code) == (NOBODY, code)
    assert part in refused.text
    assert "-e etcd_target=GROUP" in refused.text or "leave it out" in refused.text


def test_a_variable_called_target_does_not_matter() -> None:
    assert find_targets(groups(["masters"]), FILE, None, extra=["target"]).pattern == "masters"
