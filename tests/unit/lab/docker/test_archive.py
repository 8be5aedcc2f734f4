# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images, written without Docker."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from lab.docker.archive import Image, write_archive


def test_an_archive_holds_images_as_docker_saves_them(tmp_path: Path) -> None:
    program = tmp_path / "etcd"
    program.write_bytes(b"program")
    write_archive(tmp_path / "images.tar", [Image("registry/etcd:1", {"etcd": program}, ["/etcd"])], "x86_64")
    with tarfile.open(tmp_path / "images.tar") as archive:
        files = {entry.name: _content(archive, entry) for entry in archive}
    (image,) = json.loads(files["manifest.json"])
    config = json.loads(files[image["Config"]])
    layer = gzip.decompress(files[image["Layers"][0]])
    assert image["RepoTags"] == ["registry/etcd:1"]
    assert config["architecture"] == "amd64"
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as inside:
        (entry,) = inside
        assert (entry.name, entry.mode, _content(inside, entry)) == ("usr/local/bin/etcd", 0o755, b"program")


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    assert file
    return file.read()
