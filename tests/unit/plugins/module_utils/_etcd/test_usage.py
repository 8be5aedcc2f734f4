# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fills a database, beside a count that is written another way; and files that are none, or damaged, or move."""

from __future__ import annotations

import contextlib
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bolt_files import PAGE, Change, Pages, database, inline, leaf, meta_page, record
from unit.builders import VERSIONS, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import usage
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage import Usage, measure, usage_of

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
    }


def check_parts(found: Usage) -> None:
    size, *parts = astuple(found.file)
    assert sum(parts) == size
    assert min(parts) >= 0


@given(histories, st.booleans(), st.integers(0, 3))
def test_counts(changes: list[Change], small: bool, free: int) -> None:
    data = database(changes, small=small, free_pages=free, others={b"lease": [(b"1", b"x"), (b"2", b"x")]})
    found = measure(data, top=100)
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


@pytest.mark.parametrize("size", [4096, 8192, 16384, 65536])
def test_page_sizes(size: int) -> None:
    changes = [Change(b"/registry/pods/a/%d" % (n % 7), b"x" * 100) for n in range(50)]
    assert vars(measure(database(changes, size=size)).total) == totals(changes)


def test_order_and_top() -> None:
    changes = [Change(b"/registry/pods/a/%d" % n, b"x" * 100 * n) for n in range(9)] * 2
    changes += [Change(b"/registry/pods/a/8", b"small")]
    found = measure(database(changes), top=2)
    assert [each.key for each in found.largest] == ["/registry/pods/a/7", "/registry/pods/a/6"]
    assert (found.hottest[0].key, found.hottest[0].revisions) == ("/registry/pods/a/8", 3)
    assert len(found.hottest) == 2
    nothing = measure(database(changes), top=0)
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


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


SOME = [Change(b"/registry/pods/a/%d" % (n % 7), b"x" * n) for n in range(50)]
WHOLE = database(SOME)

BROKEN: list[tuple[str, bytes, str]] = [
    ("empty", b"", "it is empty"),
    ("text", b"SQLite format 3\0" * 1000, "no valid meta page"),
    ("a part of a page", WHOLE[:100], "cut off"),
    ("half", WHOLE[: len(WHOLE) // 2], "cut off"),
    ("wrong magic", WHOLE.replace(struct.pack("<I", 0xED0CDAED), bytes(4)), "no valid meta page"),
    ("wrong checksums", WHOLE[:70] + b"\xff" + WHOLE[71 : PAGE + 70] + b"\xff" + WHOLE[PAGE + 71 :], "no valid meta"),
    ("no bucket of keys", WHOLE.replace(b"key", b"kex"), "it has no bucket key: not a database of etcd"),
    ("out of order", WHOLE.replace(struct.pack(">Q", 5) + b"_", struct.pack(">Q", 40) + b"_"), "are out of order"),
    ("a revision without a key", WHOLE.replace(b"\x0a\x12/reg", b"\x12\x12/reg"), "does not begin with its key"),
]


@pytest.mark.parametrize(("data", "message"), table(BROKEN))
def test_broken(data: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "db", data)
    with pytest.raises(Failure, match=message) as caught:
        usage_of(path)
    assert (caught.value.code, caught.value.reason.startswith(f"{path} cannot be read")) == ("database_damaged", True)


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


def test_one_meta_page_is_enough(tmp_path: Path) -> None:
    for damaged in (bytes(PAGE) + WHOLE[PAGE:], WHOLE[:PAGE] + bytes(PAGE) + WHOLE[2 * PAGE :]):
        assert vars(usage_of(write(tmp_path / "db", damaged)).total) == totals(SOME)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        usage_of(str(tmp_path / "db"))


def moving(path: Path, times: int, monkeypatch: pytest.MonkeyPatch, *, broken: bool = False) -> list[int]:
    """Let a transaction be committed while the file is walked, so many times."""
    calls: list[int] = []

    def measured(data: bytes, **options: object) -> Usage:
        calls.append(1)
        if len(calls) <= times:
            root, pages = struct.unpack_from("<Q24xQ", WHOLE, 32)[0], len(WHOLE) // PAGE
            with path.open("r+b") as file:
                file.write(meta_page(0, root=root, pages=pages, txid=100 + len(calls)))
            if broken:
                raise ValueError("page 7 is in two places")
        return measure(data)

    monkeypatch.setattr(usage, "measure", measured)
    return calls


MOVES: list[tuple[str, int, int, bool]] = [
    ("never", 0, 1, True),
    ("once", 1, 2, True),
    ("twice", 2, 3, True),
    ("always", 9, 3, False),
]


@pytest.mark.parametrize(("times", "attempts", "consistent"), table(MOVES))
def test_moves(times: int, attempts: int, consistent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "db", WHOLE)
    calls = moving(tmp_path / "db", times, monkeypatch)
    found = usage_of(path)
    assert (len(calls), found.consistent) == (attempts, consistent)
    assert vars(found.total) == totals(SOME)


def test_moves_and_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "db", WHOLE)
    calls = moving(tmp_path / "db", 1, monkeypatch, broken=True)
    assert (usage_of(path).consistent, len(calls)) == (True, 2)
    write(tmp_path / "db", WHOLE)
    calls = moving(tmp_path / "db", 9, monkeypatch, broken=True)
    with pytest.raises(Failure, match=r"db, to which etcd is writing, cannot .*: page 7 is in two places\.$"):
        usage_of(path)
    assert len(calls) == 3


def sound(data: bytes) -> None:
    """Damage is either found, or no number is larger than the file."""
    with contextlib.suppress(ValueError):
        found = measure(data)
        check_parts(found)


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
