# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The filesystems of a node that matter to etcd: what is free there, from when on the kubelet evicts pods, and what is
left over there. Nothing is removed."""

from __future__ import annotations

import glob
import os
import re
import typing as t

from .._core.files import free_bytes, text
from .._core.records import Fields
from .._core.units import mib
from .eviction import thresholds
from .process import flags_of, holds
from .settings import MemberSettings

DATA, WAL, SNAPSHOTS, KUBELET = "data", "wal", "snapshots", "kubelet"

_KUBELET_DIR = "var/lib/kubelet"
_IMAGE_DIRS = ("var/lib/containerd", "var/lib/containers", "var/lib/docker")
# Where the copy of a file takes no space of its own at first: a snapshot is tried as a reflink there.
_REFLINK_TYPES = ("bcachefs", "btrfs", "xfs")

# What an interrupted receipt of a snapshot leaves (etcd-io/etcd#12837), one that was found damaged (#20732), and an
# interrupted defragmentation; and copies of kubeadm upgrade (kubernetes/kubernetes#125357).
_OF_ETCD = ("tmp*", "*.snap.broken", "db.tmp*")
_OF_KUBEADM = "etc/kubernetes/tmp/kubeadm-backup-etcd-*"
_NAMED = 5
_SNAPSHOT = re.compile(r"etcd-[0-9a-f]+-.+-r\d+\.db")


class Leftover(t.NamedTuple):
    """A file or directory that nobody uses any more, as far as can be told."""

    path: str
    size_bytes: int

    @classmethod
    def read(cls, found: Fields) -> Leftover:
        return cls(found.text("path"), found.whole("size_bytes"))

    def __str__(self) -> str:
        return f"{self.path} ({mib(self.size_bytes)})"


class Disk(t.NamedTuple):
    """One filesystem. `uses` is what lies there, of `data`, `wal`, `snapshots` and `kubelet`; `path` the first of these
    directories. The kubelet reports DiskPressure while less than `eviction_bytes` are free, 0 if it watches others.
    `snapshot` is the newest snapshot of this collection there, empty if there is none; `leftovers` the largest
    first."""

    uses: tuple[str, ...]
    path: str
    free_bytes: int
    eviction_bytes: int
    reflinks: bool
    snapshot: str
    leftovers: tuple[Leftover, ...]

    @classmethod
    def read(cls, found: Fields) -> Disk:
        return cls(
            uses=found.texts("uses"),
            path=found.text("path"),
            free_bytes=found.whole("free_bytes"),
            eviction_bytes=found.whole("eviction_bytes"),
            reflinks=found.flag("reflinks"),
            snapshot=found.text("snapshot"),
            leftovers=tuple(map(Leftover.read, found.records("leftovers"))),
        )


def disks(manifest: MemberSettings, snapshot_dir: str, pid: int | None, root: str = "/") -> tuple[Disk, ...]:
    """The filesystems of a node. `snapshot_dir` is empty if there is none, `pid` is etcd's process, None if it is not
    running. Directories that are not there yet are on the filesystem of the one above."""
    images = [path for path in (os.path.join(root, each) for each in _IMAGE_DIRS) if os.path.isdir(path)]
    places = [
        (DATA, manifest.data_dir),
        (WAL, manifest.wal_dir),
        (SNAPSHOTS, _existing(snapshot_dir)),
        (KUBELET, os.path.join(root, _KUBELET_DIR)),
    ]
    there = [(use, path) for use, path in places if os.path.isdir(path)]
    own = _snapshots(snapshot_dir)
    left = [*_leftovers(manifest, pid, root), *own[1:]]
    found = []
    for device in dict.fromkeys(os.stat(path).st_dev for _use, path in there):
        here = [(use, path) for use, path in there if os.stat(path).st_dev == device]
        found.append(
            Disk(
                uses=tuple(use for use, _path in here),
                path=here[0][1],
                free_bytes=free_bytes(here[0][1]),
                eviction_bytes=_eviction_bytes(device, here, images[:1], root),
                reflinks=_type_of(here[0][1], os.path.join(root, "proc/self/mountinfo")) in _REFLINK_TYPES,
                snapshot=next((path for path in own[:1] if _device(path) == device), ""),
                leftovers=_sized(path for path in left if _device(path) == device),
            )
        )
    return tuple(found)


def removable(found: t.Sequence[Leftover]) -> str:
    """The sentence on what may go, empty if nothing is left over."""
    if not found:
        return ""
    more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"What may go there, once nobody needs it: {', '.join(map(str, found[:_NAMED]))}{more}."


def _leftovers(manifest: MemberSettings, pid: int | None, root: str) -> list[str]:
    """What etcd and kubeadm have left, without what this very etcd has open: it may be at work on it."""
    directory = glob.escape(os.path.join(manifest.data_dir, "member", "snap"))
    patterns = [os.path.join(directory, each) for each in _OF_ETCD]
    paths = [path for pattern in patterns for path in glob.glob(pattern)]
    return [path for path in paths if pid is None or holds(pid, path) is False] + glob.glob(
        os.path.join(root, _OF_KUBEADM)
    )


def _snapshots(directory: str) -> list[str]:
    """The snapshots of this collection, newest first."""
    if not os.path.isdir(directory):
        return []
    found = [path for path in glob.glob(os.path.join(glob.escape(directory), "etcd-*.db")) if _device(path)]
    ours = [path for path in found if _SNAPSHOT.fullmatch(os.path.basename(path))]
    return sorted(ours, key=lambda path: -os.lstat(path).st_mtime)


def _sized(paths: t.Iterable[str]) -> tuple[Leftover, ...]:
    found = [Leftover(path, _size(path)) for path in paths]
    return tuple(sorted(found, key=lambda each: (-each.size_bytes, each.path)))


def _size(path: str) -> int:
    """The bytes of a file, or of all files in a directory; what is gone meanwhile counts nothing."""
    if os.path.isdir(path) and not os.path.islink(path):
        return sum(_size(os.path.join(at, name)) for at, _directories, names in os.walk(path) for name in names)
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _eviction_bytes(device: int, here: t.Sequence[tuple[str, str]], images: t.Sequence[str], root: str) -> int:
    """How much has to stay free on this filesystem, for the kubelet's own directory and for images."""
    paths = {"nodefs": [path for use, path in here if use == KUBELET], "imagefs": images}
    wanted = [name for name, each in paths.items() for path in each if _device(path) == device]
    found = os.statvfs(here[0][1])
    kubelet = flags_of("kubelet", os.path.join(root, "proc")) if wanted else {}
    limits = thresholds(kubelet, found.f_blocks * found.f_frsize, root) if wanted else {}
    return max((limits.get(name, 0) for name in wanted), default=0)


def _type_of(path: str, mountinfo: str) -> str:
    """The type of the filesystem that is mounted nearest above `path` (proc(5)), empty if nothing says it."""
    try:
        lines = text(mountinfo, errors="replace").splitlines()
    except OSError:
        return ""
    # The later one lies over the earlier one of the same name.
    mounts = [(head.split()[4], tail.split()[0]) for head, _dash, tail in (line.partition(" - ") for line in lines)]
    real = os.path.realpath(path)
    above = [(len(point), kind) for point, kind in mounts if f"{real}/".startswith(f"{point.rstrip('/')}/")]
    return max(reversed(above), key=lambda each: each[0])[1] if above else ""


def _device(path: str) -> int | None:
    try:
        return os.lstat(path).st_dev
    except OSError:
        return None


def _existing(path: str) -> str:
    """The directory itself, or the nearest one above that is there."""
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


__all__ = ("DATA", "KUBELET", "SNAPSHOTS", "WAL", "Disk", "Leftover", "disks", "removable")
