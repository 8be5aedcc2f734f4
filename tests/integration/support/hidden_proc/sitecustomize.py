# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes ``/proc`` away from Ansible's own Python, as on macOS and BSD. Modules, which have a Python of their own, and
programs still see it: nodes run Linux.

In effect for every ansible-playbook that has this directory in its PYTHONPATH.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any


def _without_proc(function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        if isinstance(path, (str, bytes, os.PathLike)) and f"{os.fsdecode(path)}/".startswith("/proc/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(path))
        return function(path, *args, **kwargs)

    return guarded


if any(os.path.basename(argument) == "ansible-playbook" for argument in sys.orig_argv):
    builtins.open = io.open = _without_proc(io.open)
    for name in ("listdir", "lstat", "open", "readlink", "scandir", "stat"):
        setattr(os, name, _without_proc(getattr(os, name)))
