# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting in batches: all of a directory, nothing beside it, and how it goes on after an interruption."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import Json, endpoint

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import deletion
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import EtcdError, TimedOut

RANGE, DELETE = "/v3/kv/range", "/v3/kv/deleterange"
EVENTS = "/registry/events/"


class Store:
    """A member with keys, which fails as often as it is told to. `batches` are the keys that each delete took."""

    def __init__(self, *keys: str, failures: int = 0) -> None:
        self.keys = {key.encode() for key in keys}
        self.failures = failures
        self.batches: list[int] = []
        self.endpoint, self.transport = endpoint({RANGE: self._range, DELETE: self._delete})

    def _range(self, body: Json) -> Json:
        found = self._found(body)
        if body.get("count_only"):
            return {"count": str(len(found))}
        assert body["keys_only"]
        return {"kvs": [{"key": base64.b64encode(key).decode()} for key in found[: int(body["limit"])]]}

    def _delete(self, body: Json) -> Json:
        if self.failures:
            self.failures -= 1
            raise TimedOut("no answer")
        found = self._found(body)
        self.keys -= set(found)
        self.batches.append(len(found))
        return {"deleted": str(len(found))}

    def _found(self, body: Json) -> list[bytes]:
        start, end = (base64.b64decode(body[name]) for name in ("key", "range_end"))
        return sorted(key for key in self.keys if start <= key < end)


def delete(asked: Endpoint, directory: str = EVENTS, *, seconds: float = 60.0, batch_keys: int = 3) -> int:
    return deletion.delete(asked, directory, deadline=time.monotonic() + seconds, batch_keys=batch_keys).key_count


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_PAUSE_SECONDS", 0.0)


@given(
    inside=st.sets(st.text(min_size=1, max_size=8), max_size=20),
    outside=st.sets(
        st.sampled_from(["/registry/event", "/registry/events", "/registry/events0", "/registry/eventsx/a", "/a", "/z"])
    ),
    size=st.integers(1, 25),
)
def test_all_of_it_and_nothing_else(inside: set[str], outside: set[str], size: int) -> None:
    store = Store(*(EVENTS + name for name in inside), *outside)
    assert deletion.count(store.endpoint, EVENTS).key_count == len(inside)
    assert delete(store.endpoint, batch_keys=size) == len(inside)
    assert store.keys == {key.encode() for key in outside}
    assert max(store.batches, default=0) <= size
    assert delete(store.endpoint, batch_keys=size) == 0


def test_a_listing_begins_behind_what_was_deleted() -> None:
    store = Store(*(f"{EVENTS}{number}" for number in range(7)))
    assert delete(store.endpoint) == 7
    assert store.batches == [3, 3, 1]
    starts = [base64.b64decode(body["key"]) for path, body in store.transport.calls if path == RANGE]
    assert starts == [b"/registry/events/", b"/registry/events/2\0", b"/registry/events/5\0", b"/registry/events/6\0"]


def test_what_may_pass_is_tried_again() -> None:
    assert delete(Store(f"{EVENTS}1", failures=9).endpoint) == 1
    with pytest.raises(TimedOut):
        delete(Store(f"{EVENTS}1", failures=10).endpoint)


def test_the_time_is_over() -> None:
    store = Store(f"{EVENTS}1", f"{EVENTS}2")
    with pytest.raises(Failure) as caught:
        delete(store.endpoint, seconds=-1)
    assert caught.value.code == "deletion_unfinished"
    assert "when 0 keys below /registry/events/ were deleted; 2 are left." in caught.value.reason
    assert len(store.keys) == 2


def test_the_time_is_over_and_nobody_answers() -> None:
    silent, _transport = endpoint({RANGE: EtcdError("it is gone")})
    with pytest.raises(Failure, match=r"how many are left is not known \(it is gone\)"):
        delete(silent, seconds=-1)
