# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Keep-alive of SSH connections: without it, ssh waits for hours for a node that has lost its power or its network.

It is added for Ansible's own ssh connections where the user has set none, neither in Ansible nor in ssh's own
configuration.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import typing as t

ARGUMENTS = "-o ServerAliveInterval=15 -o ServerAliveCountMax=4"  # a minute: a switch that restarts takes less

_NAMES = ("ssh", "ansible.builtin.ssh", "ansible.legacy.ssh")
_OPTIONS = ("ssh_args", "ssh_common_args", "ssh_extra_args")
_ASK_SECONDS = 5.0


class Connection(t.Protocol):
    """What is used of a connection plugin."""

    _load_name: str

    def get_option(self, option: str) -> t.Any:
        """The value of an option."""

    def set_option(self, option: str, value: t.Any) -> None:
        """Set an option."""


def is_wanted(arguments: t.Iterable[str], configuration: str) -> bool:
    """Whether the user has set none, neither in the arguments that Ansible gives to ssh, nor in ssh's configuration as
    it says itself (`ssh -G`), where 0 is none."""
    set_here = any("serveraliveinterval" in each.lower() for each in arguments)
    found = re.search(r"^serveraliveinterval (\d+)$", configuration, re.MULTILINE)
    return not set_here and (found is None or int(found[1]) == 0)


def control_path(host: str, port: str, user: str) -> str:
    """The path of a shared connection that is not the one of other tasks: that may have been opened without keep-alive,
    and keeps what it was opened with."""
    name = hashlib.sha256(f"{host}-{port}-{user}-keep-alive".encode()).hexdigest()[:10]  # as short as Ansible's own
    return f"%(directory)s/{name}"


def keep_alive(connection: Connection, ask: t.Callable[[t.Sequence[str]], str]) -> None:
    """Have ssh end the connection when the node is silent for a minute, unless the user decided otherwise. `ask` runs a
    program and returns what it prints."""
    if connection._load_name not in _NAMES:
        return
    given = [str(connection.get_option(name) or "") for name in _OPTIONS]
    host = str(connection.get_option("host") or "")
    argv = [str(connection.get_option("ssh_executable")), *(word for each in given for word in shlex.split(each))]
    if not host or not is_wanted(given, ask([*argv, "-G", host])):
        return
    connection.set_option("ssh_common_args", f"{connection.get_option('ssh_common_args') or ''} {ARGUMENTS}".strip())
    if not connection.get_option("control_path"):
        port, user = (str(connection.get_option(name) or "") for name in ("port", "remote_user"))
        connection.set_option("control_path", control_path(host, port, user))


def output_of(argv: t.Sequence[str]) -> str:
    """What a program prints, empty if it does not answer."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


__all__ = ("ARGUMENTS", "control_path", "is_wanted", "keep_alive", "output_of")
