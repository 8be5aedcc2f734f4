# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node whose etcd runs as its manifest says: what a roll-out meets there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.builders import DATA, FakeRun, Json, main_of, member, view

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import TimedOut
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Capacity
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups, manifest_edit
from ansible_collections.controlplane.etcd.plugins.module_utils._node import pod_log, process
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import preconditions, rollout
from ansible_collections.controlplane.etcd.plugins.modules import etcd_manifest
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.two_calls import change_manifest

QUOTA = 8589934592
URL = "https://127.0.0.1:2379"
WANTED, BAD = {"max-wals": "7"}, {"max-wals": "many"}
THREE = view(*(member(number, quota=QUOTA) for number in (1, 2, 3)))


class Machine:
    """A node whose etcd runs as the manifest says, but with no word for its number of WALs."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = directory / "manifests/etcd.yaml"
        self.backups = directory / "etcd-backup"
        self.down = False
        self.started_with: dict[str, str] | None = None
        self.own = True
        self.seen: ClusterView = THREE
        self.silent = False
        self.carries: Capacity | None = None
        self.words: list[str] = []
        self.kubelet_refusal: Refused | None = None
        self.activity: process.Activity | None = None
        self.systemd = FakeRun({"systemctl show": CommandResult(1, "no systemd here")})
        self._monkeypatch = monkeypatch
        text = (DATA / "manifests/1.33/quota.manifest").read_text("utf-8")
        self.path.parent.mkdir()
        self.path.write_text(text.replace("/var/lib/etcd", str(directory / "data")), "utf-8")
        self.wal = directory / "data/member/wal/0.wal"
        self.wal.parent.mkdir(parents=True)
        self.wal.touch()
        database = directory / "data/member/snap/db"
        database.parent.mkdir()
        database.touch()
        for owner, name, instead in (
            (process, "find", lambda _manifest: self._pid()),
            (process, "flags", lambda _pid: self.started_with or self.flags),
            (pod_log, "last_words", lambda: self.words),
            (pod_log, "refused_flag", lambda _since: None),
            (rollout, "LocalMember", lambda _params: self),
            (pod_log, "address_in_use", lambda _since: False),
            (process, "activity", lambda _pid: self.activity),
            (command, "run", self.systemd),
            (preconditions, "kubelet_refusal", lambda _unit: self.kubelet_refusal),
        ):
            monkeypatch.setattr(owner, name, instead)

    @property
    def flags(self) -> dict[str, str]:
        return manifest_edit.flags(self.path.read_text("utf-8"))

    def _pid(self) -> int | None:
        flags = self.flags
        return None if self.down or flags.get("max-wals") == "many" else 4711 + len(flags)

    # What is asked of a member.

    @property
    def endpoint(self) -> Any:
        return SimpleNamespace(url=URL, status=self._status)

    def _status(self) -> Any:
        if self.silent:
            raise TimedOut("no answer within 10 s", endpoint=URL)
        return self.seen.members[0].status

    @property
    def manifest(self) -> object:
        return object() if self.own else None

    def capacity(self, db_bytes: int) -> Capacity | None:
        return self.carries and self.carries._replace(db_bytes=db_bytes)

    def inspect_cluster(self) -> ClusterView:
        return self.seen

    # What the tests do.

    def options(self, **changes: Any) -> Json:
        """Those of the module."""
        return {
            "allow_downtime": False,
            "backup_dir": str(self.backups),
            "during_recovery": False,
            "extra_args": WANTED,
            "from_controller": None,
            "kubeadm_config": None,
            "kubeconfig": "/nonexistent/admin.conf",
            "manifest": str(self.path),
            "method": "patch",
            "remove": [],
            "kubelet_unit": "kubelet",
            "wait_timeout": 0.0,
            **changes,
        }

    def run(self, *, check: bool = False, diff: bool = False, **options: Any) -> Json:
        """The result of the module and its action plugin."""

        def call(told: Json) -> Json:
            given = self.options(**options, **told)
            return main_of(etcd_manifest, given, self._monkeypatch, check=check, diff=diff)

        return change_manifest(call)

    def rollout(self, **options: Any) -> rollout.Rollout:
        return rollout.read_rollout(self.options(**options))

    def refused(self, code: str, **options: Any) -> str:
        """The message of a failure with this code; nothing is changed, and no copy is made."""
        before = self.path.read_bytes(), self.copies
        result = self.run(**options)
        assert (result["failed"], result["code"]) == (True, code)
        assert (self.path.read_bytes(), self.copies) == before
        assert "Nothing was changed." in result["msg"]
        return str(result["msg"])

    def interrupted(self, extra_args: dict[str, str]) -> None:
        """Leave what a run leaves that was killed before it verified anything."""
        text = self.path.read_text("utf-8")
        backups.back_up(text.encode(), str(self.path), str(self.backups))
        self.path.write_text(manifest_edit.edit(text, extra_args).text, "utf-8")

    @property
    def copies(self) -> list[str]:
        return [str(path) for path in sorted(self.backups.glob("etcd.yaml.*"))]
