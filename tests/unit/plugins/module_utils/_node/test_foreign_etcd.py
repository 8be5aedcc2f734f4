# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an etcd that is not the manifest's: never to write a manifest while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import foreign_etcd
from ansible_collections.controlplane.etcd.plugins.module_utils._node.installation import (
    DatabaseUser,
    Installation,
    of_traces,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings

PATH = "/etc/kubernetes/manifests/etcd.yaml"
DATABASE = "/var/lib/etcd/member/snap/db"
OWN = ("etcd", "--name=cp1", "--data-dir=/var/lib/etcd")
UNIT = DatabaseUser(4711, ("/usr/local/bin/etcd",), "0::/system.slice/etcd.service\n", DATABASE)
POD = DatabaseUser(12, OWN, "0::/kubepods.slice/x.scope\n", DATABASE)
TOOL = DatabaseUser(99, ("etcdutl", "defrag"), "", DATABASE)
OTHER_FLAGS = POD._replace(words=("etcd", "--name=old", "--data-dir=/var/lib/etcd"))
MANIFEST = MemberSettings(PATH, "", {"name": "cp1", "data-dir": "/var/lib/etcd"}, {}, ())
PUT_IT_BACK = "kubeadm init phase"


def having(monkeypatch: pytest.MonkeyPatch, *users: DatabaseUser, traces: tuple[str, ...] = ()) -> None:
    monkeypatch.setattr(foreign_etcd, "users_of", lambda _database: list(users))
    monkeypatch.setattr(foreign_etcd, "database_users", lambda: list(users))
    monkeypatch.setattr(foreign_etcd, "traces", lambda: frozenset(traces))


# Who has it open with no manifest there; the code, what is said, and what to do.
RUNNING: list[tuple[str, list[DatabaseUser], str, str, str]] = [
    (
        "a unit",
        [UNIT],
        "foreign_etcd",
        f"{DATABASE} is open in process 4711 (/usr/local/bin/etcd): etcd as the systemd unit etcd.service.",
        "Write no manifest for it: that would start a second etcd on the same data. Its settings are in /etc/etcd.env",
    ),
    (
        "a pod",
        [POD],
        "manifest_missing",
        f"{PATH} is missing, but etcd still runs, process 12 (etcd): etcd in a pod, and has {DATABASE} open.",
        "put that very file back. Write no new one.",
    ),
    ("a tool", [TOOL], "foreign_etcd", "is open in process 99 (etcdutl): a tool that", "Wait until it is done. Then"),
    (
        "two",
        [UNIT, POD],
        "foreign_etcd",
        "process 4711 (/usr/local/bin/etcd): etcd as the systemd unit etcd.service; process 12 (etcd): etcd in a pod.",
        "Find out which one is to have it",
    ),
]


@pytest.mark.parametrize(("users", "code", "reason", "advice"), table(RUNNING))
def test_no_manifest_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, users: list[DatabaseUser], code: str, reason: str, advice: str
) -> None:
    having(monkeypatch, *users, traces=("/etc/etcd.env",))
    said = foreign_etcd.manifest_missing(PATH, "/var/lib/etcd")
    assert said.code == code
    assert reason in said.reason
    assert advice in said.advice
    assert PUT_IT_BACK not in said.text


# Who has it open beside a manifest, and what is said of it; nothing if all is as it should be.
BESIDE: list[tuple[str, list[DatabaseUser], str]] = [
    ("its own", [POD], ""),
    ("nobody", [], ""),
    ("its own by an older manifest", [OTHER_FLAGS], ""),
    ("its own, and the one before that still ends", [POD, OTHER_FLAGS], ""),
    ("a unit", [UNIT], f"{PATH} is there, but {DATABASE} is open in process 4711"),
    ("its own and a unit", [POD, UNIT], f"{PATH} is there, and several processes have {DATABASE} open"),
    ("a tool", [TOOL], f"{DATABASE} is open in process 99 (etcdutl): a tool"),
]


@pytest.mark.parametrize(("users", "expected"), table(BESIDE))
def test_who_else_has_the_database(monkeypatch: pytest.MonkeyPatch, users: list[DatabaseUser], expected: str) -> None:
    having(monkeypatch, *users)
    if not expected:
        foreign_etcd.refuse_foreign(MANIFEST)
        return
    with pytest.raises(Refused) as caught:
        foreign_etcd.refuse_foreign(MANIFEST)
    assert caught.value.code == "foreign_etcd"
    assert expected in caught.value.reason
    assert "Write no manifest" not in caught.value.text


