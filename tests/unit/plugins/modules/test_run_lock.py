# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""run_lock: what it returns and says, with and without check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import Json, main_of, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.modules import run_lock as run_lock_module

MINE, OTHERS = Lock("me", "root@a, recover", 2000.0), Lock("them", "root@b, recover", 32503680000.0)


def run(path: Path, monkeypatch: pytest.MonkeyPatch, *, check: bool = False, **params: Any) -> Json:
    given: Json = {"ended": [], "lock_path": str(path), "owner": "root@a, recover", "run": "me"}
    given |= {"seconds": 60, "state": "taken", "take_over": False}
    return main_of(run_lock_module, {**given, **params}, monkeypatch, check=check)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    path = tmp_path / "x.lock"
    assert run(path, monkeypatch, check=check) == {"changed": True, "taken_over": None}
    held = run_lock.read(str(path))
    assert (held and held.run) == (None if check else "me")


SAID = (
    "nother run works on this node: root@b, recover; its lock counts until 3000-01-01 00:00:00 UTC by this node's"
    " clock, unless it is renewed."
)


def test_held_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.lock"
    run_lock.take(str(path), OTHERS)
    advice = run_lock.Locked(OTHERS, str(path)).advice
    assert run(path, monkeypatch) == {
        "failed": True,
        "code": "locked",
        "lock": {"run": "them", "owner": "root@b, recover", "until": 32503680000.0},
        "msg": f"Taking the run lock was refused. A{SAID} Nothing was changed. {advice}",
    }
    assert run(path, monkeypatch, check=True) == {
        "changed": False,
        "taken_over": None,
        "warnings": [f"A{SAID} {advice}"],
    }
    assert run_lock.read(str(path)) == OTHERS


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    path = tmp_path / "x.lock"
    run_lock.take(str(path), OTHERS)
    assert run(path, monkeypatch, check=check, ended=["them"]) == {
        "changed": True,
        "taken_over": {"run": "them", "owner": "root@b, recover", "until": 32503680000.0},
        "warnings": ["The lock of root@b, recover was taken over: that run has ended or its time is over."],
    }
    held = run_lock.read(str(path))
    assert (held and held.run) == ("them" if check else "me")


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_taken_over_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    path = tmp_path / "x.lock"
    run_lock.take(str(path), OTHERS)
    assert run(path, monkeypatch, check=check, take_over=True) == {
        "changed": True,
        "taken_over": {"run": "them", "owner": "root@b, recover", "until": 32503680000.0},
        "warnings": [
            (
                "The lock of root@b, recover was taken over by force. It would have counted until 3000-01-01 00:00:00"
                " UTC by this node's clock, unless renewed: if that run is still at work, two work on this node now,"
                " until its next step fails."
            )
        ],
    }
    held = run_lock.read(str(path))
    assert (held and held.run) == ("them" if check else "me")


def test_what_need_not_be_forced_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.lock"
    assert run(path, monkeypatch, take_over=True) == {"changed": True, "taken_over": None}
    run_lock.take(str(path), OTHERS, force=True)
    found = run(path, monkeypatch, take_over=True, ended=["them"])
    assert found["warnings"] == ["The lock of root@b, recover was taken over: that run has ended or its time is over."]


RELEASES: list[tuple[str, Lock | None, bool]] = [
    ("my own", MINE, True),
    ("another's, expired", Lock("them", "root@b, recover", 2000.0), False),
    ("none", None, False),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("held", "released"), table(RELEASES))
def test_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: Lock | None, released: bool, check: bool
) -> None:
    path = tmp_path / "x.lock"
    if held:
        run_lock.take(str(path), held)
    assert run(path, monkeypatch, check=check, state="released") == {
        "changed": released,
        "taken_over": None,
        "lock": None,
    }
    assert run_lock.read(str(path)) == (None if released and not check else held)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_releasing_the_lock_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    path = tmp_path / "x.lock"
    run_lock.take(str(path), OTHERS)
    assert run(path, monkeypatch, check=check, state="released") == {
        "changed": False,
        "taken_over": None,
        "lock": {"run": "them", "owner": "root@b, recover", "until": 32503680000.0},
        "warnings": [f"Nothing was released: a{SAID}"],
    }
    assert run_lock.read(str(path)) == OTHERS
    assert run(path, monkeypatch, check=check, state="released", ended=["them"])["lock"] is None


FILES: list[tuple[str, str, str, str]] = [
    ("taken", "taken", "Taking", "File exists"),
    ("released", "released", "Releasing", "Not a directory"),
]


@pytest.mark.parametrize(("state", "doing", "why"), table(FILES))
def test_file_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, doing: str, why: str
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file/x.lock"
    assert run(path, monkeypatch, state=state) == {
        "failed": True,
        "code": "file_error",
        "msg": f"{doing} the run lock failed. The lock {path} cannot be used: {why}. Nothing was changed.",
    }
