# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags in the command of a unit, and in a variable of one."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.command_line import (
    edit,
    edit_unit,
    edit_words,
    gives,
    gives_in_unit,
    variables_in,
)

UNIT = "ExecStart=/usr/bin/etcd \\\n  --name=a \\\n  --max-wals 5 \\\n  --snapshot-count=7\n# --max-wals=1\n"


def test_variables() -> None:
    assert variables_in(["/usr/bin/etcd", "$DAEMON_ARGS", "--name=${A}-${B}"]) == ["DAEMON_ARGS", "A", "B"]


@pytest.mark.parametrize(
    ("text", "given"),
    [("--max-wals=5", True), ("a -max-wals 5", True), ('"--max-wals=5"', True), ("--max-wals-x=5", False), ("", False)],
)
def test_gives(text: str, given: bool) -> None:
    assert gives(text, "max-wals") is given


def test_a_comment_gives_nothing() -> None:
    assert not gives_in_unit("# --max-wals=1\n  ; --max-wals=1\n", "max-wals")
    assert gives_in_unit(UNIT, "max-wals")


@pytest.mark.parametrize(
    ("text", "changes", "gone", "expected"),
    [
        ("--max-wals=5 --name a", {"max-wals": "6"}, [], "--max-wals=6 --name a"),
        ("--name a", {"name": "b"}, [], "--name b"),
        ("--name a", {"max-wals": "6"}, ["name"], "--max-wals=6"),
        ("--a=1 --b=2 --c=3", {}, ["b"], "--a=1 --c=3"),
        ("", {"a": "1"}, [], "--a=1"),
    ],
)
def test_edit(text: str, changes: dict[str, str], gone: list[str], expected: str) -> None:
    assert edit(text, changes, gone) == expected


@pytest.mark.parametrize(
    ("changes", "gone", "old", "new"),
    [
        ({"max-wals": "6"}, [], "wals 5", "wals 6"),
        ({"snapshot-count": "8"}, [], "=7", "=8"),
        ({}, ["max-wals"], "  --max-wals 5 \\\n", ""),
    ],
)
def test_edit_unit(changes: dict[str, str], gone: list[str], old: str, new: str) -> None:
    assert edit_unit(UNIT, changes, gone) == UNIT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "changes", "gone", "problem"),
    [
        (UNIT, {"max-wals": "6 7"}, [], "without quotes"),
        (UNIT, {"max-wals": "$X"}, [], "without quotes"),
        (UNIT, {}, ["snapshot-count"], "not in a line of its own"),
        ("ExecStart=etcd --max-wals=1 --max-wals=2\n", {"max-wals": "6"}, [], "not given once"),
        ('ExecStart=etcd "--max-wals=1"\n', {"max-wals": "6"}, [], "not given once"),
        ("ExecStart=etcd --max-wals=${WALS}\n", {"max-wals": "6"}, [], "not given once"),
    ],
)
def test_what_is_not_edited(text: str, changes: dict[str, str], gone: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        edit_unit(text, changes, gone)


def test_edit_words() -> None:
    words = ["etcd", "--name", "a", "--max-wals=5", "-c=1"]
    assert edit_words(words, {"name": "b"}, ["max-wals"]) == ["etcd", "--name=b", "-c=1"]
