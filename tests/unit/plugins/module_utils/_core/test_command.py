# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult

PYTHON = sys.executable

RUNS: list[tuple[str, list[str], float, CommandResult]] = [
    (
        "both outputs",
        [PYTHON, "-c", "import os; os.write(1, b'a\\n'); os.write(2, b'b\\n')"],
        20,
        CommandResult(0, "a\nb"),
    ),
    ("exit code", [PYTHON, "-c", "raise SystemExit(3)"], 20, CommandResult(3, "")),
    ("no text", [PYTHON, "-c", r"import os; os.write(1, b'\xff')"], 20, CommandResult(0, "\ufffd")),
    ("no input", [PYTHON, "-c", "print(repr(input()))"], 20, CommandResult(1, "EOFError")),
    ("time is over", [PYTHON, "-c", "import time; time.sleep(60)"], 0.2, CommandResult(None, "timed out after 0 s")),
    ("no such program", ["/nowhere/etcdctl"], 20, CommandResult(127, "No such file or directory")),
]


@pytest.mark.parametrize(("argv", "timeout", "expected"), table(RUNS))
def test_run(argv: list[str], timeout: float, expected: CommandResult) -> None:
    found = command.run(argv, timeout)
    assert found.code == expected.code
    assert expected.output in found.output


def test_execute() -> None:
    code = "import os, sys; print(sys.stdin.read(), os.environ['A']); sys.exit('no')"
    assert command.execute([PYTHON, "-c", code], timeout=20, env={"A": "b"}, stdin="ä") == (1, "ä b\n", "no\n")
    assert command.execute([PYTHON, "-c", "input('?')"], timeout=20).code == 1
    with pytest.raises(FileNotFoundError):
        command.execute(["/nowhere/kubectl"], timeout=20)


def test_execute_prepared(tmp_path: Path) -> None:
    """What is prepared is done in the new process alone, and where that begins."""

    def prepare() -> None:
        (Path.cwd() / "prepared").touch()
        os.umask(0o123)

    code = "import os; print(os.getcwd(), os.umask(0))"
    before = Path.cwd()
    found = command.execute([PYTHON, "-c", code], timeout=20, directory=str(tmp_path), prepare=prepare)
    assert found.out == f"{tmp_path} {0o123}\n"
    assert (tmp_path / "prepared").exists()
    assert before == Path.cwd()


def test_execute_that_cannot_be_prepared(tmp_path: Path) -> None:
    def fail() -> None:
        raise PermissionError(1, "Operation not permitted")

    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n", "utf-8")
    program.chmod(0o755)
    with pytest.raises(OSError, match=f"{program} was not started"):
        command.execute([str(program)], timeout=20, prepare=fail)
    assert not (tmp_path / "started").exists()


def test_run_keeps_our_environment_to_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """ETCDCTL_ variables would contradict the flags."""
    monkeypatch.setenv("ETCDCTL_ENDPOINTS", "http://elsewhere")
    found = command.run([PYTHON, "-c", "import os; print(sorted(os.environ))"], 20)
    assert "ETCDCTL_ENDPOINTS" not in found.output
    assert os.environ["ETCDCTL_ENDPOINTS"]


def test_output() -> None:
    assert CommandResult(0, " a \n", "b\n").output == "a\nb"
    assert CommandResult(0, "", "b").output == "b"
    assert CommandResult(0, "\n").output == ""


def test_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "etcdctl-of-the-tests"
    program.touch(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    assert command.installed(program.name) is None
    assert command.installed(str(program)) == str(program)
    monkeypatch.setattr(command, "_DIRECTORIES", (str(tmp_path),))  # where sudo does not lead
    assert command.installed(program.name) == str(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.installed(program.name) == str(program)
