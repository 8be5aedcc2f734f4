# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.status_documents import MIB, full_cluster, member, usage

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.fill_bar import bars, scale_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import Part

SIZES = st.one_of(st.none(), st.integers(0, 2**34))


@given(SIZES, SIZES, SIZES)
def test_a_bar_stays_on_its_scale(size: int | None, in_use: int | None, quota: int | None) -> None:
    cp1 = Part(member("cp1", size_bytes=size, in_use_bytes=in_use, quota_bytes=quota))
    for drawn in bars([cp1], Part(None), scale_bytes=scale_of([cp1])):
        assert sum(each.width for each in drawn.segments) <= 100.001
        assert sum(each.bytes for each in drawn.segments) == size
        assert drawn.quota is None or 0 <= drawn.quota <= 100
        assert all(each.width >= 0 for each in drawn.segments)


def test_the_member_whose_file_was_read_is_drawn_in_detail() -> None:
    full = full_cluster()
    members = [Part(each) for each in full["members"]]
    first, second, _third = bars(members, Part(full["usage"]), scale_bytes=scale_of(members))
    assert [each.kind for each in first.segments] == ["live", "history", "overhead", "other", "free"]
    assert sum(each.bytes for each in first.segments) == usage()["record"]["file"]["size_bytes"]
    assert [each.kind for each in second.segments] == ["used", "free"]


@pytest.mark.parametrize(
    ("size", "quota", "over", "words"),
    [
        (600 * MIB, 512 * MIB, True, "600.0 MiB of 512.0 MiB, 117 %"),
        (100 * MIB, 512 * MIB, False, "100.0 MiB of 512.0 MiB, 20 %"),
        (100 * MIB, None, False, "100.0 MiB, quota unknown"),
    ],
)
def test_the_quota_is_said_in_words(size: int, quota: int | None, over: bool, words: str) -> None:
    cp1 = Part(member("cp1", size_bytes=size, quota_bytes=quota))
    (drawn,) = bars([cp1], Part(None), scale_bytes=scale_of([cp1]))
    assert (drawn.over, drawn.words) == (over, words)


def test_no_bar_without_a_size() -> None:
    assert bars([Part(member("cp1", size_bytes=None))], Part(None), scale_bytes=1) == []
