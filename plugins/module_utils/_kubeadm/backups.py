# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Copies of a file from before it was changed, and which content of it was the last one verified to work."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import time

from .._core.failures import Refused
from .._core.files import content, create, put, sync

DEFAULT_BACKUP_DIR = "/etc/kubernetes/etcd-backup"

_STATIC_PODS = ("etcd.yaml", "kube-apiserver.yaml")


def refuse_backup_dir(directory: str, manifest: str = "") -> None:
    """Refuse a directory from which the kubelet would start what is put there, among them that of the manifest:
    whatever its name, a copy of etcd's manifest replaces the running etcd."""
    real = os.path.realpath(directory)
    another = f"Choose another one, such as {DEFAULT_BACKUP_DIR}."
    if manifest and real in (os.path.realpath(os.path.dirname(manifest)), os.path.dirname(os.path.realpath(manifest))):
        raise _refused(
            f"The folder for backups {directory} is that of {manifest}: the kubelet would start etcd from a copy"
            " there.",
            another,
        )
    if "manifests" in real.split(os.sep):
        raise _refused(
            f"The folder for backups {directory} is inside a manifests folder: the kubelet reads every file there.",
            another,
        )
    pods = [name for name in _STATIC_PODS if os.path.lexists(os.path.join(real, name))]
    if pods:
        raise _refused(
            f"The folder for backups {directory} holds {pods[0]}: the kubelet may read every file there.", another
        )
    if os.path.lexists(directory) and not os.path.isdir(directory):
        raise _refused(f"The path for backups {directory} is not a folder.", "Choose another one.")


def _refused(reason: str, advice: str) -> Refused:
    return Refused("backup_dir_refused", reason, advice)


def back_up(data: bytes, path: str, directory: str) -> str:
    """Write a copy, readable by its owner only; its path. Raises OSError."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    wanted = os.path.join(directory, f"{os.path.basename(path)}.{stamp}")
    copy, number = wanted, 1
    while os.path.lexists(copy):
        number += 1
        copy = f"{wanted}-{number}"
    create(copy, data)
    sync(directory)
    return copy


def copies(path: str, directory: str) -> list[str]:
    """The copies of a file, the newest first."""
    pattern = os.path.join(glob.escape(directory), f"{glob.escape(os.path.basename(path))}.*")
    return sorted(filter(os.path.isfile, glob.glob(pattern)), key=os.path.getmtime, reverse=True)


def remember_verified(data: bytes, path: str, directory: str) -> None:
    """Note beside the copies that this content of the file was verified to work. If the note is lost, nobody knows."""
    with contextlib.suppress(OSError):
        put(_note(path, directory), hashlib.sha256(data).hexdigest().encode("ascii"), 0o600)


def was_verified(data: bytes, path: str, directory: str) -> bool:
    """Whether this content was the last one that was verified to work."""
    try:
        return content(_note(path, directory)) == hashlib.sha256(data).hexdigest().encode("ascii")
    except OSError:
        return False


def _note(path: str, directory: str) -> str:
    return os.path.join(directory, f".{os.path.basename(path)}.verified")


__all__ = ("DEFAULT_BACKUP_DIR", "back_up", "copies", "refuse_backup_dir", "remember_verified", "was_verified")
