# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that hang: what is started on them neither answers nor ends."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from pathlib import Path


class Hanging:
    """An interpreter that never answers, as one whose disk is dead."""

    def __init__(self, directory: Path) -> None:
        self.program, self._pids = directory / "hanging-python", directory / "pids"
        self._pids.touch()
        script = f"#!/bin/sh\necho $$ >> {shlex.quote(str(self._pids))}\nexec sleep 3600\n"
        self.program.write_text(script, "utf-8")
        self.program.chmod(0o755)

    @property
    def pids(self) -> list[int]:
        return [int(word) for word in self._pids.read_text("utf-8").split()]

    def end(self) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
