# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tool says of what fills a database, to people and to programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from unit.bolt_files import Change, database
from unit.builders import member, view
from unit.node_tool_fakes import FakeNode
from unit.stopped_node import stopped_node, write_pki

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import Wanted, measure
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import usage
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.context import Context, Paths

BEFORE = [Change(b"/registry/pods/shop/a", b"x" * 1_048_576), Change(b"/registry/nodes/cp1", b"y")]
AFTER = [
    *BEFORE,
    Change(b"/registry/pods/shop/a", b"x" * 2_097_152),
    Change(b"/registry/kyverno.io/reports/shop/\x1b[2J\n<b>", b"z" * 3_145_728),
    Change(b"/registry/nodes/cp1", None),
]


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path, view(member(1)))


def written(path: Path, changes: list[Change], moment: float) -> str:
    path.write_bytes(database(changes))
    os.utime(path, (moment, moment))
    return str(path)


def test_tables(node: FakeNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, path = written(tmp_path / "a", BEFORE, 1000.0), written(tmp_path / "b", AFTER, 4600.0)
    assert usage.usage(node, usage.Options(path, before)) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        f"{path}: 6.0 MiB (live 5.0 MiB, history 1.0 MiB, free 0.0 MiB, overhead 0.0 MiB), revision 6\n"
    )
    rows = [line.split("  ") for line in said.splitlines()]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert ["reports.kyverno.io", "1", "3.0 MiB", "0.0 MiB", "1"] in cells
    assert ["pods in shop", "1", "2.0 MiB", "1.0 MiB", "2"] in cells
    assert ["nodes", "0", "0.0 MiB", "0.0 MiB", "2"] in cells
    # What a terminal would obey, or a second line, is shown as text.
    assert [r"/registry/kyverno.io/reports/shop/\x1b[2J\x0a<b>", "3.0 MiB"] in cells
    assert ["/registry/pods/shop/a", "2"] in cells
    assert "\nin 1.0 h: file +5.0 MiB/h, +3 revisions/h\n" in said
    assert ["nodes", "-1", "-0.0 MiB", "+1"] in cells
    assert ["namespace shop", "+1", "+4.0 MiB", "+2"] in cells
    assert ["namespace (none)", "-1", "-0.0 MiB", "+1"] in cells
    assert "\x1b" not in said


def test_without_rows(node: FakeNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert usage.usage(node, usage.Options(written(tmp_path / "a", AFTER, 1.0), wanted=Wanted(top=0))) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_json(node: FakeNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, path = written(tmp_path / "a", BEFORE, 1000.0), written(tmp_path / "b", AFTER, 8200.0)
    assert usage.usage(node, usage.Options(path, before, as_json=True)) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["path"], found["total"]["live_keys"], found["growth"]["seconds"]) == (path, 2, 7200)
    assert [each["resource"] for each in found["growth"]["resources"]] == ["reports", "pods", "nodes"]


def test_what_moved_is_said(tmp_path: Path) -> None:
    found = measure(database(BEFORE))
    said = usage.lines("db", usage.Usage(**{**vars(found), "consistent": False}), None)
    assert said[1].startswith("etcd wrote to it while it was read")


def test_database_of_the_nodes_own_member(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = stopped_node(tmp_path, write_pki(tmp_path / "written"))["manifest"]
    path = Path(read_manifest(manifest).database)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(database(BEFORE))
    context = Context(Paths(manifest, "", "", ""), 1.0)
    assert usage.usage(context, usage.Options()) == 0
    assert capsys.readouterr().out.startswith(f"{path}: ")


def test_failures(node: FakeNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text").write_text("no database")
    whole = written(tmp_path / "a", BEFORE, 1.0)
    for options, said in (
        (usage.Options(str(tmp_path / "text")), "cannot be read as a database of etcd: no valid meta page"),
        (usage.Options(str(tmp_path / "none")), "Reading the database failed: [Errno 2] No such file"),
        (usage.Options(whole, since=whole), "it is not older than what it is compared with. Nothing was changed."),
    ):
        assert usage.usage(node, options) == 1
        assert said in capsys.readouterr().out