def test_own_etcd_is_told_by_its_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its control group: a node may be a container, and a lab has no kubelet."""
    having(monkeypatch, POD._replace(cgroup=UNIT.cgroup))
    foreign_etcd.refuse_foreign(MANIFEST)


def test_unit_that_was_changed_and_not_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch)
    monkeypatch.setattr(foreign_etcd, "database_users", lambda: [UNIT])
    monkeypatch.setattr(foreign_etcd.process, "of_host", lambda pid: pid == UNIT.pid)
    flags = {"data-dir": "/srv/etcd"}
    with pytest.raises(Refused) as caught:
        foreign_etcd.refuse_foreign(MemberSettings("etcd.service", "", flags, {}, (), unit="etcd.service"))
    assert caught.value.code == "unit_changed"
    assert f"etcd.service runs on {DATABASE}, but by its settings that is /srv/etcd/member" in caught.value.reason


def test_unit_whose_database_another_one_has_open(monkeypatch: pytest.MonkeyPatch) -> None:
    member = MemberSettings("etcd.service", "", {"data-dir": "/var/lib/etcd"}, {}, (), unit="etcd.service")
    having(monkeypatch, UNIT)
    foreign_etcd.refuse_foreign(member)
    having(monkeypatch, POD)
    with pytest.raises(Refused):
        foreign_etcd.refuse_foreign(member)


UNITS = of_traces(["/usr/lib/systemd/system/etcd.service"])

# What may run it, whether kubeadm made a member, whether it is locked; the code, and words of the whole.
DOWN: list[tuple[str, tuple[Installation, ...], bool, bool, str, str]] = [
    ("kubeadm", (), True, False, "manifest_missing", "so this member is not running. Put it back (kubeadm init phase"),
    ("nobody knows", (), False, False, "foreign_etcd", "Whose it is cannot be told. Find out what ran it"),
    ("a unit", UNITS, False, False, "foreign_etcd", "This node may run etcd as the systemd unit etcd.service."),
    ("either", UNITS, True, False, "manifest_missing", "Whose it is cannot be told. This node may run etcd as"),
    ("somebody who cannot be seen", (), True, True, "manifest_missing", "An etcd may be running on it that cannot be"),
]


@pytest.mark.parametrize(("found", "of_kubeadm", "locked", "code", "text"), table(DOWN))
def test_data_that_nobody_has_open(
    found: tuple[Installation, ...], of_kubeadm: bool, locked: bool, code: str, text: str
) -> None:
    said = foreign_etcd.not_in_use(PATH, "/var/lib/etcd", found, of_kubeadm=of_kubeadm, locked=locked)
    assert said.code == code
    assert text in said.text
    assert (PUT_IT_BACK in said.text) == (of_kubeadm and not found and not locked)


def test_a_lock_counts_whoever_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubernetes/pki/etcd").mkdir(parents=True)
    (tmp_path / "kubernetes/pki/etcd/server.crt").touch()
    path = str(tmp_path / "kubernetes/manifests/etcd.yaml")
    having(monkeypatch)
    assert PUT_IT_BACK in foreign_etcd.manifest_missing(path, str(tmp_path)).text
    monkeypatch.setattr(foreign_etcd, "is_locked", lambda _database: True)
    assert PUT_IT_BACK not in foreign_etcd.manifest_missing(path, str(tmp_path)).text

    def denied(_database: str) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(foreign_etcd, "is_locked", denied)
    assert PUT_IT_BACK not in foreign_etcd.manifest_missing(path, str(tmp_path)).text


def test_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch)
    assert foreign_etcd.elsewhere() == []
    data = "/var/lib/rancher/k3s/server/db/etcd"
    k3s = DatabaseUser(7, ("/usr/local/bin/k3s", "server"), "", f"{data}/member/snap/db")
    having(monkeypatch, k3s, traces=(data, "/opt/kops"))
    running, down = foreign_etcd.elsewhere()
    assert running.startswith(f"{data}/member/snap/db is open in process 7 (/usr/local/bin/k3s): the etcd within k3s.")
    assert down.startswith("It may run an etcd of kOps, run by its etcd-manager, which is down. Its settings are")


def test_traces_are_files_of_this_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "lexists", lambda path: path == "/etc/etcd.env")
    assert foreign_etcd.traces() == {"/etc/etcd.env"}
