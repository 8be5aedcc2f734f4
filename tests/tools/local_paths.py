# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail when a file of the repository names a directory of the machine it was written on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.working_tree import ROOT, working_tree_files

# Directories that exist everywhere, and so say nothing about the developer.
COMMON = {Path(name) for name in ("/", "/home", "/opt", "/root", "/srv", "/tmp", "/usr/src", "/var/tmp")}


def local_path_pattern() -> re.Pattern[str]:
    """Match the clone, the directory it lies in, and anybody's home."""
    directories = [str(directory) for directory in (ROOT, ROOT.parent, Path.home()) if directory not in COMMON]
    names = "|".join([*map(re.escape, directories), "/home/[a-z][a-z0-9_-]*", "/Users/[A-Za-z][A-Za-z0-9_-]*"])
    return re.compile(rf"(?<![\w./-])(?:{names})(?![\w.-])")


def main() -> int:
    pattern = local_path_pattern()
    found = False
    for path in working_tree_files():
        text = (ROOT / path).read_bytes().decode(errors="replace") if (ROOT / path).is_file() else ""
        for number, line in enumerate(text.splitlines(), start=1):
            for match in pattern.finditer(line):
                found = True
                print(f"{path}:{number}: names {match[0]}, a directory of one machine")
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
