# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that cannot outlive the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

_PR_SET_PDEATHSIG = 1
# Resolved before any fork: between fork and exec as little as possible may happen in a program with threads.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class Process:
    """A started program; only its own pid is ever signalled."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        """Start ``command`` with exactly ``env``; its output is appended to ``log``.

        Must be called in the main thread: the kernel's parent-death signal is sent when the *thread* exits that forked.
        """
        if threading.current_thread() is not threading.main_thread():
            raise LabError("etcd can only be started from the main thread, else it would exit with the thread")
        parent = os.getpid()

        def die_with_parent() -> None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                # Its own process group: Ctrl-C in a terminal reaches the lab, which then stops its members in order.
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self._frozen = False

    @property
    def pid(self) -> int:
        """The process id, also after it has exited."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not exited; a frozen process is running."""
        return self._process.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether it is stopped by ``freeze``."""
        return self._frozen and self.running

    @property
    def exit_code(self) -> int | None:
        """The exit code once it has exited, negative for a signal's number."""
        return self._process.poll()

    def freeze(self) -> None:
        """Stop it where it stands (SIGSTOP) and wait until the kernel says so."""
        if self.running and not self._frozen:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            self._frozen = True

    def thaw(self) -> None:
        """Let a frozen process go on."""
        if self._frozen:
            self._process.send_signal(signal.SIGCONT)
            self._frozen = False

    def terminate(self) -> None:
        """Send SIGTERM and do not wait."""
        self.thaw()
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait until it exits; kill it if it has not after ``seconds``."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Send SIGKILL and wait until it has exited."""
        self.thaw()
        self._process.kill()
        self._process.wait()
