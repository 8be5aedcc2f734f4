# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Reads, backs up and replaces a configuration file: there is never a moment without it, and never half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import typing as t

from .._core.files import put, sync
from .errors import ConfigRefused

DEFAULT_BACKUP_DIR = "/etc/kubernetes/etcd-backup"


_STATIC_PODS = ("etcd.yaml", "kube-apiserver.yaml")


def read(path: str) -> bytes:
    """Raises ConfigRefused where it is not there or no file, OSError."""
    if not os.path.lexists(path):
        raise ConfigRefused(
            f"There is no {path} on this node.", "Name the file that holds the cluster's configuration."
        )
    if not os.path.isfile(path):
        raise ConfigRefused(f"{path} is not a regular file, or is a broken link.", "Name the file itself.")
    with open(path, "rb") as file:
        return file.read()


def text_of(data: bytes) -> str:
    """Its text, with every line break as it is. Raises ConfigRefused."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise ConfigRefused(f"Line {line} is not UTF-8 (byte {exc.start}).", "Convert the file to UTF-8.") from exc


def refuse_backup_dir(folder: str, manifest: str = "") -> None:
    """Raises ConfigRefused for a folder from which the kubelet would start what is put there, among them that of the
    manifest: whatever its name, a copy of etcd's manifest replaces the running etcd."""
    real = os.path.realpath(folder)
    if manifest and real in (os.path.realpath(os.path.dirname(manifest)), os.path.dirname(os.path.realpath(manifest))):
        raise ConfigRefused(
            f"The folder for backups {folder} is that of {manifest}: the kubelet would start etcd from a copy there.",
            f"Choose another one, such as {DEFAULT_BACKUP_DIR}.",
        )
    if "manifests" in real.split(os.sep):
        raise ConfigRefused(
            f"The folder for backups {folder} is inside a manifests folder: the kubelet reads every file there.",
            f"Choose another one, such as {DEFAULT_BACKUP_DIR}.",
        )
    pods = [name for name in _STATIC_PODS if os.path.lexists(os.path.join(real, name))]
    if pods:
        raise ConfigRefused(
            f"The folder for backups {folder} holds {pods[0]}: the kubelet may read every file there.",
            f"Choose another one, such as {DEFAULT_BACKUP_DIR}.",
        )
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise ConfigRefused(f"The path for backups {folder} is not a folder.", "Choose another one.")


def back_up(data: bytes, path: str, folder: str) -> str:
    """A copy, readable by its owner only; its path. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    wanted = os.path.join(folder, f"{os.path.basename(path)}.{stamp}")
    copy, number = wanted, 1
    while os.path.lexists(copy):
        number += 1
        copy = f"{wanted}-{number}"
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        _write(file, data)
    sync(folder)
    return copy


def remember_verified(data: bytes, path: str, folder: str) -> None:
    """Note beside the copies that this content of the file was proved to work. Where the note is lost, nobody knows."""
    with contextlib.suppress(OSError):
        put(_note(path, folder), hashlib.sha256(data).hexdigest().encode("ascii"), 0o600)


def was_verified(data: bytes, path: str, folder: str) -> bool:
    """Whether this content was the last one that was proved to work."""
    try:
        with open(_note(path, folder), "rb") as file:
            return file.read() == hashlib.sha256(data).hexdigest().encode("ascii")
    except OSError:
        return False


def _note(path: str, folder: str) -> str:
    return os.path.join(folder, f".{os.path.basename(path)}.proved")


def next_step(exc: OSError) -> str:
    """What to do about it, empty where it says enough."""
    return "Run this as root (become)." if isinstance(exc, PermissionError) else ""


def replace(path: str, old: bytes, new: bytes, check: t.Callable[[bytes], None], *, above: bool = False) -> None:
    """Put new content in the place of the old, with its mode and owner; of a link, at its target. `check` sees what
    lies on the disk before it counts. With `above` it is written in the folder above, where that is on the same disk.
    Raises ConfigRefused when somebody else has changed it meanwhile, OSError."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if above and os.stat(os.path.dirname(folder)).st_dev == os.stat(folder).st_dev:
        folder = os.path.dirname(folder)
    # A name with a dot at its head: the kubelet takes no notice of it, should this folder be one of its own.
    aside = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            _write(file, new)
        with open(aside, "rb") as file:
            check(file.read())
        status = os.stat(target)
        os.chown(aside, status.st_uid, status.st_gid)
        shutil.copystat(target, aside)  # the mode, and SELinux's label among the extended attributes
        os.utime(aside)
        if read(target) != old:
            raise ConfigRefused(f"Somebody else changed {path} at the same time.", "Run this again.")
        os.rename(aside, target)
    finally:
        if os.path.lexists(aside):
            os.unlink(aside)
    with contextlib.suppress(OSError):  # it is in its place by now, and whole
        for each in sorted({folder, os.path.dirname(target)}):
            sync(each)


def _write(file: t.BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


__all__ = (
    "DEFAULT_BACKUP_DIR",
    "back_up",
    "next_step",
    "read",
    "refuse_backup_dir",
    "remember_verified",
    "replace",
    "text_of",
    "was_verified",
)
