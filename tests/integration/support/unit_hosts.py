# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which systemd seems to run several members of the lab. See ``units/sitecustomize.py``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from lab import programs
from lab.loopback import manifest
from lab.loopback.member import MemberProcess

_STAND_IN = Path(__file__).parent / "units"


def python_with_units(directory: Path, units: Mapping[str, MemberProcess]) -> Path:
    """The interpreter of a host with these units, each of which runs a member that has been started."""
    directory.mkdir(parents=True)
    for name, node in units.items():
        (directory / name).write_text(_shown(name, node), "utf-8")
        group = f"0::/system.slice/{name}\n" if node.running else ""
        (directory / f"cgroup.{node.pid}").write_text(group, "ascii")
    python = directory / "python"
    python.write_text(f'#!/bin/sh\nLAB_UNITS={directory} PYTHONPATH={_STAND_IN} exec {sys.executable} "$@"\n', "ascii")
    python.chmod(0o755)
    return python


def _shown(name: str, node: MemberProcess) -> str:
    """What systemctl shows of the unit."""
    program = programs.etcd(node.version) / "etcd"
    words = " ".join([str(program), *manifest.read_container(node.manifest).command[1:]])
    return (
        f"Type=notify\nRestart=always\nMainPID={node.pid}\n"
        f"ExecStart={{ path={program} ; argv[]={words} ; ignore_errors=no ; pid={node.pid} }}\n"
        f"Id={name}\nLoadState=loaded\nActiveState=active\nNRestarts=0\nResult=success\n"
        f"FragmentPath=/etc/systemd/system/{name}\nNeedDaemonReload=no\nUnitFileState=enabled\n"
    )
