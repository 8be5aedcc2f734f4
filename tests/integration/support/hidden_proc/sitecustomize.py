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


class _WithoutProc:
    """A function that finds nothing there. Not one itself: pathlib of Python 3.10 would make a method of it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        if isinstance(path, (str, bytes, os.PathLike)) and f"{os.fsdecode(path)}/".startswith("/proc/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(path))
        return self._function(path, *args, **kwargs)


if any(os.path.basename(argument) == "ansible-playbook" for argument in sys.orig_argv):
    builtins.open = io.open = _WithoutProc(io.open)  # type: ignore[assignment]
    for name in ("listdir", "lstat", "open", "readlink", "scandir", "stat"):
        setattr(os, name, _WithoutProc(getattr(os, name)))
