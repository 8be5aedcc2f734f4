# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import MAX_CHARACTERS, Part


@pytest.mark.parametrize("value", [None, "4", True, float("nan"), float("inf"), [4], {}])
def test_what_is_no_number_is_not_known(value: object) -> None:
    part = Part({"key": value})
    assert part.number("key") is None
    assert part.amount("key") == 0


def test_an_amount_is_never_negative() -> None:
    assert Part({"key": -4}).number("key") == -4
    assert Part({"key": -4}).amount("key") == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (4, ""),
        ("a<b", "a<b"),
        ("a\u202eb", "a\\x202eb"),
        ("a\nb", "a\\x0ab"),
        ("k" * MAX_CHARACTERS, "k" * MAX_CHARACTERS),
        ("k" * (MAX_CHARACTERS + 1), f"{'k' * MAX_CHARACTERS}… ({MAX_CHARACTERS + 1} characters)"),
    ],
)
def test_text_is_printable_and_of_a_length_that_can_be_read(value: object, text: str) -> None:
    assert Part({"key": value}).text("key") == text
    assert Part({"key": [value]}).texts("key") == ([text] if text else [])


@pytest.mark.parametrize("body", [None, 4, "text", [], {}])
def test_there_may_be_nothing_at_all(body: object) -> None:
    part = Part(body)
    assert not part
    assert not part.part("key")
    assert part.parts("key") == []
    assert part.flag("key") is None


def test_of_a_list_only_dictionaries_are_parts() -> None:
    assert [each.text("name") for each in Part({"key": [{"name": "cp1"}, None, "cp2"]}).parts("key")] == ["cp1"]
