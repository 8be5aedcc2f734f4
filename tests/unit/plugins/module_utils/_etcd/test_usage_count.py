# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fills a database, beside a count that is written another way; and what is damaged."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.bolt_files import PAGE, Change, Pages, database, inline, leaf, meta_page, record
from unit.builders import DATA, VERSIONS, recorded_snapshot

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import revision_readers, usage_count
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.revisions import each_of
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import Usage, Wanted, measure

DATABASES = {version: recorded_snapshot(version) for version in VERSIONS}

names = st.sampled_from(
    [
        b"/registry/%s/%s/%d" % (what, where, n)
        for what in (b"pods", b"x.io/things", b"events")
        for where in (b"a", b"b")
        for n in range(4)
    ]
)
values = st.one_of(
    st.none(), st.binary(max_size=200), st.just(b"k8s:enc:aescbc:v1:key1:" + b"x" * 9), st.just(b"y" * 9000)
)
histories = st.lists(st.builds(Change, names, values, st.sampled_from([0, 5, 2**62])), max_size=60)


def totals(changes: Sequence[Change]) -> dict[str, int]:
    """The sums, counted forwards."""
    newest: dict[bytes, tuple[int, Change]] = {}
    sizes = []
    for number, each in enumerate(changes, 2):
        sizes.append(len(record(each, number)))
        newest[each.key] = (sizes[-1], each)
    live = [(size, each) for size, each in newest.values() if each.value is not None]
    live_bytes = sum(size for size, _each in live)
    return {
        "live_keys": len(live),
        "live_bytes": live_bytes,
        "leased_keys": sum(bool(each.lease) for _size, each in live),
        "encrypted_keys": sum((each.value or b"").startswith(b"k8s:enc:") for _size, each in live),
        "history_revisions": len(changes) - len(live),
        "history_bytes": sum(sizes) - live_bytes,
        "tombstones": sum(each.value is None for each in changes),
        "managed_fields_bytes": None,
    }


def check_parts(found: Usage) -> None:
    size, *parts = astuple(found.file)
    assert sum(parts) == size
    assert min(parts) >= 0


@given(histories, st.booleans(), st.integers(0, 3))
def test_counts(changes: list[Change], small: bool, free: int) -> None:
    data = database(changes, small=small, free_pages=free, others={b"lease": [(b"1", b"x"), (b"2", b"x")]})
    found = measure(data, Wanted(top=100))
    assert vars(found.total) == totals(changes)
    check_parts(found)
    assert (found.file.size_bytes, found.file.free_bytes) == (len(data), free * PAGE)
    assert (found.file.other_buckets_bytes, found.leases) == (PAGE, 2)
    seen = Counter(each.key.decode() for each in changes)
    assert {each.key: each.revisions for each in found.hottest} == {key: n for key, n in seen.items() if n > 1}
    assert len(found.largest) == found.total.live_keys
    assert sum(each.bytes for each in found.largest) == found.total.live_bytes
    for listed in (found.resources, found.namespaces, found.consumers):
        assert sum(each.live_bytes for each in listed) == found.total.live_bytes
        assert sum(each.history_revisions for each in listed) == found.total.history_revisions


@given(histories)
def test_several_walks_count_the_same(changes: list[Change]) -> None:
    data = database(changes)
    assert measure(data, max_slots=8) == measure(data)


def test_several_walks_over_one_key() -> None:
    """However often a key is seen, it takes one place in the table."""
    data = database([Change(b"/registry/pods/a/1", b"x" * n) for n in range(200)])
    assert measure(data, max_slots=8) == measure(data)


@settings(max_examples=30)
@given(histories, st.integers(1, 2), st.sampled_from([8, 1 << 10]))
def test_several_processes_count_the_same(changes: list[Change], readers: int, max_slots: int) -> None:
    data = database(changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage_count, "cpus", lambda: 9)
        found = measure(data, Wanted(readers=readers), max_slots=max_slots, alone_bytes=0)
    assert found == measure(data)


@pytest.mark.parametrize("size", [4096, 8192, 16384, 65536])
def test_page_sizes(size: int) -> None:
    changes = [Change(b"/registry/pods/a/%d" % (n % 7), b"x" * 100) for n in range(50)]
    assert vars(measure(database(changes, size=size)).total) == totals(changes)


def test_pages_with_many_revisions() -> None:
    changes = [Change(b"/a/%d" % (n % 900), b"") for n in range(4000)]
    assert vars(measure(database(changes, size=65536, per_leaf=1100)).total) == totals(changes)


