# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep-alive is added to ssh where the user has set none."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.plugin_utils import _ssh_keep_alive
from ansible_collections.controlplane.etcd.plugins.plugin_utils._ssh_keep_alive import ARGUMENTS

NONE = "user root\nserveraliveinterval 0\nserveralivecountmax 3\n"
WANTED: list[tuple[str, str, str, bool]] = [
    ("none", "-C -o ControlPersist=60s", NONE, True),
    ("in ssh's configuration", "-C", "user root\nserveraliveinterval 30\n", False),
    ("in the arguments", "-o ServerAliveInterval=30", "serveraliveinterval 30\n", False),
    ("in the arguments, which ssh does not tell", "-oserveraliveinterval=30", "", False),
    ("switched off by the user", "-o 'ServerAliveInterval 0'", NONE, False),
    ("an ssh that does not tell", "-C", "unknown option -- G\n", True),
]


@pytest.mark.parametrize(("arguments", "configuration", "wanted"), table(WANTED))
def test_is_wanted(arguments: str, configuration: str, wanted: bool) -> None:
    assert _ssh_keep_alive.is_wanted(["", arguments], configuration) is wanted


class Connection:
    def __init__(self, name: str = "ssh", **options: object) -> None:
        self._load_name = name
        self.options = {"ssh_executable": "ssh", "host": "192.0.2.1", "ssh_args": "-C -o 'User x'", **options}

    def get_option(self, option: str) -> object:
        return self.options.get(option)

    def set_option(self, option: str, value: object) -> None:
        self.options[option] = value


def asked_by(connection: Connection, answer: str = NONE) -> list[list[str]]:
    """The programs that were asked."""
    asked: list[list[str]] = []

    def ask(argv: Sequence[str]) -> str:
        asked.append(list(argv))
        return answer

    _ssh_keep_alive.keep_alive(connection, ask)
    return asked


@pytest.mark.parametrize("name", ["ssh", "ansible.builtin.ssh", "ansible.legacy.ssh"])
def test_it_is_added_to_what_there_is(name: str) -> None:
    connection = Connection(name, ssh_common_args="-F /my/config", ssh_extra_args="-4", port=2222, remote_user="me")
    assert asked_by(connection) == [["ssh", "-C", "-o", "User x", "-F", "/my/config", "-4", "-G", "192.0.2.1"]]
    assert connection.options["ssh_common_args"] == f"-F /my/config {ARGUMENTS}"
    assert connection.options["control_path"] == _ssh_keep_alive.control_path("192.0.2.1", "2222", "me")
    asked_by(connection)
    assert connection.options["ssh_common_args"] == f"-F /my/config {ARGUMENTS}", "once is enough"


def test_own_control_path_is_kept() -> None:
    connection = Connection(control_path="%(directory)s/mine")
    asked_by(connection)
    assert connection.options["ssh_common_args"] == ARGUMENTS
    assert connection.options["control_path"] == "%(directory)s/mine"


@pytest.mark.parametrize(
    ("connection", "answer"),
    [
        (Connection("local"), NONE),
        (Connection("ansible.netcommon.libssh"), NONE),
        (Connection(host=None), NONE),
        (Connection(), "serveraliveinterval 5\n"),
    ],
)
def test_nothing_is_changed(connection: Connection, answer: str) -> None:
    before = dict(connection.options)
    asked_by(connection, answer)
    assert connection.options == before


def test_connections_are_shared_by_host_port_and_user() -> None:
    paths = {
        _ssh_keep_alive.control_path(host, port, user)
        for host, port, user in [("a", "", ""), ("b", "", ""), ("a", "22", ""), ("a", "", "me")]
    }
    assert len(paths) == 4
    assert all(path.startswith("%(directory)s/") and len(path) == len("%(directory)s/") + 10 for path in paths)


def test_output_of() -> None:
    assert _ssh_keep_alive.output_of([sys.executable, "-c", "print('x')"]) == "x\n"
    assert _ssh_keep_alive.output_of(["/missing/ssh", "-G", "x"]) == ""


def test_output_of_what_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ssh_keep_alive, "_ASK_SECONDS", 0.1)
    assert _ssh_keep_alive.output_of([sys.executable, "-c", "import signal; signal.pause()"]) == ""
