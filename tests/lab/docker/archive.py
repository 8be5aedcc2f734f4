# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images of single static programs, written as ``docker save`` would, without Docker and without a registry.

So the names of Kubernetes' own images are used inside of the nodes only, and never in the user's Docker.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_DIRECTORY = "usr/local/bin"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """An image by its full name: the programs in it by theirs, and the command it runs by default."""

    name: str
    programs: Mapping[str, Path]
    command: Sequence[str]


def write_archive(path: Path, images: Sequence[Image], machine: str) -> None:
    """Write the images into one archive; ``machine`` is what ``uname -m`` says where they will run."""
    with tarfile.open(path, "w") as archive:
        manifest = [_add_image(archive, image, _ARCHITECTURES.get(machine, machine)) for image in images]
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _add_image(archive: tarfile.TarFile, image: Image, architecture: str) -> dict[str, object]:
    layer = _layer(image.programs)
    digest = hashlib.sha256(layer).hexdigest()
    # containerd keeps layers as they come, besides what it unpacks, and every node gets a copy of both.
    packed = gzip.compress(layer, compresslevel=1)
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": [f"PATH=/{_DIRECTORY}"], "Entrypoint": list(image.command)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    names = {"Config": f"{hashlib.sha256(config).hexdigest()}.json", "Layers": [f"{digest}.tar"]}
    _add(archive, f"{digest}.tar", packed)
    _add(archive, str(names["Config"]), config)
    return {**names, "RepoTags": [image.name]}


def _layer(programs: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, path in programs.items():
            _add(layer, f"{_DIRECTORY}/{name}", path.read_bytes(), mode=0o755)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
