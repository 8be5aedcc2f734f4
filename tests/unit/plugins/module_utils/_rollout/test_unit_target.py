# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff shows of an environment file."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_edit import UnitEdit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_target import UnitTarget

TARGET = UnitTarget(UnitEdit("/etc/etcd.env", "", "", {}, {}, MemberSettings("", "", {}, {}, ())), {}, "", True)


def test_variables_that_are_not_etcds_are_masked() -> None:
    text = "# etcd\nETCD_NAME=a\nETCDCTL_USER=root:secret\nDAEMON_ARGS=--a\n\n"
    assert TARGET.shown(text) == "# etcd\nETCD_NAME=a\nETCDCTL_USER=...\nDAEMON_ARGS=--a\n\n"


def test_other_files_are_shown_whole() -> None:
    assert TARGET.shown("name: a\n") == "name: a\n"


def test_of_a_server_its_list_alone_is_shown() -> None:
    found = replace(TARGET, of_server=True)
    assert found.shown("token: secret\netcd-arg: [max-wals=5]\n") == "etcd-arg: [max-wals=5]\n"
