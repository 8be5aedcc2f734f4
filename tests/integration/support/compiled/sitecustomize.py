# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Python compiles from a zip file, as it does by itself for files: a module and the node tool are zip files,
and a run of the tests starts thousands of them.

In effect for every Python that has this directory in its PYTHONPATH. The code is found again by its source alone, as
with pyc files that are checked by their hash. Kept in ``.cache``, which ``make clean`` removes.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import zipimport
from collections.abc import Callable
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType

_KEPT = os.path.join(os.path.abspath(__file__).rpartition("/tests/")[0], ".cache/compiled", MAGIC_NUMBER.hex())
_compile: Callable[[str, bytes], CodeType] = zipimport._compile_source  # type: ignore[attr-defined]


def _compile_once(path: str, source: bytes) -> CodeType:
    kept = os.path.join(_KEPT, f"{source_hash(source).hex()}-{len(source)}")
    # Another user, or a disk that is full: then it is compiled, as without all this.
    with contextlib.suppress(OSError), open(kept, "rb") as file:
        return marshal.load(file)
    code = _compile(path, source)
    with contextlib.suppress(OSError):
        os.makedirs(_KEPT, exist_ok=True)
        with open(f"{kept}.{os.getpid()}", "xb") as file:
            marshal.dump(code, file)
        os.replace(f"{kept}.{os.getpid()}", kept)
    return code


zipimport._compile_source = _compile_once  # type: ignore[attr-defined]
