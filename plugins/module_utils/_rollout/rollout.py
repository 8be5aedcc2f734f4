# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""One roll-out: the manifest of this node's etcd as it was read, and how it is to be changed."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields

from .._core import files
from .._core.failures import Failure, Refused
from .._core.records import Json
from .._kubeadm import config
from .._kubeadm.backups import DEFAULT_BACKUP_DIR, refuse_backup_dir
from .._node import kubelet, pod_log
from .._node.etcd_manifest import parse_manifest, read_bytes
from .._node.member import LocalMember
from .._node.settings import MemberSettings
from .._node.start_up import start_seconds_of

# The options of `ChangeOptions`, as a module takes them.
CHANGE_SPEC: Json = {
    "allow_downtime": {"type": "bool", "default": False},
    "backup_dir": {"type": "path", "default": DEFAULT_BACKUP_DIR},
    "during_recovery": {"type": "bool", "default": False},
    "extra_args": {"type": "dict", "default": {}},
    "remove": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "float", "default": 120.0},
}


@dataclass(frozen=True)
class ChangeOptions:
    """The options of a change of settings, wherever they are written: of the module `etcd_unit`, by their names there,
    without those that name the member."""

    allow_downtime: bool
    backup_dir: str
    during_recovery: bool
    extra_args: t.Mapping[str, t.Any]
    remove: t.Sequence[str]
    wait_timeout: float


@dataclass(frozen=True)
class Options(ChangeOptions):
    """The same of the module `etcd_manifest`."""

    from_controller: str | None
    kubeadm_config: str | None
    kubeconfig: str
    kubelet_unit: str
    method: str


class Restart(t.Protocol):
    """What has to be known of a restart, whatever does it."""

    @property
    def options(self) -> ChangeOptions:
        """How the change is made."""

    @property
    def start_seconds(self) -> float:
        """For about how long etcd reads when it starts."""

    def member(self) -> LocalMember:
        """The member, made for each use. Raises Failure."""


@dataclass(frozen=True)
class Rollout:
    """The manifest as it was read: its bytes, their text, and what that says. `connection` are the options that name
    the member; `start_seconds` is about how long it reads its log and its database when it starts."""

    path: str
    data: bytes
    text: str
    manifest: MemberSettings
    options: Options
    connection: Json
    start_seconds: float

    @property
    def timeout(self) -> float:
        """For how long etcd is waited for, longer only while it is seen to read."""
        return self.options.wait_timeout + self.start_seconds

    def member(self) -> LocalMember:
        """The member, made for each use: a kept one would remember who was silent. Raises Failure."""
        return LocalMember(self.connection)


def read_rollout(params: Json) -> Rollout:
    """Read the manifest that the module's options name. Raises Failure, OSError."""
    path: str = params["manifest"]
    refuse_backup_dir(params["backup_dir"], path)
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        raise Failure(
            "manifest_missing",
            f"There is no {path} on this node.",
            "Run this on a control-plane node, or name its manifest of etcd (manifest).",
        ) from None
    try:
        text = config.text_of(data)
    except Refused as exc:
        raise Refused("manifest_unusable", exc.reason, exc.advice) from exc
    manifest = parse_manifest(text, path)
    return Rollout(
        path=path,
        data=data,
        text=text,
        manifest=manifest,
        options=Options(**{field.name: params[field.name] for field in fields(Options)}),
        connection=params,
        start_seconds=start_seconds_of(manifest),
    )


def replace_manifest(path: str, *, old: bytes, new: bytes) -> None:
    """Put the new manifest in the place of the old one. Raises Refused if that has changed meanwhile, OSError."""

    def check(data: bytes) -> None:
        if data != new or parse_manifest(config.text_of(data), path) != parse_manifest(config.text_of(new), path):
            raise OSError("what was read back is not what was written")

    files.replace(path, old, new, check, above=True)


def last_words() -> str:
    """The last lines of etcd's log for the end of a message; empty if there are none."""
    return kubelet.quoted("etcd's last words", pod_log.last_words())


__all__ = (
    "CHANGE_SPEC",
    "ChangeOptions",
    "Options",
    "Restart",
    "Rollout",
    "last_words",
    "read_rollout",
    "replace_manifest",
)
