# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git would commit: the files of the working tree, new ones included, ignored ones not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lab.errors import LabError
from lab.packages import install

ROOT = Path(__file__).resolve().parents[2]


def working_tree_files() -> list[Path]:
    """Return the paths, relative to the root; a file that git knows but that was deleted is left out.

    If git is missing, and this is root on Debian or Ubuntu, it is installed before; otherwise the program exits.
    """
    _have_git()
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted({Path(name) for name in listing.split("\0") if name})
    return [path for path in paths if (ROOT / path).is_file() or (ROOT / path).is_symlink()]


def _have_git() -> None:
    if shutil.which("git"):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        sys.exit("git is needed to tell the files of this collection from others: install it (Debian: apt install git)")
    try:
        install("git")
    except LabError as error:
        sys.exit(f"git is needed, and cannot be installed: {error}")
