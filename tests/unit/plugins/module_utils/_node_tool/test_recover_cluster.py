# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a recovery that go to the cluster: what is asked first, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, member, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import (
    alarms,
    compaction,
    defragmentation,
    write_check,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.compaction import Compaction
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import Defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import WriteRefused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.hashes import Comparison
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import Baseline, Write, WriteCheck
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import recover_cluster
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.progress import Progress

FULL = Alarm(1, "NOSPACE")


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path, view(member(1), member(2), alarms=[FULL]))


@pytest.fixture
def shown() -> Progress:
    return Progress(terminal=False, clock=lambda: 0.0)


def test_compact(node: FakeNode, shown: Progress, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    done = Compaction(900, True, 1.5, {"cp2": "no answer"})
    monkeypatch.setattr(compaction, "compact", lambda *_arguments, **_options: done)
    recover_cluster.compact(shown, node.local)  # type: ignore[arg-type]
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("compacted up to revision 900 in 1.5 s")
    assert second.endswith("cp2 did not report that its compaction is finished: no answer")
    node.local.cluster = view(member(1), alarms=[Alarm(1, "CORRUPT")])
    with pytest.raises(Refused, match="CORRUPT"):
        recover_cluster.compact(shown, node.local)  # type: ignore[arg-type]


def test_only_the_disk_of_this_node_is_asked(
    node: FakeNode, shown: Progress, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    asked: list[Any] = []

    def defragment(_inspect: object, endpoint: object, **options: Any) -> Defragmentation:
        asked.append((endpoint, options["room"](), options["allow_unsafe"], options["rule"]))
        return Defragmentation("cp2", True, 2 * MIB, MIB, 0.5)

    monkeypatch.setattr(defragmentation, "defragment", defragment)
    node.local.free_bytes = 7
    own, other = node.local.cluster.members
    for target, mine in ((other, False), (own, True)):
        recover_cluster.defragment(shown, node.local, target, own=mine, allow_unsafe=mine)  # type: ignore[arg-type]
    rule = defragmentation.AFTER_COMPACTION
    assert asked == [(other.endpoint, None, False, rule), (node.local.endpoint, DiskRoom(7), True, rule)]
    assert capsys.readouterr().out.splitlines()[0].endswith("s  defragmented cp2: 2.0 MiB -> 1.0 MiB in 0.5 s")


def test_disarm(node: FakeNode, shown: Progress, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    left: list[Alarm] = []
    monkeypatch.setattr(alarms, "disarm", lambda *_arguments: tuple(left))
    recover_cluster.disarm(shown, node.local)  # type: ignore[arg-type]
    assert capsys.readouterr().out.endswith("alarm of cp1 disarmed\n")
    left.append(FULL)
    with pytest.raises(Refused) as caught:
        recover_cluster.disarm(shown, node.local)  # type: ignore[arg-type]
    assert caught.value.code == "alarm_raised_again"
    node.local.cluster = view(member(1, size=999 * MIB, in_use=999 * MIB), alarms=[FULL])
    with pytest.raises(Refused) as caught:
        recover_cluster.disarm(shown, node.local)  # type: ignore[arg-type]
    assert caught.value.code == "live_data_too_large"
    node.local.cluster = view(member(1))
    recover_cluster.disarm(shown, node.local)  # type: ignore[arg-type]
    assert capsys.readouterr().out.endswith("no alarm is armed\n")


@pytest.mark.parametrize("problems", [(), ("a write through cp2 was refused",)])
def test_prove(
    node: FakeNode, shown: Progress, monkeypatch: pytest.MonkeyPatch, capsys: Any, problems: tuple[str, ...]
) -> None:
    seen = view(member(1))
    writes = (Write("cp1", True, ""), Write("cp2", False, "x"))
    found = WriteCheck(writes, Baseline(0.0, {}), seen, 1.0, Comparison(True), problems)
    monkeypatch.setattr(write_check, "check_writes", lambda *_arguments, **_options: found)
    if problems:
        with pytest.raises(WriteRefused):
            recover_cluster.prove(shown, node.local, 1.0)  # type: ignore[arg-type]
    else:
        assert recover_cluster.prove(shown, node.local, 1.0) is found  # type: ignore[arg-type]
        assert capsys.readouterr().out.endswith("writes accepted through cp1; the followers hold the same data\n")
