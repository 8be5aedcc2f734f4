# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module etcd_manifest on a made-up node: each gate, and what it says then. The change itself is tried on real
members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.builders import DATA, member, table, view
from unit.fake_machine import BAD, URL, WANTED, Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command, files
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups, manifest_edit, manifest_render


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


def _alarm(machine: Machine) -> None:
    machine.seen = view(*machine.seen.members, alarms=[Alarm(2, "NOSPACE")])


GATES: list[tuple[str, Callable[[Machine], None], str, str, str]] = [
    ("no log", _without_wal, "data_missing", "There is no log of a member in", "Nothing was changed. See whether the"),
    (
        "etcd is down",
        _down,
        "etcd_not_running",
        "is not running. etcd's last words:\n  fatal: no space left on device\nNothing was changed. Find out why",
        "before it is changed.",
    ),
    (
        "other flags run",
        _other_flags,
        "manifest_not_applied",
        "was started with other flags than the manifest has (--max-wals): the kubelet has not applied the manifest",
        "Nothing was changed. See what it says (journalctl --unit kubelet), and run this again.",
    ),
    ("learner", _learner, "learner_refuses", "This member is a learner", "Nothing was changed. Promote it first"),
    ("removed", _removed, "member_removed", "This member is not in the member list any more", "and join it again."),
    ("another's", _elsewhere, "foreign_member", f"The member at {URL} is not this node's own", "Nothing was changed."),
    (
        "silent",
        _silent,
        "timed_out",
        f"etcd.yaml through {URL} failed: no answer within 10 s. Nothing was changed. See what etcd and the kubelet",
        "then run this again.",
    ),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("arrange", "code", "reason", "advice"), table(GATES))
def test_gates(
    machine: Machine, arrange: Callable[[Machine], None], code: str, reason: str, advice: str, check: bool
) -> None:
    arrange(machine)
    message = machine.refused(code, check=check)
    assert message.startswith(f"Changing flags of etcd in {machine.path}")
    assert reason in message
    assert advice in message


def test_an_alarm_is_a_warning_in_check_mode(machine: Machine) -> None:
    _alarm(machine)
    assert "The NOSPACE alarm is armed (by cp2)" in machine.refused("nospace_alarm")
    (warning,) = machine.run(check=True)["warnings"]
    assert warning.startswith("It would be refused if this is still so then. The NOSPACE alarm is armed (by cp2)")


def test_changed_and_remembered(machine: Machine) -> None:
    old = machine.path.read_bytes()
    done = machine.run()
    assert (done["changed"], done["flags"]) == (True, {"before": {}, "after": WANTED})
    assert [done["backup_file"]] == machine.copies
    assert Path(done["backup_file"]).read_bytes() == old
    assert not machine.run()["changed"]
    # Down for another reason, one day: what was verified is not rolled back, and no flag is blamed.
    new = machine.path.read_bytes()
    machine.down, machine.words = True, ["fatal: no space left on device"]
    for _again in range(2):
        failed = machine.run()
        said = failed["msg"]
        assert failed["code"] == "not_verified"
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


def test_rolled_back(machine: Machine) -> None:
    old = machine.path.read_bytes()
    machine.words = ["fatal: no"]
    failed = machine.run(extra_args=BAD)
    assert failed["code"] == "rolled_back"
    assert failed["msg"] == (
        f"Changing flags of etcd in {machine.path} failed. The new manifest was in place, but after 0 s etcd is not"
        " running. etcd's last words:\n  fatal: no\nThe old manifest was put back, and etcd answers again with its old"
        " flags and has caught up (0 s later).\nNo other member was touched. Correct what is named above, and run this"
        " again."
    )
    assert machine.path.read_bytes() == old


def test_what_an_interrupted_run_began_is_marked_as_verified(machine: Machine) -> None:
    """By a real run; check mode notes nothing."""
    machine.interrupted(WANTED)
    assert not machine.run(check=True)["changed"]
    assert not list(machine.backups.glob(".*"))
    assert not machine.run()["changed"]
    assert list(machine.backups.glob(".*"))


def test_an_interrupted_run_that_would_be_waited_for(machine: Machine) -> None:
    machine.interrupted(WANTED)
    machine.down = True
    done = machine.run(check=True)
    assert not done["changed"]
    assert done["warnings"] == [
        "The manifest has these flags already, but etcd is not running. It would be waited for."
    ]


MANIFESTS: list[tuple[str, Callable[[Path], object], str, str]] = [
    (
        "missing",
        lambda path: path.unlink(),
        "manifest_missing",
        "There is no {} on this node. Nothing was changed. Run this on a control-plane node, or name",
    ),
    (
        "dangling",
        lambda path: (path.unlink(), path.symlink_to("x")),
        "manifest_missing",
        "{} is a symbolic link to x, which does not exist",
    ),
    (
        "a directory",
        lambda path: (path.unlink(), path.mkdir()),
        "manifest_unusable",
        "{} cannot be read: [Errno 21] Is a directory",
    ),
    (
        "empty",
        lambda path: path.write_bytes(b""),
        "manifest_unusable",
        "{} cannot be read as a static pod manifest: it is empty",
    ),
    (
        "truncated",
        lambda path: path.write_text(path.read_text("utf-8").partition("    image:")[0], "utf-8"),
        "manifest_unusable",
        "as if it had been cut off: put the whole manifest back first",
    ),
    ("no text", lambda path: path.write_bytes(b"\xff"), "manifest_unusable", "Line 1 is not UTF-8"),
]


@pytest.mark.parametrize(("arrange", "code", "expected"), table(MANIFESTS))
def test_manifest_that_cannot_be_used(
    machine: Machine, arrange: Callable[[Path], object], code: str, expected: str
) -> None:
    arrange(machine.path)
    failed = machine.run()
    said = failed["msg"]
    assert failed["code"] == code
    assert expected.format(machine.path) in said
    assert "Nothing was changed." in said
    assert "configuration" not in said
    assert not machine.backups.exists()


def test_not_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_arguments: Any, **_options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(backups, "back_up", denied)
        said = machine.refused("file_error")
    assert said.endswith("failed: [Errno 13] Permission denied. Nothing was changed. Run this as root (become).")
    with monkeypatch.context() as patched:
        patched.setattr(files, "descriptor_of", denied)
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
    said = machine.refused("not_rendered", method="kubeadm", kubeadm_config=source)
    assert "kubeadm's manifest has a different image or different volumes from the running one" in said
    assert "Use the method patch" in said
    patched = machine.run(method="auto", kubeadm_config=source)
    assert (patched["changed"], patched["method"]) == (True, "patch")
    assert any(sentence.startswith("kubeadm would") for sentence in patched["differences"])


def test_kubeadm_cannot_be_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "installed", lambda _program: None)
    source = str(DATA / "kubeadm/configs/v1beta4-noextra.config")
    said = machine.refused("not_rendered", method="kubeadm", kubeadm_config=source)
    assert said.endswith(f"failed. There is no kubeadm on this node. Nothing was changed. {PATCH}")
    said = machine.refused("kubeconfig_unusable", method="kubeadm")
    assert "failed. There is no /nonexistent/admin.conf on this node. Nothing was changed. kubeadm writes it on" in said
    assert said.endswith(PATCH)
    missing = machine.refused("kubeadm_file_missing", method="kubeadm", kubeadm_config="/nonexistent/kubeadm.yaml")
    assert missing.endswith("Nothing was changed. Name the file that holds the cluster's configuration.")
