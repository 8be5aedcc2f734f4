# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions read many at once are those read one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bolt_files import Change, database
from unit.builders import VERSIONS, recorded_snapshot

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import revisions
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.bolt_tree import Leaves, Tree
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.key_values import (
    is_encrypted,
    key_span,
    lease_and_value,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.revisions import (
    ENCRYPTED,
    LEASED,
    UNREAD,
    Revisions,
    each_of,
    revisions_in,
)

keys = st.one_of(
    st.binary(min_size=1, max_size=200), st.sampled_from([b"/registry/pods/a/1", b"/a", b"a", b"/x\x10/b"])
)
values = st.one_of(
    st.none(), st.binary(max_size=300), st.just(b"k8s:enc:aescbc:v1:key1:x"), st.just(b"k8s:enc"), st.just(b"y" * 20000)
)
leases = st.one_of(st.sampled_from([0, 1, 127, 128, 2**56 - 1, 2**56, 2**63 - 1]), st.integers(0, 2**63 - 1))
histories = st.lists(st.builds(Change, keys, values, leases), min_size=1, max_size=40)


def groups(data: bytes) -> list[Leaves]:
    tree = Tree(data)
    return list(tree.groups_backwards(tree.buckets()[b"key"]))


def all_read(data: bytes, found: Revisions) -> Revisions:
    """The same, with all that is left unread."""
    kinds = list(found.kinds)
    for index, (kind, place, size) in enumerate(zip(kinds, found.places, found.sizes)):
        if kind == UNREAD:
            _start, key_end = key_span(data, place, place + size)
            lease, value, end = lease_and_value(data, key_end, place + size)
            kinds[index] = (LEASED if lease else 0) | (ENCRYPTED if is_encrypted(data, value, end) else 0)
    columns = (list(column) for column in (found.codes, found.places, found.sizes, found.directories, kinds))
    return Revisions(*columns, found.newest, found.oldest)


@given(histories, st.integers(1, 9))
def test_at_once_as_one_by_one(changes: list[Change], per_leaf: int) -> None:
    data = database(changes, per_leaf=per_leaf, free_pages=1)
    for leaves in groups(data):
        assert all_read(data, revisions_in(data, leaves)) == all_read(data, each_of(data, leaves))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_etcd_writes_is_usual(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the fast way is taken at all."""
    monkeypatch.setattr(revisions, "each_of", None)
    data = recorded_snapshot(version)
    found = [revisions_in(data, leaves) for leaves in groups(data)]
    assert sum(len(each.codes) for each in found) == 201
    assert not any(UNREAD in each.kinds for each in found)


def test_leases_deletions_and_secrets_are_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "each_of", None)
    secret = b"k8s:enc:aescbc:v1:key1:x"
    data = database(
        [Change(b"/registry/a", b"x", 2**62), Change(b"/registry/a", None), Change(b"/registry/s", secret)],
        free_pages=1,
    )
    (leaves,) = groups(data)
    assert list(revisions_in(data, leaves).kinds) == [ENCRYPTED, revisions.TOMBSTONE, LEASED]
