# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubelet does for one node of the lab: it runs the real etcd as the manifest says, and restarts it when that
changes.

It is a process of its own, so that modules can be called while it works; its etcd is stopped with it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import programs
from lab.errors import LabError
from lab.loopback import manifest
from lab.loopback.member import START_SECONDS, STOP_SECONDS, MemberProcess
from lab.loopback.process import Process

# What the process list shows of it, and no machine's kubelet is called.
PROGRAM = Path(__file__).name
_POLL_SECONDS = 0.1
_BACK_OFF_SECONDS = 1.0


class Kubelet:
    """Takes over the etcd of a node for as long as it is entered. The node itself then knows nothing of its etcd."""

    def __init__(self, node: MemberProcess) -> None:
        self.node = node
        self._log = node.directory / "var/log/kubelet.log"
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.node.stop()
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = (sys.executable, __file__, str(self.node.manifest), self.node.version, str(self.node.log))
        self._process = Process(command, env, self._log)
        self.await_etcd()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(2 * STOP_SECONDS)

    def freeze(self) -> None:
        """Let it take notice of nothing; etcd goes on."""
        if self._process:
            self._process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        if self._process:
            self._process.thaw()

    def await_etcd(self, *, seconds: float = START_SECONDS) -> None:
        """Return when etcd answers and knows a leader."""
        self.node.await_answer(seconds=seconds)


def _run(path: Path, version: str, log: Path) -> None:
    """Run etcd until this process exits; etcd is started again if it exits by itself or was refused."""
    text: bytes | None = None
    etcd: Process | None = None
    try_at = 0.0
    try:
        while True:
            found = path.read_bytes() if path.exists() else None
            if found != text:
                if etcd:
                    _stop(etcd)
                text, etcd, try_at = found, None, 0.0
            if found and not (etcd and etcd.running) and time.monotonic() > try_at:
                with suppress(LabError):
                    container = manifest.read_container(path)
                    program = programs.etcd(version) / container.command[0]
                    etcd = Process((str(program), *container.command[1:]), container.env, log)
                try_at = time.monotonic() + _BACK_OFF_SECONDS
            time.sleep(_POLL_SECONDS)
    finally:
        if etcd:
            _stop(etcd)


def _stop(etcd: Process) -> None:
    etcd.terminate()
    etcd.wait(STOP_SECONDS)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    _run(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
