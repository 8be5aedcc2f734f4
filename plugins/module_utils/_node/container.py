# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Programs of the container that a process runs in, without the runtime.

Whoever owns a container may have put anything in the place of a program: a link to one of the host's, or a program of
their own. So it is looked up in the container's root directory, and runs in there as a user that owns nothing on the
node and cannot become another one. Of the host it sees the directory that it starts in, by relative paths.
"""

from __future__ import annotations

import ctypes
import os
import typing as t
from contextlib import suppress

from .._core import command, files
from .._core.command import NOT_STARTED, CommandResult

# No user has it: it is above what adduser and systemd give away, and below what the kernel keeps.
USER = 2147450000
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS of linux/prctl.h: no program gets another user or capabilities by it
ENVIRONMENT = {"ETCDCTL_API": "3"}  # which etcd 3.4's etcdctl needs


def user() -> int:
    """The user that programs run as: who is not root has nothing to give up."""
    return os.geteuid() or USER


def run(pid: int, argv: t.Sequence[str], directory: str, timeout: float, stdin: str = "") -> CommandResult:
    """Run a program in the root directory of a process and in a directory of this node, which belongs to `user`. Above
    that must be one that only root may enter. Exit code 127 if the program cannot be started."""
    root = f"/proc/{pid}/root"
    try:
        if os.geteuid():
            reached = [root + argv[0], *argv[1:]]
            return command.execute(reached, timeout=timeout, env=ENVIRONMENT, stdin=stdin, directory=directory)
        prepare = _confined(root, argv)
        return command.execute(argv, timeout=timeout, stdin=stdin, directory=directory, prepare=prepare)
    except OSError as exc:
        return CommandResult(NOT_STARTED, str(exc))


def _confined(root: str, argv: t.Sequence[str]) -> t.Callable[[], None]:
    """What makes a new process of root's the program, and nothing more than that."""
    prctl = ctypes.CDLL(None).prctl

    def become() -> None:
        try:
            _keep_to_ourselves()
            os.chroot(root)
            program = files.descriptor_of(argv[0])  # as root: directories above it may be root's alone
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)  # which takes all capabilities as well
            if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
                os.execve(program, list(argv), ENVIRONMENT)
        except OSError as exc:
            os.write(2, str(exc).encode())
        os._exit(NOT_STARTED)

    return become


def _keep_to_ourselves() -> None:
    """Let no program inherit what this process has open, but for its input and outputs."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # the one of that list is closed by now
            os.set_inheritable(descriptor, descriptor <= 2)  # standard error


def path_beside(pid: int, name: str, proc: str = "/proc") -> str | None:
    """The path in its container of a program beside the one that a process runs; None if the process is gone."""
    try:
        return os.path.join(os.path.dirname(os.readlink(os.path.join(proc, str(pid), "exe"))), name)
    except OSError:
        return None


__all__ = ("ENVIRONMENT", "USER", "path_beside", "run", "user")
