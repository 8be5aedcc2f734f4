# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our drop-in of a unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.drop_in import edit, path_of, values

VALUES = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs", "Cc"]), max_size=8)


def test_path() -> None:
    assert path_of("etcd@main.service") == "/etc/systemd/system/etcd@main.service.d/99-controlplane-etcd.conf"


@given(st.dictionaries(st.sampled_from(["ETCD_A", "ETCD_B"]), VALUES), st.dictionaries(st.just("ETCD_C"), VALUES))
def test_what_is_written_is_read(first: dict[str, str], second: dict[str, str]) -> None:
    text = edit("", first)
    assert values(text) == first
    assert values(edit(text, second)) == {**first, **second}
    assert values(edit(text, second, list(first))) == second


def test_signs_of_systemd_are_escaped() -> None:
    assert 'Environment="ETCD_A=5%% \\"\\\\"\n' in edit("", {"ETCD_A": '5% "\\'})


@pytest.mark.parametrize(
    ("text", "remove", "problem"),
    [("[Service]\nUser=etcd\n", [], "not as this collection"), ("", ["ETCD_A"], "ETCD_A is in the unit itself")],
)
def test_what_is_somebody_elses(text: str, remove: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        edit(text, {}, remove)
