# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""run_lock, as Ansible runs it: of two runs exactly one gets it, and a lock that no longer counts stops nobody."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lock that nobody has taken, in a directory that is not there yet."""
    return tmp_path / "run/etcd.lock"


def test_of_two_at_once_one_gets_it(start_ansible_module: Any, path: Path) -> None:
    waiting = {
        run: start_ansible_module("run_lock", None, lock_path=str(path), run=run, owner=f"{run}@admin")
        for run in ("one", "two")
    }
    results = {run: wait() for run, wait in waiting.items()}
    (winner,) = (run for run, result in results.items() if not result["failed"])
    (loser,) = results.keys() - {winner}
    assert results[winner]["changed"] is True
    assert results[winner]["taken_over"] is None
    assert f"Another run works on this node: {winner}@admin; its lock counts until " in results[loser]["msg"]
    assert f"take {path} over: " in results[loser]["msg"]
    assert " Nothing was changed. " in results[loser]["msg"]
    held = json.loads(path.read_text("utf-8"))
    assert (held["run"], held["owner"]) == (winner, f"{winner}@admin")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_many_at_once_one_gets_it(start_module: Any, path: Path) -> None:
    started = [start_module("run_lock", None, lock_path=str(path), run=str(run), owner="x") for run in range(6)]
    results = [background.result() for background in started]
    assert [result["failed"] for result in results].count(False) == 1


def test_from_taking_to_releasing(module: Any, path: Path) -> None:
    mine = {"lock_path": str(path), "run": "one", "owner": "one@admin"}
    assert module("run_lock", None, check=True, **mine)["changed"] is True
    assert not path.exists()
    assert module("run_lock", None, **mine)["changed"] is True
    first = json.loads(path.read_text("utf-8"))["until"]
    renewed = module("run_lock", None, **mine)
    assert not renewed["failed"]
    assert renewed["taken_over"] is None
    assert json.loads(path.read_text("utf-8"))["until"] > first

    other = {"lock_path": str(path), "run": "two"}
    text = path.read_text("utf-8")
    assert module("run_lock", None, owner="x", **other)["failed"]
    checked = module("run_lock", None, check=True, owner="x", **other)
    assert not checked["failed"]
    assert checked["changed"] is False
    assert "Another run works on this node: one@admin" in checked["warnings"][0]
    assert module("run_lock", None, state="released", **other)["changed"] is False
    assert path.read_text("utf-8") == text

    assert module("run_lock", None, check=True, state="released", **mine)["changed"] is True
    assert path.exists()
    assert module("run_lock", None, state="released", **mine)["changed"] is True
    assert not path.exists()
    assert module("run_lock", None, state="released", **mine)["changed"] is False


@pytest.mark.parametrize("how", ["its time is over", "its run has ended"])
def test_a_lock_that_no_longer_counts(module: Any, path: Path, how: str) -> None:
    expired = how == "its time is over"
    seconds = -1 if expired else 3600
    module("run_lock", None, lock_path=str(path), run="one", owner="one@admin", seconds=seconds)
    ended = [] if expired else ["zero", "one"]
    result = module("run_lock", None, lock_path=str(path), run="two", owner="two@admin", ended=ended)
    assert not result["failed"], result["msg"]
    assert (result["taken_over"]["run"], result["taken_over"]["owner"]) == ("one", "one@admin")
    assert "The lock of one@admin was taken over" in result["warnings"][0]
    assert json.loads(path.read_text("utf-8"))["run"] == "two"


def test_by_force(module: Any, path: Path) -> None:
    module("run_lock", None, lock_path=str(path), run="one", owner="one@admin")
    result = module("run_lock", None, lock_path=str(path), run="two", owner="two@admin", take_over=True)
    assert not result["failed"], result["msg"]
    assert "The lock of one@admin was taken over by force." in result["warnings"][0]
    # Whose it was is told when it finds out.
    released = module("run_lock", None, lock_path=str(path), run="one", state="released")
    assert released["changed"] is False
    assert released["lock"]["owner"] == "two@admin"
    assert released["warnings"][0].startswith("Nothing was released: another run works on this node: two@admin; ")


def test_modules_keep_the_lock_of_their_run(make_cluster: Any, module: Any, path: Path) -> None:
    (node,) = make_cluster(members=1).nodes
    given = {"lock_path": str(path), "run": "one"}
    module("run_lock", None, owner="one@admin", seconds=-1, **given)
    expired = json.loads(path.read_text("utf-8"))
    assert not module("etcd_compact", node, check=True, **given)["failed"]
    assert json.loads(path.read_text("utf-8")) == expired
    assert not module("etcd_compact", node, **given)["failed"]
    renewed = json.loads(path.read_text("utf-8"))
    assert (renewed["run"], renewed["owner"]) == ("one", "one@admin")
    assert renewed["until"] > expired["until"] + 500

    module("run_lock", None, owner="two@admin", take_over=True, lock_path=str(path), run="two")
    taken = path.read_text("utf-8")
    lost = module("etcd_compact", node, **given)
    assert (lost["failed"], lost["code"], lost["lock"]["owner"]) == (True, "lock_lost", "two@admin")
    assert "Compacting through " in lost["msg"]
    assert not module("etcd_compact", node, lock_path=str(path))["failed"]
    assert path.read_text("utf-8") == taken


def test_a_file_that_is_no_lock_stops_nobody(module: Any, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("half a li", "ascii")
    assert module("run_lock", None, lock_path=str(path), run="one", owner="x")["changed"] is True
    assert json.loads(path.read_text("utf-8"))["run"] == "one"


def test_a_path_that_cannot_be(module: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "ascii")
    result = module("run_lock", None, lock_path=str(tmp_path / "file/lock"), run="one", owner="x")
    assert result["failed"]
    assert f"The lock {tmp_path}/file/lock cannot be used: " in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")


def test_the_node_s_lock_shows_before_anything_is_done(make_cluster: Any, module: Any, path: Path) -> None:
    (node,) = make_cluster(members=1, start=False).nodes
    module("run_lock", None, lock_path=str(path), run="one", owner="one@admin")
    assert module("etcd_node_info", node, lock_path=str(path), timeout=1)["lock"]["owner"] == "one@admin"
