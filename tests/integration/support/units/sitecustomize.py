# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the modules of a host believe that systemd runs etcds of the lab: ``systemctl show`` prints what is in files of
``LAB_UNITS``, and the kernel has their processes in the control groups of those units.

In effect for every Python that has this directory in its PYTHONPATH. Nothing can be restarted. Real units are tried on
nodes, in scenarios.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

_UNITS = Path(os.environ["LAB_UNITS"])
_SHOWN = "*.service"  # all that there are
_CGROUP = re.compile(r"/proc/(\d+)/cgroup")
_run, _open = subprocess.run, os.open


def _run_or_show(argv: Any, *args: Any, check: bool = False, **kwargs: Any) -> Any:
    if argv[0] != "systemctl":
        return _run(argv, *args, check=check, **kwargs)
    names = argv[argv.index("--") + 1 :] if "--" in argv else []
    shown = [path.read_text("utf-8") for name in names for path in sorted(_UNITS.glob(name))]
    missing = [f"Id={name}\nLoadState=not-found\n" for name in names if name != _SHOWN and not (_UNITS / name).exists()]
    return subprocess.CompletedProcess(argv, 0, "\n".join([*shown, *missing]).encode(), b"")


def _open_or_tell(path: Any, *args: Any, **kwargs: Any) -> int:
    found = _CGROUP.fullmatch(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else None
    told = _UNITS / f"cgroup.{found[1]}" if found else None
    return _open(told if told and told.exists() else path, *args, **kwargs)


subprocess.run, os.open = _run_or_show, _open_or_tell
