# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm_config, run as Ansible runs it, on files: check, run, check again, run again, and what it leaves behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.builders import DATA, Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups as copies
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import config
from ansible_collections.controlplane.etcd.plugins.modules import kubeadm_config
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.two_calls import set_arguments

BEFORE = (DATA / "kubeadm/configs/v1beta4-cc.config").read_bytes()
AFTER = BEFORE.replace(b'"8"', b'"1h"')
WANTED = {"quota-backend-bytes": "8GiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}
ARGS = {**WANTED, "quota-backend-bytes": "8589934592"}
Run = Callable[..., Json]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "kubeadm-config.yaml"
    found.write_bytes(BEFORE)
    return found


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "etcd-backup"


@contextlib.contextmanager
def arguments(given: Json) -> Any:
    """What Ansible hands to a module."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # before ansible-core 2.19
        from unittest import mock

        encoded = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
        with mock.patch("ansible.module_utils.basic._ANSIBLE_ARGS", encoded):
            yield
    else:
        with patch_module_args(given):
            yield


@pytest.fixture
def run(path: Path, backups: Path) -> Run:
    """The module and its action plugin; `meanwhile` is done between its two calls."""

    def call(*, check: bool = False, meanwhile: Callable[[], object] = int, **options: Any) -> Json:
        given = {
            "path": str(path),
            "backup_dir": str(backups),
            "extra_args": WANTED,
            **options,
            "_ansible_check_mode": check,
        }

        def on_the_node(told: Json) -> Json:
            if told:
                meanwhile()
            printed = io.StringIO()
            with arguments({**given, **told}), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
                kubeadm_config.main()
            found: Json = json.loads(printed.getvalue())
            return found

        return {"warnings": [], **set_arguments(on_the_node, check=check)}

    return call


def test_check_run_check_run(run: Run, path: Path, backups: Path) -> None:
    checked = run(check=True)
    assert (checked["changed"], checked["extra_args"], checked["backup_file"]) == (True, ARGS, "")
    assert path.read_bytes() == BEFORE
    assert not backups.exists()

    ran = run()
    assert (ran["changed"], ran["extra_args"], ran["path"]) == (True, ARGS, str(path))
    assert path.read_bytes() == AFTER
    assert Path(ran["backup_file"]).read_bytes() == BEFORE
    assert ran["diff"] == checked["diff"]
    assert ran["warnings"] == []

    for check in (True, False):
        again = run(check=check)
        assert (again["changed"], again["extra_args"], again["backup_file"]) == (False, ARGS, "")
        assert again["diff"]["before"] == again["diff"]["after"]
    assert path.read_bytes() == AFTER
    assert len(list(backups.iterdir())) == 1
    assert sorted(each.name for each in path.parent.iterdir()) == ["etcd-backup", "kubeadm-config.yaml"]


def test_returned_as_documented(run: Run) -> None:
    by_ansible = {"changed", "diff", "invocation", "warnings"}
    by_ansible |= {"gid", "group", "mode", "owner", "secontext", "size", "state", "uid"}  # wherever there is a path
    returned = set(run()) - by_ansible
    assert returned == set(yaml.safe_load(kubeadm_config.RETURN))


def test_diff_shows_no_other_document(run: Run, path: Path) -> None:
    secret = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ncertificateKey: abc\n---\n"
    path.write_bytes(secret.encode() + BEFORE)
    result = run()
    assert result["diff"]["before"] == BEFORE.decode()
    assert result["diff"]["after"] == AFTER.decode()
    assert str(path) in result["diff"]["before_header"]
    assert path.read_bytes() == secret.encode() + AFTER


def test_nothing_wanted_is_an_inspection(run: Run, path: Path) -> None:
    result = run(extra_args={}, remove=[])
    assert (result["changed"], result["extra_args"]["auto-compaction-retention"]) == (False, "8")
    assert path.read_bytes() == BEFORE


REPLACED: list[tuple[str, Json, list[str], Json]] = [
    ("another value", {"quota-backend-bytes": "5GiB"}, [], {"quota-backend-bytes": "8589934592"}),
    ("a new one", {"max-wals": "7"}, [], {}),
    ("one that goes", {}, ["quota-backend-bytes", "max-wals"], {"quota-backend-bytes": "8589934592"}),
    ("the same", {"quota-backend-bytes": "8GiB"}, [], {}),
    ("in other words", {"auto-compaction-retention": "8h"}, [], {}),
]


@pytest.mark.parametrize(("wanted", "remove", "replaced"), table(REPLACED))
def test_replaced(run: Run, wanted: Json, remove: list[str], replaced: Json) -> None:
    for check in (True, False):
        assert run(extra_args=wanted, remove=remove, check=check)["replaced"] == replaced
    assert run(extra_args=wanted, remove=remove)["replaced"] == {}


def test_removed(run: Run, path: Path) -> None:
    result = run(extra_args={}, remove=["quota-backend-bytes", "max-wals"])
    assert result["changed"]
    assert "quota-backend-bytes" not in result["extra_args"]
    assert b"quota" not in path.read_bytes()
    assert not run(extra_args={}, remove=["quota-backend-bytes"])["changed"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_mode_and_owner_stay(run: Run, path: Path, mode: int) -> None:
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, 12345, 54321)
    before = path.stat()
    ran = run()
    after = path.stat()
    assert path.read_bytes() == AFTER
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    backup = Path(ran["backup_file"])
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700


def test_a_link_stays_a_link(run: Run, path: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links/config.yaml"
    link.symlink_to("../kubeadm-config.yaml")
    result = run(path=str(link))
    assert result["path"] == str(path)
    assert link.is_symlink()
    assert path.read_bytes() == AFTER
    assert [each.name for each in link.parent.iterdir()] == ["config.yaml"]
    assert Path(result["backup_file"]).name.startswith("config.yaml.")


def test_backups_never_overwrite(run: Run, path: Path, backups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        copies.time, "gmtime", lambda *seconds: copies.time.struct_time((2026, 11, 23, 1, 2, 3, 0, 327, 0))
    )
    for number in range(3):
        path.write_bytes(BEFORE + b"# %d\n" % number)
        run()
    names = [f"kubeadm-config.yaml.20261123T010203Z{ending}" for ending in ("", "-2", "-3")]
    assert sorted(each.name for each in backups.iterdir()) == names
    assert [(backups / name).read_bytes()[-2:-1] for name in names] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("check", [True, False])
def test_backups_beside_manifests_are_refused(run: Run, path: Path, tmp_path: Path, check: bool) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (tmp_path / "elsewhere").symlink_to(manifests)
    (tmp_path / "pods").mkdir()
    (tmp_path / "pods/etcd.yaml").touch()
    for directory, sentence in (
        (manifests, "is inside a manifests folder: the kubelet reads every file there."),
        (manifests / "backup", "is inside a manifests folder"),
        (tmp_path / "elsewhere", "is inside a manifests folder"),
        (tmp_path / "pods", "holds etcd.yaml: the kubelet may read every file there."),
        (path, "is not a folder."),
    ):
        result = run(backup_dir=str(directory), check=check)
        assert result["failed"]
        assert sentence in result["msg"]
        assert "Nothing was changed. Choose another one" in result["msg"]
    assert path.read_bytes() == BEFORE
    assert not list(manifests.iterdir())


HEADER = (
    "Line 1 holds only comments before the --- on line 2: kubeadm takes that for an empty document and refuses the"
    " whole file (kind and apiVersion is mandatory). Nothing was changed. Remove the --- on line 2, or move what is"
    " above it below it."
)

BY_HAND = (
    "The value of auto-compaction-retention in line 13 is not a simple scalar. Nothing was changed. Leave everything"
    " else in etcd and etcd.local (dataDir). Write these lines by hand:"
    '\netcd:\n  local:\n    extraArgs:\n    - name: quota-backend-bytes\n      value: "8589934592"\n'
)

MESSAGES: list[tuple[bytes, str]] = [
    (b"# ours\n---\n" + BEFORE, HEADER),
    (BEFORE.replace(b'"8"', b"[8]"), BY_HAND),
    (b"a: \xff\n", "Line 1 is not UTF-8 (byte 3). Nothing was changed. Convert the file to UTF-8."),
]


@pytest.mark.parametrize(("content", "message"), MESSAGES, ids=["comment", "lines by hand", "not UTF-8"])
@pytest.mark.parametrize("check", [True, False])
def test_refused(run: Run, path: Path, backups: Path, content: bytes, message: str, check: bool) -> None:
    path.write_bytes(content)
    result = run(check=check)
    assert result["failed"]
    assert result["msg"].startswith(f"Setting etcd.local.extraArgs in {path} was refused. {message}")
    assert path.read_bytes() == content
    assert not backups.exists()


def test_bad_arguments_are_refused(run: Run, path: Path) -> None:
    result = run(extra_args={"auto-compaction-mode": "revision", "auto-compaction-retention": "5m"})
    assert "never compacts. Nothing was changed. Give auto-compaction-mode and" in result["msg"]
    assert path.read_bytes() == BEFORE


def test_no_file(run: Run, path: Path, tmp_path: Path) -> None:
    path.unlink()
    assert f"was refused. There is no {path} on this node. Nothing was changed." in run()["msg"]
    path.mkdir()
    assert f"was refused. {path} is not a regular file, or is a broken link. Nothing was changed." in run()["msg"]
    (tmp_path / "link").symlink_to("nowhere")
    assert "is not a regular file, or is a broken link." in run(path=str(tmp_path / "link"))["msg"]


def test_not_root(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_arguments: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    for module, name in ((copies, "back_up"), (config, "read")):
        monkeypatch.setattr(module, name, denied)
        assert run()["msg"] == (
            f"Setting etcd.local.extraArgs in {path} failed: [Errno 13] Permission denied. Nothing was changed. Run"
            " this as root (become)."
        )
    assert path.read_bytes() == BEFORE


def test_warnings_name_the_file(run: Run, path: Path) -> None:
    result = run(extra_args={"listen-metrics-urls": "http://192.0.2.1:2381"})
    (warning,) = result["warnings"]
    assert warning.startswith(f"{path}: listen-metrics-urls holds 192.0.2.1. These arguments are the same on every")


def test_somebody_else_was_quicker(run: Run, path: Path, backups: Path) -> None:
    """What the controller has edited is not what is there any more: nothing is written, not even a copy."""
    theirs = BEFORE + b"# theirs\n"
    result = run(meanwhile=lambda: path.write_bytes(theirs))
    assert (result["failed"], result["code"]) == (True, "changed_meanwhile")
    assert result["msg"] == (
        f"Setting etcd.local.extraArgs in {path} was refused. Somebody else changed {path} at the same time. Nothing"
        " was changed. Run this again."
    )
    assert path.read_bytes() == theirs
    assert not backups.exists()


def test_every_byte_comes_back(run: Run, path: Path) -> None:
    """On its way to the controller and back: line breaks, blanks, Jinja, and letters of all kinds."""
    more = "\ufeff# {{ not_a_variable }} {% raw %} ü \U0001f600 \\u0041\r\n"
    path.write_bytes(more.encode() + BEFORE.replace(b"\n", b"\r\n"))
    assert run()["changed"]
    assert path.read_bytes() == more.encode() + AFTER.replace(b"\n", b"\r\n")


def test_a_disk_that_fails_leaves_the_file(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    result = run()
    assert "failed: [Errno 28] No space left on device. Nothing was changed." in result["msg"]
    assert path.read_bytes() == BEFORE
    assert [each.name for each in path.parent.iterdir() if each.name.endswith(".part")] == []
