# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tool as one file, for a release: for whoever has neither Ansible nor the collection at hand."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import zipapp

# The distribution's own; "python3 FILE" runs it with any other.
INTERPRETER = "/usr/bin/python3"


def main(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zipapp.build(INTERPRETER))
    path.chmod(0o755)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
