# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that restart a unit. The change itself is tried on real members (tests/integration/library)."""

from __future__ import annotations

import pytest
from unit.builders import FakeRun

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import drop_in
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_change import (
    only_differ_in,
    restart,
    server_only_differs_in,
)


def test_restart_reads_units_again_and_ends_a_start_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    run = FakeRun({"systemctl": CommandResult(0, "")})
    monkeypatch.setattr(command, "run", run)
    restart("etcd.service")
    assert [argv[1] for argv in run.calls] == ["daemon-reload", "reset-failed", "restart"]
    assert "--no-block" in run.calls[-1]


def test_systemd_that_does_not_read_units_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", FakeRun({"systemctl": CommandResult(1, "", "no room")}))
    with pytest.raises(Failure, match="daemon-reload failed: no room") as caught:
        restart("etcd.service")
    assert caught.value.code == "systemd_failed"


QUOTA = "quota-backend-bytes"


@pytest.mark.parametrize(
    ("old", "new", "managed", "only"),
    [
        (b"A=1\nETCD_QUOTA_BACKEND_BYTES=5\n", b"A=1\nETCD_QUOTA_BACKEND_BYTES=6\n", [QUOTA], True),
        (b"A=1\n", b"A=1\nETCD_QUOTA_BACKEND_BYTES=6\n", [QUOTA], True),
        (b"A=1\n", b"A=2\nETCD_QUOTA_BACKEND_BYTES=6\n", [QUOTA], False),
        (b"A=1\n", b"A=1\nETCD_QUOTA_BACKEND_BYTES=6\n", ["max-wals"], False),
        (b"A=1\n", b"A=1\nETCD_QUOTA_BACKEND_BYTES=6\n", [], False),
        (b"  --quota-backend-bytes=5 \\\n", b"  --quota-backend-bytes=6 \\\n", [QUOTA], True),
        (
            b"a: 1\n",
            b"a: 1\nauto-compaction-retention: '1'\nauto-compaction-mode: periodic\n",
            ["auto-compaction-retention"],
            True,
        ),
        (b"", drop_in.edit("", {"ETCD_QUOTA_BACKEND_BYTES": "6"}).encode(), [QUOTA], True),
        (b"", drop_in.edit("", {"ETCD_MAX_WALS": "6"}).encode(), [QUOTA], False),
    ],
)
def test_what_somebody_else_has_changed_is_not_rolled_back(
    old: bytes, new: bytes, managed: list[str], only: bool
) -> None:
    assert only_differ_in(old, new, managed) is only


@pytest.mark.parametrize(
    ("old", "new", "only"),
    [
        (b"token: a\n", b"token: a\netcd-arg:\n  - quota-backend-bytes=6\n", True),
        (b"", b"etcd-arg:\n  - quota-backend-bytes=6\n", True),
        (b"etcd-arg: max-wals=5\n", b"etcd-arg:\n  - max-wals=5\n  - quota-backend-bytes=6\n", True),
        (b"etcd-arg: max-wals=5\n", b"etcd-arg:\n  - max-wals=6\n  - quota-backend-bytes=6\n", False),
        (b"token: a\n", b"token: b\netcd-arg:\n  - quota-backend-bytes=6\n", False),
        (b"token: [a\n", b"token: [a\netcd-arg:\n  - quota-backend-bytes=6\n", False),
        (b"\xff", b"\xff", False),
    ],
)
def test_what_somebody_else_has_changed_of_a_server_is_not_rolled_back(old: bytes, new: bytes, only: bool) -> None:
    assert server_only_differs_in(old, new, [QUOTA]) is only


def test_a_retention_of_a_server_brings_its_mode() -> None:
    new = b"etcd-arg:\n- auto-compaction-retention=1h\n- auto-compaction-mode=periodic\n"
    assert server_only_differs_in(b"", new, ["auto-compaction-retention"])
