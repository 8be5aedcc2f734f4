# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of modules: what becomes of a result, and of every kind of failure."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from unit.builders import Exited, Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils import _module
from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock, time_limit
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors


class FakeModule:
    _name = "kubelet"
    check_mode = False

    def __init__(self, **params: Any) -> None:
        self.params = params

    def exit_json(self, **result: object) -> None:
        raise Exited(result)

    def fail_json(self, **result: object) -> None:
        raise Exited({"failed": True, **result})


class Detailed(Failure):
    def details(self) -> dict[str, Any]:
        return {"more": 1}


def outcome(found: Exception | Json, *, unchanged: str = "Nothing was changed.") -> Json:
    """The result of a module whose body raises or returns this."""

    def body(_module: object) -> Json:
        return result_of(found)

    with pytest.raises(Exited) as caught:
        _module.run(FakeModule(), body, doing="Working", unchanged=unchanged)  # type: ignore[arg-type]  # it is made
    return dict(caught.value.args[0])


def result_of(found: Exception | Json) -> Json:
    if isinstance(found, Exception):
        raise found
    return found


RUNS: list[tuple[str, Exception | Json, Json]] = [
    ("a result", {"changed": True}, {"changed": True}),
    (
        "a failure",
        Failure("x", "It broke.", "Mend it."),
        {"failed": True, "code": "x", "msg": "Working failed. It broke. Nothing was changed. Mend it."},
    ),
    (
        "a refusal",
        Refused("x", "It is full."),
        {"failed": True, "code": "x", "msg": "Working was refused. It is full. Nothing was changed."},
    ),
    (
        "with details",
        Detailed("x", "It broke."),
        {"failed": True, "code": "x", "more": 1, "msg": "Working failed. It broke. Nothing was changed."},
    ),
    (
        "a file",
        PermissionError(13, "Permission denied", "/x"),
        {
            "failed": True,
            "code": "file_error",
            "msg": (
                "Working failed: [Errno 13] Permission denied: '/x'. Nothing was changed. Run this as root (become)."
            ),
        },
    ),
    (
        "etcd",
        errors.TimedOut("no answer within 10 s", endpoint="https://192.0.2.1:2379"),
        {
            "failed": True,
            "code": "timed_out",
            "msg": ("Working through https://192.0.2.1:2379 failed: no answer within 10 s. Nothing was changed."),
        },
    ),
]


@pytest.mark.parametrize(("found", "expected"), table(RUNS))
def test_run(found: Exception | Json, expected: Json) -> None:
    assert outcome(found) == expected


def test_bug_is_no_failure() -> None:
    """It shows where it is."""
    with pytest.raises(KeyError):
        _module.run(FakeModule(), lambda _module: {}["x"], doing="Working")  # type: ignore[arg-type]  # it is made


def leased(path: Path, *, run: str | None = "me", check: bool = False, **options: Any) -> tuple[Json, Lock | None]:
    """The result of a module that keeps a lease, and the lock that its body has seen."""
    module, seen = FakeModule(run=run, lock_path=str(path)), []
    module.check_mode = check

    def body(_module: object) -> Json:
        seen.append(run_lock.read(str(path)))
        return {"changed": True}

    with pytest.raises(Exited) as caught:
        _module.run(module, body, doing="Working", **options)  # type: ignore[arg-type]  # it is made
    return dict(caught.value.args[0]), seen[0] if seen else None


def test_lock_is_renewed_before_the_work(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    run_lock.take(str(path), Lock("me", "root@a", 1.0))
    result, seen = leased(path)
    assert result == {"changed": True}
    assert seen
    assert (seen.run, seen.owner, seen.until > time.time()) == ("me", "root@a", True)


NOT_LEASED: list[tuple[str, dict[str, Any]]] = [
    ("no run", {"run": None}),
    ("an empty run", {"run": ""}),
    ("check mode", {"check": True}),
    ("not to be leased", {"leased": False}),
]


@pytest.mark.parametrize("held", [None, Lock("them", "root@b", 32503680000.0)], ids=["free", "another's"])
@pytest.mark.parametrize("options", table(NOT_LEASED))
def test_lock_is_left_as_it_is(tmp_path: Path, options: dict[str, Any], held: Lock | None) -> None:
    path = tmp_path / "x.lock"
    if held:
        run_lock.take(str(path), held)
    assert leased(path, **options) == ({"changed": True}, held)
    assert run_lock.read(str(path)) == held


def test_nothing_is_done_when_the_lock_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    run_lock.take(str(path), Lock("them", "root@b", 32503680000.0))
    assert leased(path) == (
        {
            "failed": True,
            "code": "lock_lost",
            "lock": {"run": "them", "owner": "root@b", "until": 32503680000.0},
            "msg": (
                "Working was refused. This node's lock has gone to another run, root@b, and counts until 3000-01-01"
                " 00:00:00 UTC by this node's clock. This step was not begun; what was done before it stays done. Find"
                " out what that run does here, and run this again when it is over."
            ),
        },
        None,
    )


def test_a_lock_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result, seen = leased(tmp_path / "file/x.lock")
    assert (result["failed"], result["code"], seen) == (True, "file_error", None)


@pytest.mark.parametrize(
    ("name", "check_mode", "unchanged"),
    [
        ("etcd_node_info", False, "Nothing was changed."),
        ("kubelet", True, "Nothing was changed."),
        ("kubelet", False, "How far it came is not known."),
    ],
)
def test_a_module_that_has_no_time_left(
    monkeypatch: pytest.MonkeyPatch, name: str, check_mode: bool, unchanged: str
) -> None:
    """Nothing is known of what it was in the middle of, except if it only looks."""
    monkeypatch.setenv(time_limit.VARIABLE, "1")
    module = FakeModule()
    module._name, module.check_mode = name, check_mode

    def hang(_module: object) -> Json:
        threading.Event().wait()
        return {}

    with pytest.raises(Exited) as caught:
        _module.run(module, hang, doing="Working", unchanged="No member was changed.")  # type: ignore[arg-type]  # it is made
    result = caught.value.args[0]
    assert result["code"] == "node_hangs"
    assert result["msg"] == f"Working failed. It had not finished after 1 s. {unchanged} {time_limit.ADVICE}"
