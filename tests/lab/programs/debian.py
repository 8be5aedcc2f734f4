# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs out of Debian packages, without installing them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.command import run
from lab.errors import ProgramMissingError


@dataclass(frozen=True)
class Package:
    """One exact build of a Debian package and the SHA-256 of its file, or by its name alone what apt's sources have."""

    name: str
    version: str = ""
    architecture: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.architecture}={self.version}" if self.version else self.name


def unpack(packages: Sequence[Package], programs: Sequence[str], target: Path) -> None:
    """Download packages with apt, verify them and put ``programs`` out of their ``usr/bin`` into ``target``.

    A package without a checksum of its own is verified by apt alone, against its signed lists.

    Raises ``LabError`` if there is no apt or its sources do not have exactly these packages.
    """
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        directory = Path(temporary)
        # apt downloads as a user of its own when it is root.
        directory.chmod(0o755)
        for package in packages:
            run("apt-get", "download", str(package), directory=directory)
        for file in directory.glob("*.deb"):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            if all(package.sha256 for package in packages) and digest not in {package.sha256 for package in packages}:
                raise ProgramMissingError(f"{file.name} from apt has another SHA-256 than expected: {digest}")
            run("dpkg-deb", "-x", file, "root", directory=directory)
        for program in programs:
            shutil.copy2(directory / "root/usr/bin" / program, target / program)