def test_order_and_top() -> None:
    changes = [Change(b"/registry/pods/a/%d" % n, b"x" * 100 * n) for n in range(9)] * 2
    changes += [Change(b"/registry/pods/a/8", b"small")]
    found = measure(database(changes), Wanted(top=2))
    assert [each.key for each in found.largest] == ["/registry/pods/a/7", "/registry/pods/a/6"]
    assert (found.hottest[0].key, found.hottest[0].revisions) == ("/registry/pods/a/8", 3)
    assert len(found.hottest) == 2
    nothing = measure(database(changes), Wanted(top=0))
    assert (nothing.total, nothing.largest, nothing.consumers) == (found.total, (), ())


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded(version: str) -> None:
    found = measure(DATABASES[version])
    assert (found.revision, found.total.live_keys, found.total.history_revisions) == (202, 201, 0)
    check_parts(found)


def test_revision_without_a_content() -> None:
    """As etcdutl writes one to move the revision on."""
    whole = database([Change(b"/a", b"x")])
    (at,) = [at for at in range(len(whole)) if whole.startswith(record(Change(b"/a", b"x"), 2), at)]
    size = struct.pack("<II", 17, len(record(Change(b"/a", b"x"), 2)))
    assert whole.count(size) == 1
    assert at
    found = measure(whole.replace(size, struct.pack("<II", 17, 0)))
    assert (found.total.live_keys, found.revision) == (0, 2)
    check_parts(found)


SOME = [Change(b"/registry/pods/a/%d" % (n % 7), b"x" * n) for n in range(50)]
WHOLE = database(SOME)


def test_branches_that_all_lead_to_one_page() -> None:
    """Followed without a look at where one has been, they would take for ever."""
    pages = Pages()
    child = pages.tree([])
    for _level in range(25):
        number = pages.next
        heads = struct.pack("<IIQ", 0, 0, child) * 200
        pages.bytes += (struct.pack("<QHHI", number, 1, 200, 0) + heads).ljust(PAGE, b"\0")
        child = number
    root = pages.next
    pages.bytes += leaf(root, [(b"key", struct.pack("<QQ", child, 0)), (b"meta", inline([]))], flags=1)
    metas = b"".join(meta_page(number, root=root, pages=pages.next, txid=number) for number in (0, 1))
    with pytest.raises(ValueError, match="is in two places"):
        measure(metas + bytes(pages.bytes))


CORPUS = yaml.safe_load((DATA / "damaged_databases.yml").read_text("utf-8"))


@pytest.mark.parametrize("case", [pytest.param(each, id=each["what"]) for each in CORPUS["cases"]])
def test_damaged(case: dict[str, Any]) -> None:
    whole = DATABASES[CORPUS["version"]]
    damaged = bytearray(whole)
    for at, written in case.get("written", {}).items():
        damaged[at : at + len(written) // 2] = bytes.fromhex(written)
    del damaged[case.get("cut", len(damaged)) :]
    assert damaged != whole
    if "problem" in case:
        with pytest.raises(ValueError, match=f"^{re.escape(case['problem'])}$"):
            measure(bytes(damaged))
    else:
        assert measure(bytes(damaged)) == measure(whole)


def sound(data: bytes) -> None:
    """Damage is either found, or no number is larger than the file; and it is the same damage read one by one."""
    fast = outcome(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revision_readers, "revisions_in", each_of)
        assert outcome(data) == fast
    if isinstance(fast, Usage):
        check_parts(fast)


def outcome(data: bytes) -> Usage | str:
    try:
        return measure(data)
    except ValueError as exc:
        return str(exc)


databases = st.sampled_from([*DATABASES.values(), WHOLE, database(SOME[:9], small=True)])


@given(databases, st.data(), st.integers(1, 255))
def test_flipped_bits(whole: bytes, drawn: st.DataObject, bits: int) -> None:
    damaged = bytearray(whole)
    for at in drawn.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=20)):
        damaged[at] ^= bits
    sound(bytes(damaged))


@given(databases, st.integers(2, 40), st.integers(0, 200), st.binary(min_size=1, max_size=12))
def test_damaged_head_of_a_page(whole: bytes, page: int, offset: int, written: bytes) -> None:
    """Where flags, sizes and positions are."""
    at = page * PAGE % len(whole) + offset
    sound((whole[:at] + written + whole[at + len(written) :])[: len(whole)])


@given(databases, st.data())
def test_cut_off(whole: bytes, drawn: st.DataObject) -> None:
    end = drawn.draw(st.integers(0, len(whole) - 2 * PAGE))
    with pytest.raises(ValueError, match=r"cut off|no valid meta page"):
        measure(whole[:end])
