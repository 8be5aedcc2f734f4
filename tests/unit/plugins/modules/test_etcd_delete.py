# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_delete: what it refuses before it asks etcd for anything, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import Json, member, view
from unit.fake_cluster import FakeMember, FakeModule
from unit.plugins.module_utils._etcd.test_deletion import DELETE, EVENTS, Store

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import polling
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.modules import etcd_delete

FULL = view(member(1), alarms=[Alarm(1, "NOSPACE")])


@pytest.fixture(autouse=True)
def _no_election(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "ELECTION_SECONDS", 0.0)


def run(store: Store, *keys_below: str, seen: ClusterView = FULL, check: bool = False, **params: Any) -> Json:
    options = {"allow_anything": False, "batch_keys": 2, "prefix": "/registry", "work_timeout": 60.0, **params}
    module, asked = FakeModule(check=check, keys_below=list(keys_below), **options), FakeMember(seen)
    asked.endpoint = store.endpoint
    return etcd_delete.delete(module, asked)  # type: ignore[arg-type]  # both are made


def test_check_run_and_again() -> None:
    store = Store(f"{EVENTS}a/1", f"{EVENTS}a/2", f"{EVENTS}b/3", "/registry/pods/a/1")
    expected = {"changed": True, "deleted": [{"directory": EVENTS, "key_count": 3}], "key_count": 3, "seconds": 0.0}
    assert run(store, EVENTS, f"{EVENTS}a/", check=True) == expected
    assert len(store.keys) == 4
    assert run(store, EVENTS) == expected
    assert store.keys == {b"/registry/pods/a/1"}
    nothing = {"changed": False, "deleted": [{"directory": EVENTS, "key_count": 0}], "key_count": 0, "seconds": 0.0}
    assert run(store, EVENTS, check=True) == run(store, EVENTS) == nothing


@pytest.mark.parametrize(
    ("code", "names", "options"),
    [
        ("not_safe_to_delete", ["/registry/pods/"], {}),
        ("not_safe_to_delete", [EVENTS, "/registry/leases/"], {}),
        ("not_a_directory_of_keys", ["/registry/"], {"allow_anything": True}),
        ("invalid_option", [EVENTS], {"batch_keys": 0}),
        ("invalid_option", [EVENTS], {"batch_keys": 10001}),
        ("corrupt_alarm", [EVENTS], {"seen": view(member(1), alarms=[Alarm(1, "CORRUPT")])}),
        ("members_cut_off", [EVENTS], {"seen": view(member(1), leader=0)}),
    ],
)
def test_refusals(code: str, names: list[str], options: dict[str, Any]) -> None:
    store = Store(f"{EVENTS}1", "/registry/pods/1")
    for check in (True, False):
        with pytest.raises(Failure) as caught:
            run(store, *names, check=check, **options)
        assert caught.value.code == code
    assert len(store.keys) == 2
    assert [path for path, _body in store.transport.calls if path == DELETE] == []


def test_anything_by_name() -> None:
    store = Store("/registry/pods/1")
    assert run(store, "/registry/pods/", allow_anything=True)["key_count"] == 1
    assert store.keys == set()
