# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: which file it reads, its result, and what it fails with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from unit.bolt_files import Change, database, meta_page
from unit.builders import Json, main_of
from unit.stopped_node import stopped_node, write_pki

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import usage
from ansible_collections.controlplane.etcd.plugins.modules import etcd_usage_info

DATA = database([Change(b"/k8s/pods/a/1", b"x"), Change(b"/k8s/pods/a/1", b"yy"), Change(b"/k8s/minions/cp1", b"z")])


def given(**more: object) -> Json:
    usual: Json = {"managed_fields": False, "manifest": "/none", "path": None, "prefix": "/registry", "since": None}
    return {**usual, "top": 10, **more}


def keys_of(value: object) -> object:
    """The keys of a result all the way down; of a list, those of its first entry."""
    if isinstance(value, dict):
        return {key: keys_of(each) for key, each in value.items()}
    return keys_of(value[0]) if isinstance(value, list) and value else None


def documented(returned: Json) -> Json:
    return {key: documented(each["contains"]) if "contains" in each else None for key, each in returned.items()}


def test_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "db").write_bytes(DATA)
    (tmp_path / "before.db").write_bytes(database([Change(b"/k8s/pods/a/1", b"x")]))
    os.utime(tmp_path / "db", (8200, 8200))
    os.utime(tmp_path / "before.db", (1000, 1000))
    found = main_of(
        etcd_usage_info,
        given(path=str(tmp_path / "db"), prefix="/k8s", since=str(tmp_path / "before.db")),
        monkeypatch,
    )
    assert keys_of(found) == {"changed": None, **documented(yaml.safe_load(etcd_usage_info.RETURN))}
    assert (found["changed"], found["consistent"], found["path"]) == (False, True, str(tmp_path / "db"))
    assert [(each["resource"], each["live_keys"], each["history_revisions"]) for each in found["resources"]] == [
        ("pods", 1, 1),
        ("nodes", 1, 0),
    ]
    assert found["hottest"] == [{"key": "/k8s/pods/a/1", "revisions": 2}]
    growth = found["growth"]
    assert (growth["seconds"], growth["revisions_per_hour"]) == (7200, 1)
    assert [(each["resource"], each["live_keys_per_hour"]) for each in growth["resources"]] == [
        ("nodes", 0),
        ("pods", 0),
    ]


def test_managed_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = b'{"metadata":{"managedFields":[1]}}'
    (tmp_path / "db").write_bytes(database([Change(b"/registry/a/b/c", value), Change(b"/registry/a/b/d", b"x")]))
    for asked, expected in ((True, len(b'"managedFields":[1]')), (False, None)):
        found = main_of(etcd_usage_info, given(path=str(tmp_path / "db"), managed_fields=asked), monkeypatch)
        records = [found["total"], *found["resources"], *found["namespaces"], *found["consumers"]]
        assert [each["managed_fields_bytes"] for each in records] == [expected] * 4


def test_database_of_the_nodes_own_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = stopped_node(tmp_path, write_pki(tmp_path / "written"))
    path = Path(etcd_usage_info.read_settings(node["manifest"]).database)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(DATA)
    found = main_of(etcd_usage_info, given(manifest=node["manifest"], top=1), monkeypatch)
    assert (found["path"], found["total"]["live_keys"], len(found["largest"])) == (str(path), 2, 1)


def test_moving_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "db").write_bytes(DATA)
    txids = iter(range(99))
    monkeypatch.setattr(usage, "_txid", lambda _data: next(txids))
    found = main_of(etcd_usage_info, given(path=str(tmp_path / "db")), monkeypatch)
    assert (found["consistent"], found["total"]["live_keys"]) == (False, 2)
    assert found["warnings"] == [
        f"etcd wrote to {tmp_path}/db while it was read, so the numbers may be off by what it wrote."
    ]


def test_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "db").write_bytes(meta_page(0, root=2, pages=3, txid=1))
    (tmp_path / "whole").write_bytes(DATA)
    for options, expected in (
        (
            {"path": str(tmp_path / "db")},
            {
                "code": "database_damaged",
                "msg": (
                    f"Reading the database failed. {tmp_path}/db cannot be read as a database of etcd: cut off: 3 pages"
                    " should be there. Nothing was changed. Give the path of a snapshot that is whole (etcd_snapshot"
                    " takes one)."
                ),
            },
        ),
        (
            {"manifest": str(tmp_path / "etcd.yaml")},
            {
                "code": "manifest_missing",
                "msg": (
                    f"Reading the database failed. There is no {tmp_path}/etcd.yaml on this node. Nothing was changed."
                    " Name the file to read (path)."
                ),
            },
        ),
        (
            {"path": str(tmp_path / "none")},
            {
                "code": "file_error",
                "msg": (
                    "Reading the database failed: [Errno 2] No such file or directory:"
                    f" '{tmp_path}/none'. Nothing was changed."
                ),
            },
        ),
        (
            {"path": str(tmp_path / "whole"), "since": str(tmp_path / "whole")},
            {
                "code": "invalid_option",
                "msg": (
                    f"Reading the database failed. {tmp_path}/whole cannot be an earlier look at {tmp_path}/whole: it"
                    " is not older than what it is compared with. Nothing was changed. Give a snapshot of this cluster"
                    " that was taken before."
                ),
            },
        ),
        (
            {"top": -1},
            {
                "code": "invalid_option",
                "msg": "Reading the database failed. top is -1. Nothing was changed. It takes 0 or more.",
            },
        ),
    ):
        assert main_of(etcd_usage_info, given(**options), monkeypatch) == {"failed": True, **expected}
