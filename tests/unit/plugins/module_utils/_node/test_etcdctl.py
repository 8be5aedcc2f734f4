# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which etcdctl is run on a node, and what it is given."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._node import container, etcdctl, process

MANIFEST: Any = object()
NONE = CommandResult(127, "", "No such file")


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    found = []
    for name in ("ca.crt", "client.crt", "client.key"):
        (tmp_path / name).write_text(f"the {name}", "utf-8")
        found.append(str(tmp_path / name))
    return TlsFiles(*found)


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for copies; an etcd runs, and there is no etcdctl on the node itself."""
    path = tmp_path / "run"
    path.mkdir()
    monkeypatch.setattr(etcdctl, "_PRIVATE", str(path))
    monkeypatch.setattr(process, "find", lambda manifest: 4711)
    monkeypatch.setattr(container, "path_beside", lambda _pid, name: f"/usr/local/bin/{name}")
    monkeypatch.setattr(command, "installed", lambda _name: None)
    return path


class Inside:
    """Programs of a container; ``asked`` are their command lines."""

    def __init__(self, outcome: CommandResult) -> None:
        self.asked: list[list[str]] = []
        self._outcome = outcome

    def __call__(self, pid: int, argv: Sequence[str], room: str, timeout: float, stdin: str) -> CommandResult:
        assert (pid, timeout, stdin) == (4711, 5.0, "input")
        self.asked.append(list(argv))
        above = Path(room).parent.stat()
        assert (above.st_uid, stat.S_IMODE(above.st_mode)) == (os.geteuid(), 0o700)
        for each in (Path(room), *Path(room).iterdir()):
            status = each.stat()
            assert (status.st_uid, stat.S_IMODE(status.st_mode) & 0o077) == (container.user(), 0)
        self.seen = {each.name: each.read_text("utf-8") for each in Path(room).iterdir()}
        return self._outcome


def run(inside: Inside, tls: TlsFiles | None) -> CommandResult:
    return etcdctl.Etcdctl(MANIFEST, tls, run_inside=inside)(["alarm", "list"], "input", 5.0)


def test_the_one_beside_etcd(tls: TlsFiles, private: Path) -> None:
    inside = Inside(CommandResult(1, "out", "Error"))
    assert run(inside, tls) == CommandResult(1, "out", "Error")
    files = ["--cacert", "cacert", "--cert", "cert", "--key", "key"]
    assert inside.asked == [["/usr/local/bin/etcdctl", *files, "alarm", "list"]]
    assert inside.seen == {"cacert": "the ca.crt", "cert": "the client.crt", "key": "the client.key"}
    assert os.listdir(private) == []


def test_without_tls_it_gets_no_files() -> None:
    inside = Inside(CommandResult(0, "{}"))
    assert run(inside, None).code == 0
    assert (inside.asked, inside.seen) == ([["/usr/local/bin/etcdctl", "alarm", "list"]], {})


def test_else_that_of_the_node(tls: TlsFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "etcdctl"
    program.write_text('#!/bin/sh\necho "$ETCDCTL_API $*"; cat\n', "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(command, "installed", lambda _name: str(program))
    said = f"3 --cacert {tls.ca_cert} --cert {tls.client_cert} --key {tls.client_key} alarm list\ninput"
    assert run(Inside(NONE), tls) == CommandResult(0, said)
    monkeypatch.setattr(process, "find", lambda manifest: None)
    assert etcdctl.Etcdctl(MANIFEST, tls)(["alarm", "list"], "input", 5.0).out == said
    assert etcdctl.Etcdctl(None, tls)(["alarm", "list"], "input", 5.0).out == said


def test_none_at_all(tls: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(Inside(NONE), tls)
    assert (found.code, found.err) == (127, "none beside its etcd (No such file); none is in PATH")
    monkeypatch.setattr(container, "path_beside", lambda _pid, _name: None)
    assert run(Inside(NONE), tls).err == "no etcd of a manifest runs on this node; none is in PATH"
    monkeypatch.setattr(command, "installed", lambda _name: "/nowhere/etcdctl")
    assert "; /nowhere/etcdctl: " in run(Inside(NONE), tls).err


def test_a_key_that_is_not_there(tls: TlsFiles, private: Path) -> None:
    os.unlink(tls.client_key)
    inside = Inside(CommandResult(0, ""))
    assert tls.client_key in run(inside, tls).err
    assert (inside.asked, os.listdir(private)) == ([], [])
