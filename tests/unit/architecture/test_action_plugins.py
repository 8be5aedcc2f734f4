# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One action plugin is in front of every module, without a copy for each."""

from __future__ import annotations

from typing import Any

from unit.architecture.sources import MODULES, SOURCES, load


def test_every_module_is_routed_to_an_action_plugin() -> None:
    runtime: Any = load("meta/runtime.yml")
    routing = runtime["plugin_routing"]["modules"]
    plugins = {name.partition("/")[2] for name in SOURCES if name.startswith("action/")}
    routed = {name: entry["action_plugin"].rpartition(".")[2] for name, entry in routing.items()}
    assert set(routed) == {name.partition("/")[2] for name in MODULES}, "see plugin_routing in meta/runtime.yml"
    assert set(routed.values()) == plugins
