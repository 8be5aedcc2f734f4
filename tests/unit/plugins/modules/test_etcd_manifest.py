# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_manifest on a made-up node: each gate, each way back, and what it says then. The change itself is tried on real
members."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.builders import DATA, Json, main_of, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import TimedOut
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups as files
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import manifest_edit, manifest_render
from ansible_collections.controlplane.etcd.plugins.module_utils._node import pod_log, process
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import change
from ansible_collections.controlplane.etcd.plugins.modules import etcd_manifest

QUOTA = 8589934592
URL = "https://127.0.0.1:2379"
WANTED, BAD = {"max-wals": "7"}, {"max-wals": "many"}
THREE = view(*(member(number, quota=QUOTA) for number in (1, 2, 3)))


class Machine:
    """A node whose etcd runs as the manifest says, but with no word for its number of WALs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "manifests/etcd.yaml"
        self.backups = folder / "etcd-backup"
        self.down = False
        self.started_with: dict[str, str] | None = None
        self.own = True
        self.seen: ClusterView = THREE
        self.silent = False
        self.words: list[str] = []
        self._monkeypatch = monkeypatch
        text = (DATA / "manifests/1.33/quota.manifest").read_text("utf-8")
        self.path.parent.mkdir()
        self.path.write_text(text.replace("/var/lib/etcd", str(folder / "data")), "utf-8")
        self.wal = folder / "data/member/wal/0.wal"
        self.wal.parent.mkdir(parents=True)
        self.wal.touch()
        for owner, name, instead in (
            (process, "find", lambda _manifest: self._pid()),
            (process, "flags", lambda _pid: self.started_with or self.flags),
            (pod_log, "last_words", lambda: self.words),
            (pod_log, "refused_flag", lambda _since: None),
            (change, "LocalMember", lambda _params: self),
            (change, "_kubelet_refusal", lambda _unit: None),
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

    def inspect_cluster(self) -> ClusterView:
        return self.seen

    # What the tests do.

    def run(self, *, check: bool = False, diff: bool = False, **options: Any) -> Json:
        given = {
            "allow_downtime": False,
            "backup_dir": str(self.backups),
            "during_recovery": False,
            "extra_args": WANTED,
            "kubeadm_config": None,
            "kubeconfig": "/nonexistent/admin.conf",
            "manifest": str(self.path),
            "method": "patch",
            "remove": [],
            "kubelet_unit": "kubelet",
            "wait_timeout": 0.0,
            **options,
        }
        return main_of(etcd_manifest, given, self._monkeypatch, check=check, diff=diff)

    def refused(self, **options: Any) -> str:
        """What it says; nothing is changed, and no copy is made."""
        before = self.path.read_bytes(), self.copies
        result = self.run(**options)
        assert result["failed"]
        assert (self.path.read_bytes(), self.copies) == before
        assert "Nothing was changed." in result["msg"]
        return str(result["msg"])

    def killed(self, extra_args: dict[str, str]) -> None:
        """What a run leaves that was killed before the proof."""
        text = self.path.read_text("utf-8")
        files.back_up(text.encode(), str(self.path), str(self.backups))
        self.path.write_text(manifest_edit.edit(text, extra_args).text, "utf-8")

    @property
    def copies(self) -> list[str]:
        return [str(path) for path in sorted(self.backups.glob("etcd.yaml.*"))]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def _without_wal(machine: Machine) -> None:
    machine.wal.unlink()


def _down(machine: Machine) -> None:
    machine.down, machine.words = True, ["fatal: no space left on device"]


def _other_flags(machine: Machine) -> None:
    machine.started_with = {**machine.flags, "max-wals": "5"}


def _learner(machine: Machine) -> None:
    machine.seen = view(member(1, learner=True), member(2), leader=2)


def _removed(machine: Machine) -> None:
    seen = machine.seen.members[0]
    machine.seen = view(*(member(number) for number in (2, 3, 4)), leader=2)
    machine._status = lambda: seen.status  # type: ignore[method-assign]  # it still says who it is


def _elsewhere(machine: Machine) -> None:
    machine.own = False


def _silent(machine: Machine) -> None:
    machine.silent = True


GATES: list[tuple[str, Callable[[Machine], None], str, str]] = [
    ("no log", _without_wal, "There is no log of a member in", "join the node again. Nothing was changed."),
    (
        "etcd is down",
        _down,
        "is not running. etcd's last words:\n  fatal: no space left on device\nFind out why (crictl logs",
        "before it is changed. Nothing was changed.",
    ),
    (
        "other flags run",
        _other_flags,
        "was started with other flags than the manifest has (--max-wals): the kubelet has not applied the manifest",
        "run this again. Nothing was changed.",
    ),
    ("learner", _learner, "This member is a learner", "Promote it first (etcdctl member promote). Nothing was"),
    ("removed", _removed, "This member is not in the member list any more", "and join it again. Nothing was"),
    ("another's", _elsewhere, f"The member at {URL} is not this node's own", "Nothing was changed."),
    (
        "silent",
        _silent,
        f"etcd.yaml through {URL} failed: no answer within 10 s. Nothing was changed. See what etcd and the kubelet",
        "then run this again.",
    ),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("arrange", "reason", "advice"), table(GATES))
def test_gates(machine: Machine, arrange: Callable[[Machine], None], reason: str, advice: str, check: bool) -> None:
    arrange(machine)
    said = machine.refused(check=check)
    assert said.startswith(f"Changing flags of etcd in {machine.path}")
    assert reason in said
    assert advice in said


def test_changed_and_remembered(machine: Machine) -> None:
    old = machine.path.read_bytes()
    done = machine.run()
    assert (done["changed"], done["flags"]) == (True, {"before": {}, "after": WANTED})
    assert [done["backup_file"]] == machine.copies
    assert Path(done["backup_file"]).read_bytes() == old
    assert not machine.run()["changed"]
    # Down for another reason, one day: what was proved is not taken back, and no flag is blamed.
    new = machine.path.read_bytes()
    machine.down, machine.words = True, ["fatal: no space left on device"]
    for _again in range(2):
        said = machine.run()["msg"]
        assert (
            "has these flags already, but after 0 s etcd is not running. etcd's last words:\n  fatal: no space" in said
        )
        assert said.endswith("(crictl logs, journalctl --unit kubelet). etcd has run from this very manifest before.")
        assert machine.path.read_bytes() == new


def test_no_diff_unless_it_is_asked_for(machine: Machine) -> None:
    proxy = "    env:\n    - name: HTTPS_PROXY\n      value: http://u:secret@proxy\n    image:"
    machine.path.write_text(machine.path.read_text("utf-8").replace("    image:", proxy), "utf-8")
    assert "diff" not in machine.run(check=True)
    diff = machine.run(check=True, diff=True)["diff"]
    assert diff["before"] != diff["after"]
    assert "HTTPS_PROXY" in diff["after"]
    assert "secret" not in str(diff)


def test_taken_back(machine: Machine) -> None:
    old = machine.path.read_bytes()
    machine.words = ["fatal: no"]
    said = machine.run(extra_args=BAD)["msg"]
    assert "The new manifest was in place, but after 0 s etcd is not running. etcd's last words:\n  fatal: no\n" in said
    assert "was put back, and etcd answers again with its old flags" in said
    assert said.endswith("No other member was touched. Correct what is named above, and run this again.")
    assert machine.path.read_bytes() == old


def test_not_taken_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.replace

    def once(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        monkeypatch.setattr(files, "replace", full)

    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "replace", once)
    said = machine.run(extra_args=BAD)["msg"]
    (copy,) = machine.copies
    assert "The old manifest could not be put back ([Errno 28] No space left on device)" in said
    assert f"restore that one by hand (cp {copy} {machine.path})" in said
    assert said.endswith("No other member was touched.")
    assert machine.flags["max-wals"] == "many"


def test_down_after_it_was_taken_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    old, real = machine.path.read_bytes(), files.replace

    def breaking(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        machine.down = True

    monkeypatch.setattr(files, "replace", breaking)
    said = machine.run(extra_args=BAD)["msg"]
    assert (
        "The old manifest was put back, but after another 0 s etcd is not running. See what the kubelet and etcd"
        in said
    )
    assert said.endswith("No other member was touched.")
    assert machine.path.read_bytes() == old


def test_killed_with_a_bad_value(machine: Machine) -> None:
    old = machine.path.read_bytes()
    machine.killed(BAD)
    # Another value: that run's change is not this one's to take back, but how to is said.
    machine.words = ["invalid value"]
    said = machine.refused()
    (copy,) = machine.copies
    assert "The etcd of this manifest is not running. etcd's last words:\n  invalid value\nFind out why" in said
    assert (
        f"Where a flag is to blame, the manifest from before (--max-wals) is in {copy}: put it back (cp {copy}" in said
    )
    # The same value: it is taken back.
    assert "was put back, and etcd answers again" in machine.run(extra_args=BAD)["msg"]
    assert machine.path.read_bytes() == old


def test_killed_and_proved_by_a_later_run(machine: Machine) -> None:
    machine.killed(WANTED)
    assert not machine.run(check=True)["changed"]
    assert not list(machine.backups.glob(".*"))  # check mode notes nothing
    assert not machine.run()["changed"]
    machine.down = True
    assert machine.refused().endswith("etcd has run from this very manifest before.")


def test_nothing_to_go_back_to(machine: Machine) -> None:
    machine.path.write_text(manifest_edit.edit(machine.path.read_text("utf-8"), WANTED).text, "utf-8")
    machine.down = True
    assert machine.refused().endswith("Find out why (crictl logs, journalctl --unit kubelet).")
    machine.backups.mkdir()
    other = manifest_edit.put(machine.path.read_text("utf-8"), {"log-level": "debug"}).text
    for number, text in enumerate((other, "\ufeff: no", other.replace("3.5.24-0", "3.5.15-0"))):
        copy = machine.backups / f"etcd.yaml.{number}"
        copy.write_text(text, "utf-8")
        os.utime(copy, (1000 + number, 1000 + number))
    said = machine.refused()
    assert f"the manifest from before (--log-level) is in {machine.backups}/etcd.yaml.0: put it back" in said


MANIFESTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing", lambda path: path.unlink(), "There is no {} on this node. Run this on a control-plane node, or name"),
    (
        "dangling",
        lambda path: (path.unlink(), path.symlink_to("x")),
        "{} is a symbolic link to x, which does not exist",
    ),
    ("a folder", lambda path: (path.unlink(), path.mkdir()), "{} cannot be read: [Errno 21] Is a directory"),
    ("empty", lambda path: path.write_bytes(b""), "{} cannot be read as a static pod manifest: it is empty"),
    (
        "truncated",
        lambda path: path.write_text(path.read_text("utf-8").partition("    image:")[0], "utf-8"),
        "as if it had been cut off: put the whole manifest back first",
    ),
    ("no text", lambda path: path.write_bytes(b"\xff"), "Line 1 is not UTF-8"),
]


@pytest.mark.parametrize(("arrange", "expected"), table(MANIFESTS))
def test_manifest_that_cannot_be_used(machine: Machine, arrange: Callable[[Path], object], expected: str) -> None:
    arrange(machine.path)
    said = machine.run()["msg"]
    assert expected.format(machine.path) in said
    assert "Nothing was changed." in said
    assert "configuration" not in said
    assert not machine.backups.exists()


def test_a_folder_for_backups_that_the_kubelet_reads(machine: Machine, tmp_path: Path) -> None:
    pods = tmp_path / "pods"
    machine.path.parent.rename(pods)
    machine.path = (pods / "etcd.yaml").rename(pods / "my-etcd.yaml")
    (tmp_path / "link").symlink_to(pods)
    for folder in (pods, tmp_path / "link"):
        assert f"is that of {machine.path}: the kubelet would start etcd" in machine.refused(backup_dir=str(folder))
    store = tmp_path / "store"
    store.mkdir()
    machine.path = machine.path.rename(store / "etcd.yaml")
    (pods / "etcd.yaml").symlink_to(machine.path)
    for folder in (pods, store):
        assert "the kubelet would start etcd" in machine.refused(
            manifest=str(pods / "etcd.yaml"), backup_dir=str(folder)
        )


def test_a_configuration_file_of_etcd(machine: Machine) -> None:
    text = machine.path.read_text("utf-8")
    machine.path.write_text(text.replace("    - --name=", "    - --config-file=/x\n    - --name="), "utf-8")
    assert "The manifest sets --config-file, which makes etcd ignore every other flag." in machine.refused()


def test_not_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_arguments: Any, **_options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(files, "back_up", denied)
        said = machine.refused()
    assert said.endswith("failed: [Errno 13] Permission denied. Nothing was changed. Run this as root (become).")
    with monkeypatch.context() as patched:
        patched.setattr("builtins.open", denied)
        said = machine.run()["msg"]
    assert "etcd.yaml cannot be read: root rights are needed (become). Nothing was changed." in said


PATCH = "Fix that, or use the method patch, which needs neither kubeadm nor its configuration."

RENDERED: list[tuple[str, str, str]] = [
    ("another image", "etcd:3.5.24-0", "etcd:3.6.8-0"),
    ("other volumes", "path: /etc/kubernetes/pki/etcd", "path: /srv/pki"),
]


@pytest.mark.parametrize(("old", "new"), table(RENDERED))
def test_kubeadm_would_start_another_etcd(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    text = manifest_edit.edit(machine.path.read_text("utf-8"), WANTED).text
    monkeypatch.setattr(manifest_render, "render", lambda _config: text.replace(old, new))
    source = str(DATA / "kubeadm/configs/v1beta4-noextra.config")
    said = machine.refused(method="kubeadm", kubeadm_config=source)
    assert "kubeadm's manifest has a different image or different volumes from the running one" in said
    assert "Use the method patch" in said
    patched = machine.run(method="auto", kubeadm_config=source)
    assert (patched["changed"], patched["method"]) == (True, "patch")
    assert any(sentence.startswith("kubeadm would") for sentence in patched["differences"])


def test_kubeadm_cannot_be_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "installed", lambda _program: None)
    source = str(DATA / "kubeadm/configs/v1beta4-noextra.config")
    said = machine.refused(method="kubeadm", kubeadm_config=source)
    assert said.endswith(f"failed. There is no kubeadm on this node. Nothing was changed. {PATCH}")
    said = machine.refused(method="kubeadm")
    assert "failed. There is no /nonexistent/admin.conf on this node. Nothing was changed. kubeadm writes it on" in said
    assert said.endswith(PATCH)
    missing = machine.refused(method="kubeadm", kubeadm_config="/nonexistent/kubeadm.yaml")
    assert missing.endswith("Nothing was changed. Name the file that holds the cluster's configuration.")
