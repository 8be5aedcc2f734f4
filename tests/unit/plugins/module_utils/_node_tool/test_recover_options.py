# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a recovery from one node."""

from __future__ import annotations

import yaml
from unit.architecture.sources import ROOT

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.recover_options import Options


def test_the_defaults_are_those_of_the_role() -> None:
    role, usual = yaml.safe_load((ROOT / "roles/recover/defaults/main.yml").read_text("utf-8")), Options()
    names = ("snapshot", "snapshot_dir", "snapshot_keep", "hold", "kubelet_unit", "wait_timeout", "settle_seconds")
    assert {name: getattr(usual, name) for name in names} == {name: role[f"recover_{name}"] for name in names}
