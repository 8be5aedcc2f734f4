# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which a run says what came of its clusters."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import pytest
from ansible.errors import AnsibleError

from ansible_collections.controlplane.etcd.plugins.lookup._result_file import LookupModule


def write(path: Path | str, **parts: object) -> list[str]:
    return LookupModule().run([str(path)], role="recover", run="1", **parts)


def test_records_of_one_run(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("of another program", "utf-8")
    assert write(path) == [str(path)]
    write(path, key="a", record={"outcome": "unfinished"})
    write(path, key="b", record={"outcome": "refused"})
    write(path, key="a", record={"outcome": "recovered"})
    found = json.loads(path.read_text("utf-8"))
    assert {key: each["outcome"] for key, each in found["clusters"].items()} == {"a": "recovered", "b": "refused"}
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]
    LookupModule().run([str(path)], role="recover", run="2")
    assert json.loads(path.read_text("utf-8"))["clusters"] == {}


def test_clusters_that_end_at_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    threads = [Thread(target=write, args=(path,), kwargs={"key": f"{n:02}", "record": {"n": n}}) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text("utf-8"))["clusters"]) == 20


def test_no_file(tmp_path: Path) -> None:
    assert write("") == []
    with pytest.raises(AnsibleError, match=r"^The result cannot be written to .*missing"):
        write(tmp_path / "missing/result.json")


def test_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write("~/result.json") == [str(tmp_path / "result.json")]
