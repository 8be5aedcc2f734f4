# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

PATH = [Path(entry) for entry in os.environ["PATH"].split(os.pathsep) if entry]


def runs(interpreter: Path, code: str = "") -> bool:
    return subprocess.run([str(interpreter), "-c", code], check=False, capture_output=True).returncode == 0


def directories(versions: Iterable[str]) -> dict[str, Path]:
    """Find one directory with a working pythonX.Y for every version: on the PATH, or where pyenv and uv put theirs."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local" / "share" / "uv" / "python"))
    found: dict[str, Path] = {}
    for version in versions:
        for directory in [*PATH, *sorted(pyenv.glob(f"{version}.*/bin")), *sorted(uv.glob(f"cpython-{version}.*/bin"))]:
            interpreter = directory / f"python{version}"
            if interpreter.is_file() and runs(interpreter, "import ensurepip, venv"):
                found[version] = directory
                break
    return found
