# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go one way: the picture of docs/design.md, as a test."""

from __future__ import annotations

import sys

import pytest
from unit.architecture.sources import SOURCES, imports, packages_of

# What each layer may import, itself aside. A file that is a layer of its own stands with its whole name.
CORE, ETCD, NODE = "module_utils/_core", "module_utils/_etcd", "module_utils/_node"
KUBEADM, SNAPSHOT, TOOL = "module_utils/_kubeadm", "module_utils/_snapshot", "module_utils/_node_tool"
MODULE, MEMBER_MODULE = "module_utils/_module", "module_utils/_member_module"
INSTALL, ROLLOUT = "module_utils/_node_tool_install", "module_utils/_rollout"
ACTION, FLEET, PROGRESS = "plugin_utils/_module_action", "plugin_utils/_fleet", "plugin_utils/_progress"
# PyYAML is on the controller alone.
TEXT, TWO_CALLS = "plugin_utils/_kubeadm_text", "plugin_utils/_two_call_action"
KEEP_ALIVE, BUILD_AHEAD = "plugin_utils/_ssh_keep_alive", "plugin_utils/_build_ahead"
# So is Jinja2.
REPORT, FILE = "plugin_utils/_report", "plugin_utils/_controller_file"
ALLOWED: dict[str, set[str]] = {
    CORE: set(),
    ETCD: {CORE},
    NODE: {CORE, ETCD},
    KUBEADM: {CORE, ETCD, NODE},
    SNAPSHOT: {CORE, ETCD, NODE},
    TOOL: {CORE, ETCD, NODE, SNAPSHOT},
    MODULE: {CORE, ETCD},
    MEMBER_MODULE: {CORE, ETCD, NODE, MODULE},
    INSTALL: {CORE, ETCD, NODE, SNAPSHOT, TOOL},
    ROLLOUT: {CORE, ETCD, NODE, KUBEADM},
    "modules": {CORE, ETCD, NODE, KUBEADM, SNAPSHOT, TOOL, MODULE, MEMBER_MODULE, INSTALL, ROLLOUT},
    # What a flag of etcd means is known beside kubeadm's configuration.
    FLEET: {CORE, ETCD, NODE, KUBEADM},
    PROGRESS: {CORE},
    REPORT: {CORE},
    "filter": {CORE, FLEET},
    "callback": {PROGRESS},
    FILE: {CORE},
    "lookup": {CORE, FLEET, REPORT, FILE},
    KEEP_ALIVE: set(),
    BUILD_AHEAD: set(),
    ACTION: {CORE, KEEP_ALIVE, BUILD_AHEAD},
    TEXT: {CORE, NODE, KUBEADM},
    TWO_CALLS: {CORE, KUBEADM, ACTION, TEXT},
    "action": {CORE, ACTION, TEXT, TWO_CALLS},
    "doc_fragments": set(),
}


def layer_of(name: str) -> str:
    return name if name in ALLOWED else name.rpartition("/")[0]


@pytest.mark.parametrize("name", SOURCES)
def test_imports_only_from_below(name: str) -> None:
    layer = layer_of(name)
    assert layer in ALLOWED, f"{name} belongs to no layer"
    against = {other for other in imports(name) if layer_of(other) not in {layer, *ALLOWED[layer]}}
    assert not against, f"{name} imports against the layers"


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith(("module_utils/", "modules/"))])
def test_nodes_need_nothing_but_python(name: str) -> None:
    """Ansible brings `ansible.module_utils`, and whatever else is imported is on every node. Only gRPC, for members
    whose gateway is off, needs what has to be installed."""
    packages = {each for each in packages_of(name) if each not in sys.stdlib_module_names}
    optional = {"etcd3", "google", "grpc"} if name == "module_utils/_etcd/grpc_transport" else set()
    assert packages <= {"ansible", *optional}


def test_no_circle() -> None:
    """Also none within a layer."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in done:
            for other in sorted(imports(name)):
                visit(other, (*path, name))
            done.add(name)

    for name in SOURCES:
        visit(name, ())
