# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine and its nodes change on their host, and that nothing of it stays."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from lab.docker import host_settings
from lab.docker.host_settings import HostSettings, without_dockers
from lab.errors import CommandFailedError, DockerError, LabError

BEFORE = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:8]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
COMMIT
"""
DOCKERS = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [1:2]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o br-0123456789ab -j DOCKER
-A DOCKER-USER -j RETURN
COMMIT
"""
CLEANED = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:8]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param("", "", "", id="no rules at all"),
        pytest.param(BEFORE, DOCKERS, CLEANED, id="Docker's go, the policy comes back, what somebody else added stays"),
        pytest.param("", DOCKERS, CLEANED.replace("[7:8]", "[1:2]"), id="nothing was there before"),
        pytest.param(DOCKERS, DOCKERS, DOCKERS, id="what was Docker's before stays"),
    ],
)
def test_what_docker_added_to_the_firewall_is_taken_out_again(before: str, now: str, expected: str) -> None:
    assert without_dockers(before, now) == expected


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


def test_all_is_restored_that_can_be_and_all_is_said_that_cannot(
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
