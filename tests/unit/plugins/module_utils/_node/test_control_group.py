# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which unit, and in which container, a process is."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.control_group import (
    container_of,
    group_of,
    is_container,
    units_of,
)

NUMBER = "0123456789abcdef" * 4
GROUPS: list[tuple[str, str, str, list[str], bool]] = [
    ("a unit", "0::/system.slice/etcd.service\n", "/system.slice/etcd.service", ["etcd.service"], False),
    ("of systemd's own hierarchy", "3:cpu:/x\n1:name=systemd:/a.service\n", "/a.service", ["a.service"], False),
    (
        "nested",
        "0::/system.slice/docker.service/system.slice/etcd.service",
        "/system.slice/docker.service/system.slice/etcd.service",
        ["docker.service", "etcd.service"],
        False,
    ),
    ("Docker", f"0::/system.slice/docker-{NUMBER}.scope", f"/system.slice/docker-{NUMBER}.scope", [], True),
    ("a pod", "0::/kubepods.slice/cri-containerd-x.scope", "/kubepods.slice/cri-containerd-x.scope", [], False),
    ("nothing", "", "", [], False),
]


@pytest.mark.parametrize(("text", "group", "units", "container"), table(GROUPS))
def test_group(text: str, group: str, units: list[str], container: bool) -> None:
    assert (group_of(text), units_of(text), is_container(text)) == (group, units, container)


def test_container() -> None:
    found = container_of(f"0::/system.slice/docker-{NUMBER}.scope")
    assert found
    assert found.groups()[:2] == ("docker", NUMBER[:12])
