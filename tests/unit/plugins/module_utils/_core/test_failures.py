# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures: what users see of them, and what results hold."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import failures
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, FileError, Refused

LOG = Failure("x", "etcd said:\n  panic\n  exit")
QUOTED = FileError(FileNotFoundError(2, "No such file or directory", "/x"))
DENIED = FileError(PermissionError(13, "Permission denied", "/x"))
UNCHANGED = "Nothing was changed."

MESSAGES: list[tuple[str, Failure, str, str, str]] = [
    ("a failure", Failure("x", "It broke."), "", UNCHANGED, "Working failed. It broke. Nothing was changed."),
    ("a refusal", Refused("x", "It is full."), "", UNCHANGED, "Working was refused. It is full. Nothing was changed."),
    ("half a sentence", Failure("x", "it broke"), "", UNCHANGED, "Working failed. it broke. Nothing was changed."),
    (
        "through a member",
        Refused("x", "No."),
        "https://192.0.2.1:2379",
        UNCHANGED,
        "Working through https://192.0.2.1:2379 was refused. No. Nothing was changed.",
    ),
    ("with advice", Failure("x", "No.", "Do it."), "", UNCHANGED, "Working failed. No. Nothing was changed. Do it."),
    ("who fails knows better", Failure("x", "No.", unchanged="A was."), "", UNCHANGED, "Working failed. No. A was."),
    ("nothing is said of it", Failure("x", "No.", "Do it."), "", "", "Working failed. No. Do it."),
    ("nothing else", Failure("x", "No."), "", "", "Working failed. No."),
    (
        "the words of somebody else",
        QUOTED,
        "",
        UNCHANGED,
        "Working failed: [Errno 2] No such file or directory: '/x'. Nothing was changed.",
    ),
    (
        "without rights",
        DENIED,
        "",
        UNCHANGED,
        "Working failed: [Errno 13] Permission denied: '/x'. Nothing was changed. Run this as root (become).",
    ),
    ("lines of a log", LOG, "", UNCHANGED, "Working failed. etcd said:\n  panic\n  exit\nNothing was changed."),
]


@pytest.mark.parametrize(("failure", "through", "unchanged", "expected"), table(MESSAGES))
def test_message(failure: Failure, through: str, unchanged: str, expected: str) -> None:
    assert failures.message("Working", failure, through=through, unchanged=unchanged) == expected


def test_results() -> None:
    refusal = Refused("no_leader", "The cluster has no leader.", "Start a member.")
    assert refusal.as_result() == {"code": "no_leader", "text": "The cluster has no leader. Start a member."}
    assert Failure("x", "It broke.").as_result() == {"code": "x", "text": "It broke."}
    assert refusal.details() == {}


def test_refuse() -> None:
    failures.refuse(None)
    with pytest.raises(Refused, match="because") as caught:
        failures.refuse(Refused("x", "because"))
    assert caught.value.code == "x"


def test_file_error() -> None:
    assert (QUOTED.code, QUOTED.advice) == ("file_error", "")
    assert DENIED.advice == "Run this as root (become)."
