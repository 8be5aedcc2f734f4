# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the collections that the scenarios need beside our own: out of the wheel of Ansible's package, from PyPI.

So a machine that reaches PyPI, but not Galaxy, can run them, and everywhere the versions are the same.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "ansible==12.3.0"
# The connection to the nodes, and what it depends on itself.
COLLECTIONS = ("community/docker", "community/library_inventory_filtering_v1")


def main(target: Path) -> int:
    """Put the collections into ``target``, a directory ``ansible_collections``."""
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        directory = Path(temporary)
        print(f"taking {', '.join(COLLECTIONS)} out of {WHEEL}", flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", temporary, WHEEL]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel:
            wanted = tuple(f"ansible_collections/{name}/" for name in COLLECTIONS)
            wheel.extractall(directory, [name for name in wheel.namelist() if name.startswith(wanted)])
        for name in COLLECTIONS:
            place = target / name
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(directory / "ansible_collections" / name, place)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
