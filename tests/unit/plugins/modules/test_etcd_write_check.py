# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_write_check: what it returns, and how it fails."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, member, table, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.hashes import Comparison
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import Baseline, Write, WriteCheck
from ansible_collections.controlplane.etcd.plugins.modules import etcd_write_check

SILENT = view(member(1), member(2, error="down"))
ARMED = view(member(1), alarms=[Alarm(1, "NOSPACE")])


def options(*, check: bool = False, **given: Any) -> FakeModule:
    return FakeModule(
        check=check, **{"baseline": None, "disarm": False, "growth_anew": False, "settle_seconds": 7.0, **given}
    )


CHECKS: list[tuple[str, bool, list[str], list[str]]] = [
    ("run", False, ["cp1"], ["cp2 does not answer (down)."]),
    ("check mode: nothing is said again", True, [], []),
]


@pytest.mark.parametrize(("check", "writes", "findings"), table(CHECKS))
def test_check(monkeypatch: pytest.MonkeyPatch, check: bool, writes: list[str], findings: list[str]) -> None:
    asked: list[float] = []

    def check_writes(
        _inspect: object, _connect: object, *, settle_seconds: float, baseline: Baseline | None, growth_anew: bool
    ) -> WriteCheck:
        assert (baseline, growth_anew) == (None, False)
        asked.append(settle_seconds)
        return WriteCheck(
            (Write("cp1", True, ""), Write("cp3", False, "no")), Baseline.of(SILENT), SILENT, 10.0, Comparison(None), ()
        )

    monkeypatch.setattr(etcd_write_check, "check_writes", check_writes)
    module, member_ = options(check=check), FakeMember(SILENT)
    result = etcd_write_check.check(module, member_)  # type: ignore[arg-type]  # both are made
    assert asked == ([] if check else [7.0])
    assert (result["changed"], result["writes"], result["findings"]) == (False, writes, findings)
    assert (result["baseline"] is None) is check
    assert (result["growth_bytes_per_minute"], result["minutes_to_full"], result["hashes_agree"]) == (0.0, None, None)


def test_check_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = WriteCheck((), Baseline.of(SILENT), SILENT, 0.0, Comparison(None), ("there is no leader", "and more"))
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: failed)
    with pytest.raises(errors.WriteRefused, match=r"^there is no leader; and more$"):
        etcd_write_check.check(options(settle_seconds=0.0), FakeMember(SILENT))  # type: ignore[arg-type]  # both are made


def test_growth_is_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = view(member(1)), view(member(1, in_use=100 * MIB + 100))
    done = WriteCheck((), Baseline.of(before), after, 7.0, Comparison(True), ())
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: done)
    result = etcd_write_check.check(options(), FakeMember(after))  # type: ignore[arg-type]  # both are made
    assert (result["growth_bytes_per_minute"], result["minutes_to_full"]) == (857.1, 611669.3)
    assert result["hashes_agree"] is True


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("holder", ["me", "another"])
@pytest.mark.parametrize("unlock", [True, False])
def test_lock_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unlock: bool, holder: str, check: bool
) -> None:
    """Only after the writes, only if nothing is left to do on this node, and only one's own."""
    path = str(tmp_path / "run.lock")
    lock = Lock(holder, "somebody", time.time() + 60)
    run_lock.take(path, lock)

    def check_writes(*_arguments: object, **_options: object) -> WriteCheck:
        assert run_lock.read(path) == lock
        return WriteCheck((), Baseline.of(ARMED), ARMED, 0.0, Comparison(None), ())

    monkeypatch.setattr(etcd_write_check, "check_writes", check_writes)
    module = options(check=check, unlock=unlock, run="me", lock_path=path)
    result = etcd_write_check.work(module, FakeMember(ARMED))  # type: ignore[arg-type]  # both are made
    given_back = holder == "me" and not check
    assert result.get("unlocked") == (given_back if unlock else None)
    assert run_lock.read(path) == (None if unlock and given_back else lock)


def test_lock_is_kept_if_writes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "run.lock")
    lock = Lock("me", "somebody", time.time() + 60)
    run_lock.take(path, lock)
    failed = WriteCheck((), Baseline.of(SILENT), SILENT, 0.0, Comparison(None), ("there is no leader",))
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: failed)
    with pytest.raises(errors.WriteRefused):
        etcd_write_check.work(options(unlock=True, run="me", lock_path=path), FakeMember(SILENT))  # type: ignore[arg-type]  # both are made
    assert run_lock.read(path) == lock


DISARM = "/v3/maintenance/alarm"


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("seen", "names"), [(ARMED, ["cp1"]), (view(member(1)), [])], ids=["armed", "not armed"])
def test_disarm_first(monkeypatch: pytest.MonkeyPatch, seen: ClusterView, names: list[str], check: bool) -> None:
    asked = FakeMember(seen, {DISARM: {}})

    def check_writes(*_arguments: object, **_options: object) -> WriteCheck:
        assert len(asked.transport.calls) == 2 * len(names)  # disarmed, and read back
        return WriteCheck((), Baseline.of(seen), seen, 0.0, Comparison(None), ())

    monkeypatch.setattr(etcd_write_check, "check_writes", check_writes)
    result = etcd_write_check.disarm_and_check(options(check=check, disarm=True), asked)  # type: ignore[arg-type]  # both are made
    assert (result["changed"], result["disarmed"]) == (bool(names), names)
    assert (result["baseline"] is None) is check
    assert not (check and asked.transport.calls)


def test_nothing_is_written_if_the_alarm_would_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: pytest.fail("it writes"))
    full = view(member(1, size=960 * MIB), alarms=[Alarm(1, "NOSPACE")])
    with pytest.raises(Refused) as caught:
        etcd_write_check.disarm_and_check(options(disarm=True), FakeMember(full))  # type: ignore[arg-type]  # both are made
    assert caught.value.code == "not_enough_reclaimed"


def test_no_disarm_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    done = WriteCheck((), Baseline.of(ARMED), ARMED, 0.0, Comparison(None), ())
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: done)
    result = etcd_write_check.disarm_and_check(options(), FakeMember(ARMED))  # type: ignore[arg-type]  # both are made
    assert (result["changed"], "disarmed" in result) == (False, False)
