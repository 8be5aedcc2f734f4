# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests change on the machine they run on, and that nothing of it stays."""

from __future__ import annotations

import errno
import json
import subprocess
from pathlib import Path

import pytest

from lab import packages
from lab.docker import host_settings
from lab.docker.host_settings import HostSettings
from lab.errors import CommandFailedError, DockerError, LabError
from tools import working_tree


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


@pytest.mark.parametrize(
    ("user", "programs", "expected"),
    [
        pytest.param(0, {"git"}, None, id="it is there"),
        pytest.param(0, {"apt-get"}, ("git",), id="root with apt-get installs it"),
        pytest.param(0, set(), "install it", id="root without apt-get is told"),
        pytest.param(1000, {"apt-get"}, "install it", id="somebody else is told"),
    ],
)
def test_git_is_had_or_asked_for(
    monkeypatch: pytest.MonkeyPatch, user: int, programs: set[str], expected: object
) -> None:
    asked = []
    monkeypatch.setattr(working_tree, "install", lambda *names: asked.append(names))
    monkeypatch.setattr(working_tree.os, "geteuid", lambda: user)
    monkeypatch.setattr(working_tree.shutil, "which", lambda name: name if name in programs else None)
    if isinstance(expected, str):
        with pytest.raises(SystemExit, match=expected):
            working_tree._have_git()
    else:
        working_tree._have_git()
    assert asked == ([expected] if isinstance(expected, tuple) else [])


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a kernel, without those of a module that is not loaded, and without firewalls."""
    for name in host_settings._SETTINGS:
        if "bridge" not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("0\n")
    monkeypatch.setattr(host_settings, "_SYSCTLS", tmp_path)
    monkeypatch.setattr(host_settings, "_FIREWALLS", ())
    monkeypatch.setattr(host_settings, "_bridges", list)
    monkeypatch.setattr(host_settings, "_cgroups", list)
    return tmp_path


def test_what_a_loaded_module_brought_is_switched_off_again(settings: Path) -> None:
    before = HostSettings.from_json(json.loads(json.dumps(HostSettings.measure().as_json())))
    assert before
    bridge = settings / "net/bridge/bridge-nf-call-iptables"
    bridge.parent.mkdir(parents=True)
    bridge.write_text("1\n")
    before.restore()
    assert bridge.read_text() == "0"
    assert not bridge.with_name("bridge-nf-call-ip6tables").exists()


def test_all_is_put_back_that_can_be_and_all_is_said_that_cannot(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = HostSettings.measure()
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        (settings / name).write_text("1\n")
    monkeypatch.setattr(host_settings, "_bridges", lambda: ["docker0", "br-0123456789ab"])

    def refuse(*command: str) -> None:
        raise CommandFailedError(f"{command[-1]} is busy")

    monkeypatch.setattr(host_settings, "run", refuse)
    with pytest.raises(LabError, match="docker0 is busy\nbr-0123456789ab is busy"):
        before.restore()
    assert HostSettings.measure().settings == before.settings


@pytest.fixture
def limit(settings: Path) -> Path:
    """How many watchers of files a user may have, as most hosts have it."""
    path = settings / "fs/inotify/max_user_instances"
    path.parent.mkdir(parents=True)
    path.write_text("128\n")
    return path


def test_nodes_get_room_for_their_watchers_until_they_are_gone(limit: Path, tmp_path: Path) -> None:
    kept = tmp_path / "watchers"
    for _engine in range(2):
        host_settings.make_room(kept)
        assert limit.read_text() == "512"
    host_settings.give_room_back(kept)
    assert limit.read_text() == "128"
    host_settings.give_room_back(kept)
    assert limit.read_text() == "128"


def test_a_limit_that_somebody_else_has_set_meanwhile_stays(limit: Path, tmp_path: Path) -> None:
    kept = tmp_path / "watchers"
    host_settings.make_room(kept)
    limit.write_text("8192\n")
    host_settings.give_room_back(kept)
    assert limit.read_text() == "8192\n"
    host_settings.make_room(kept)
    assert limit.read_text() == "8192\n"
    assert not kept.exists()


def test_who_may_not_make_room_is_told_what_to_do(limit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str, _value: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(host_settings, "_set", refuse)
    with pytest.raises(
        DockerError, match=r"allows 128 .*Permission denied.*sysctl fs\.inotify\.max_user_instances=512"
    ):
        host_settings.make_room(tmp_path / "watchers")
    assert not (tmp_path / "watchers").exists()
