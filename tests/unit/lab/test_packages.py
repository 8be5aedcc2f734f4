# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages are installed without starting services, and nothing of the way stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import packages
from lab.errors import CommandFailedError


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Debian's packages ask whether a service may be started."""
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "_POLICY", path)
    return path


def _answer(policy: Path) -> int:
    return subprocess.run([policy, "docker", "start"], check=False).returncode


@pytest.mark.parametrize("fails", [False, True], ids=["apt installs", "apt fails"])
def test_no_service_is_started_by_what_is_installed(policy: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    answers = []

    def run(*command: str, env: dict[str, str]) -> None:
        assert env == {"DEBIAN_FRONTEND": "noninteractive"}
        if "install" in command:
            answers.append(_answer(policy))
            if fails:
                raise CommandFailedError("no")

    monkeypatch.setattr(packages, "run", run)
    try:
        packages.install("docker.io")
    except CommandFailedError:
        assert fails
    assert answers == [101]
    assert not policy.exists()


def test_a_policy_of_the_administrator_stays(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o755)
    monkeypatch.setattr(packages, "run", lambda *_command, env: None)
    packages.install("docker.io")
    assert _answer(policy) == 104


def test_a_policy_that_a_killed_run_left_forbids_nothing_and_is_replaced(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with monkeypatch.context() as context:
        context.setattr(packages.os, "getpid", lambda: ended.pid)
        context.setattr(Path, "unlink", lambda _path, missing_ok: None)
        context.setattr(packages, "run", lambda *_command, env: None)
        packages.install("docker.io")
    assert _answer(policy) == 0
    monkeypatch.setattr(packages, "run", lambda *_command, env: None)
    packages.install("docker.io")
    assert not policy.exists()
