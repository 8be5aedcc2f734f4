# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff shows of the files of a unit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_edit import (
    ARGUMENTS,
    COMMAND,
    CONFIG_FILE,
    DROP_IN,
    ENVIRONMENT_FILE,
    UnitEdit,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_target import UnitTarget


def target(kind: str) -> UnitTarget:
    edit = UnitEdit("/etc/etcd.env", "", "", {}, {}, MemberSettings("", "", {}, {}, ()), kind=kind)
    return UnitTarget(edit, {}, "", True)


@pytest.mark.parametrize("kind", [ENVIRONMENT_FILE, ARGUMENTS])
def test_variables_that_are_not_etcds_are_masked(kind: str) -> None:
    text = "# etcd\nETCD_NAME=a\nETCDCTL_USER=root:secret\nDAEMON_ARGS=--a\n\n"
    assert target(kind).shown(text) == "# etcd\nETCD_NAME=a\nETCDCTL_USER=...\nDAEMON_ARGS=--a\n\n"
    assert (
        target(kind).shown("DAEMON_ARGS=--a\nHTTPS_PROXY=http://a:secret@b\n") == "DAEMON_ARGS=--a\nHTTPS_PROXY=...\n"
    )


ASSIGNMENTS: list[tuple[str, str]] = [
    ("Environment=ETCD_NAME=a 'ETCD_LOG_LEVEL=b c'\n", "Environment=ETCD_NAME=a 'ETCD_LOG_LEVEL=b c'\n"),
    ("Environment=HTTPS_PROXY=http://a:secret@b\n", "Environment=...\n"),
    ('Environment=ETCD_NAME=a "TOKEN=secret"\n', "Environment=...\n"),
    ("Environment=ETCD_NAME=a \\\n  TOKEN=secret\nUser=etcd", "Environment=...\nUser=etcd"),
    ("Environment=ETCD_NAME=a \\\n  ETCD_LOG_LEVEL=b", "Environment=ETCD_NAME=a \\\n  ETCD_LOG_LEVEL=b"),
    ("ExecStart=/usr/bin/etcd --name=a", "ExecStart=/usr/bin/etcd --name=a"),
]


@pytest.mark.parametrize(("text", "shown"), ASSIGNMENTS)
@pytest.mark.parametrize("kind", [DROP_IN, COMMAND])
def test_a_units_own_variables_that_are_not_etcds_are_masked(kind: str, text: str, shown: str) -> None:
    assert target(kind).shown(f"[Service]\n{text}") == f"[Service]\n{shown}"


def test_other_files_are_shown_whole() -> None:
    assert target(CONFIG_FILE).shown("name: a\n") == "name: a\n"


def test_of_a_server_its_list_alone_is_shown() -> None:
    found = replace(target(""), of_server=True)
    assert found.shown("token: secret\netcd-arg: [max-wals=5]\n") == "etcd-arg: [max-wals=5]\n"
