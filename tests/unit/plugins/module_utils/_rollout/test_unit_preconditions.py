# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a unit may be restarted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet_hold, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EtcdUnit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.rollout import ChangeOptions
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.server import Server
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_edit import Source, UnitEdit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_preconditions import (
    refuse_unit,
    time_limit_refusal,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_rollout import UnitRollout

Made = Callable[..., UnitRollout]
PID = 4711
NO_EDIT = UnitEdit("", None, "", {}, {}, MemberSettings("", "", {}, {}, ()))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """``made(start_seconds=0.0, **properties of the unit)``: its etcd runs with what is written."""
    wal = tmp_path / "member/wal/0.wal"
    wal.parent.mkdir(parents=True)
    wal.touch()
    monkeypatch.setattr(process, "find", lambda _settings: PID)
    monkeypatch.setattr(UnitRollout, "differing", lambda *_: [])
    monkeypatch.setattr(UnitRollout, "last_words", lambda _self: " It said so.")

    def make(start_seconds: float = 0.0, **properties: object) -> UnitRollout:
        values: dict[str, object] = {"active": "active", "main_pid": PID, "kind": "notify", "start_timeout": 90.0}
        unit = EtcdUnit("etcd.service", ("etcd",), {}, (), **{**values, **properties})  # type: ignore[arg-type]
        settings = MemberSettings("etcd.service", "", {"data-dir": str(tmp_path)}, {}, ())
        options = ChangeOptions(False, str(tmp_path), False, {}, [], 1.0)
        return UnitRollout(Source(unit, settings, {}), options, {}, start_seconds)

    return make


def test_nothing_speaks_against_it(made: Made) -> None:
    assert refuse_unit(made(), NO_EDIT) == PID


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"needs_reload": True}, "unit_not_reloaded"),
        ({"active": "inactive"}, "unit_stopped"),
        ({"loaded": "masked"}, "unit_masked"),
        ({"start_seconds": 90.0}, "start_timeout_too_short"),
        ({"main_pid": 1}, "etcd_in_container"),
    ],
)
def test_unit_that_is_not_in_order(made: Made, properties: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as caught:
        refuse_unit(made(**properties), NO_EDIT)
    assert caught.value.code == code


def test_data_missing(made: Made, tmp_path: Path) -> None:
    (tmp_path / "member/wal/0.wal").unlink()
    with pytest.raises(Refused) as caught:
        refuse_unit(made(), NO_EDIT)
    assert caught.value.code == "data_missing"


def test_etcd_not_running(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find", lambda _settings: None)
    with pytest.raises(Refused, match="It said so") as caught:
        refuse_unit(made(), NO_EDIT)
    assert caught.value.code == "etcd_not_running"


def test_only_what_is_changed_may_wait_for_a_restart(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UnitRollout, "differing", lambda *_: ["--max-wals"])
    assert refuse_unit(made(), replace(NO_EDIT, before={"max-wals": "5"})) == PID
    with pytest.raises(Refused, match="--max-wals") as caught:
        refuse_unit(made(), replace(NO_EDIT, after={"quota-backend-bytes": "5"}))
    assert caught.value.code == "unit_not_applied"


@pytest.mark.parametrize(
    ("kind", "limit", "seconds", "refused"),
    [
        ("notify", 90.0, 89.0, False),
        ("notify", 90.0, 91.0, True),
        ("simple", 90.0, 91.0, False),
        ("notify", None, 1e4, False),
    ],
)
def test_time_limit(kind: str, limit: float | None, seconds: float, refused: bool) -> None:
    unit = EtcdUnit("etcd.service", ("etcd",), {}, (), kind=kind, start_timeout=limit)
    assert (time_limit_refusal(unit, seconds) is not None) is refused


def test_etcd_in_a_container_of_a_quadlet(made: Made) -> None:
    source = "/etc/containers/systemd/etcd.container"
    with pytest.raises(Refused) as caught:
        refuse_unit(made(main_pid=1, source=source), replace(NO_EDIT, after={"quota-backend-bytes": "5"}))
    assert caught.value.code == "etcd_in_container"
    assert f"podman makes the unit from {source}: put --quota-backend-bytes=5 into" in caught.value.advice


SERVER = Server("rke2", ("/c",), (), {})


def test_etcd_in_the_pod_of_rke2_is_not_its_services_own_process(made: Made) -> None:
    rollout = made(main_pid=1)
    found = replace(rollout, source=replace(rollout.source, server=SERVER))
    assert refuse_unit(found, NO_EDIT) == PID


def test_service_of_rke2_that_a_recovery_holds(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = made(main_pid=1)
    monkeypatch.setattr(kubelet_hold, "read_hold", lambda _name: kubelet_hold.Hold("r1", "timer", 0.0))
    with pytest.raises(Refused, match="rke2-server, which is the kubelet here, is held by r1") as caught:
        refuse_unit(replace(rollout, source=replace(rollout.source, server=SERVER)), NO_EDIT)
    assert caught.value.code == "kubelet_held"
