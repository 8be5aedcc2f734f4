# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tool as it lies on a node, run by the plain Python of this machine, and what etcd's own log says of it."""

from __future__ import annotations

import datetime as dt
import importlib
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import NamedTuple

from integration.support.settings import COMPILED, PATIENCE
from lab.loopback.member import MemberProcess

# So that a few MiB are worth it, too.
SMALL = ("--min-free-mib=4", "--full-gain-mib=4")


class Said(NamedTuple):
    """The tool's exit code, and what it printed."""

    code: int
    out: str


class Tool:
    """One node's tool: a copy of the one file, with all its directories below the node's."""

    def __init__(self, node: MemberProcess, archive: bytes) -> None:
        self.node = node
        self.path = node.directory / "usr/local/sbin/etcd-maintenance"
        self.state = node.directory / "var/lib/etcd-maintenance"
        self.lock = node.directory / "run/etcd-maintenance.lock"
        self.textfiles = node.directory / "var/lib/textfiles"
        for directory in (self.path.parent, self.textfiles):
            directory.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(archive)

    def command(self, verb: str, *arguments: str) -> list[str]:
        """The words of a command line that starts it."""
        places = [f"--manifest={self.node.manifest}", f"--lock={self.lock}", f"--state-dir={self.state}"]
        if verb in ("run", "watch"):
            places.append(f"--textfile-dir={self.textfiles}")
        return [sys.executable, "-s", str(self.path), verb, *places, *arguments]

    def start(self, verb: str, *arguments: str) -> subprocess.Popen[str]:
        """Start it, and do not wait."""
        return subprocess.Popen(
            self.command(verb, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(COMPILED)},
        )

    def __call__(self, verb: str, *arguments: str) -> Said:
        """Run it until it exits."""
        return exited(self.start(verb, *arguments))

    def metrics(self) -> dict[str, float]:
        """What the text file says, by name and labels."""
        lines = (self.textfiles / "etcd_maintenance.prom").read_text("utf-8").splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name.removeprefix("etcd_maintenance_"): float(value) for name, _blank, value in samples}

    def pass_time(self, seconds: float) -> None:
        """Let all that it remembers be older by so much."""
        path = self.state / "state.json"
        body = json.loads(path.read_text("utf-8"))
        body["led_since"] = body["led_since"] and body["led_since"] - seconds
        for name in ("heals", "alarms"):
            body[name] = [moment - seconds for moment in body[name]]
        path.write_text(json.dumps(body), "utf-8")


def exited(process: subprocess.Popen[str]) -> Said:
    out, _err = process.communicate(timeout=PATIENCE)
    return Said(process.returncode, out)


def archive(interpreter: str = sys.executable) -> bytes:
    """The tool as the module would install it."""
    name = "ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install.zipapp"
    return bytes(importlib.import_module(name).build(interpreter))


class Defragmentation(NamedTuple):
    """One of them, as the member's own log tells it."""

    start: dt.datetime
    end: dt.datetime
    member: str


def defragmentations(nodes: Iterable[MemberProcess]) -> list[Defragmentation]:
    """All of them, in order. The start is when the member was asked, the end when its file was in place."""
    found = []
    for node in nodes:
        begun: list[dt.datetime] = []
        for line in node.log.read_text("utf-8", "replace").splitlines():
            match = re.search(r'"ts":"([^"]+)".*"msg":"(starting defragment|finished defragment)"', line)
            if not match:
                continue
            moment = dt.datetime.fromisoformat(match[1])
            if match[2].startswith("starting"):
                begun.append(moment)
            else:
                found.append(Defragmentation(begun.pop(0), moment, node.name))
        # One that was never finished would overlap with whatever comes later.
        found += [Defragmentation(start, dt.datetime.max.replace(tzinfo=dt.UTC), node.name) for start in begun]
    return sorted(found)


def overlaps(found: list[Defragmentation]) -> list[tuple[Defragmentation, Defragmentation]]:
    """Those that went on at the same time."""
    return [(one, other) for one, other in itertools.combinations(found, 2) if other.start < one.end]
