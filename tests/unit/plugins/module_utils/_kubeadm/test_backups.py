# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies: where they may lie, that none is overwritten, and what is noted beside them."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest in a directory that is not called manifests, to which a link leads."""
    found = tmp_path / "pods/etcd-1.yaml"
    found.parent.mkdir()
    found.touch()
    (tmp_path / "linked").symlink_to("pods")
    return found


def refused(directory: Path, manifest: str = "") -> str:
    with pytest.raises(Refused) as caught:
        backups.refuse_backup_dir(str(directory), manifest)
    assert caught.value.code == "backup_dir_refused"
    assert caught.value.advice.startswith("Choose another one")
    return caught.value.reason


def test_a_directory_that_the_kubelet_reads(tmp_path: Path, manifest: Path) -> None:
    assert "is inside a manifests folder" in refused(tmp_path / "manifests/old")
    for directory in (manifest.parent, tmp_path / "linked"):
        backups.refuse_backup_dir(str(directory))  # nothing tells that the kubelet reads it
        said = refused(directory, str(manifest))
        assert said == (
            f"The folder for backups {directory} is that of {manifest}: the kubelet would start etcd from a copy there."
        )
    assert "is that of" in refused(manifest.parent, str(tmp_path / "linked/etcd-1.yaml"))
    (manifest.parent / "kube-apiserver.yaml").touch()
    assert "holds kube-apiserver.yaml: the kubelet may read every file there." in refused(tmp_path / "linked")
    assert "is not a folder." in refused(manifest)


def test_other_directories(tmp_path: Path, manifest: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing", tmp_path / "manifests-old"):
        backups.refuse_backup_dir(str(directory), str(manifest))


def test_copies_are_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.struct_time((2026, 11, 23, 1, 2, 3, 0, 327, 0))
    monkeypatch.setattr(backups.time, "gmtime", lambda *_seconds: moment)
    directory = tmp_path / "a/b"
    copies = [Path(backups.back_up(data, "/etc/x/etcd.yaml", str(directory))) for data in (b"one", b"two", b"three")]
    assert [copy.name for copy in copies] == [f"etcd.yaml.20261123T010203Z{ending}" for ending in ("", "-2", "-3")]
    assert [copy.read_bytes() for copy in copies] == [b"one", b"two", b"three"]
    assert {stat.S_IMODE(copy.stat().st_mode) for copy in copies} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_what_was_verified_is_remembered(tmp_path: Path) -> None:
    directory, path = str(tmp_path), "/etc/x/etcd.yaml"
    assert not backups.was_verified(b"one", path, directory)
    backups.remember_verified(b"one", path, directory)
    assert backups.was_verified(b"one", path, directory)
    assert not backups.was_verified(b"one", "/etc/x/other.yaml", directory)
    backups.remember_verified(b"two", path, directory)
    assert not backups.was_verified(b"one", path, directory)
    # A note that cannot be written is lost, and nothing else is.
    backups.remember_verified(b"two", path, str(tmp_path / "missing"))
    assert not backups.was_verified(b"two", path, str(tmp_path / "missing"))
