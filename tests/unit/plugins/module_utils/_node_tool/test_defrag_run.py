# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scheduled run: who acts, in which order, what is put off, what is refused, and what is remembered of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, member, probes_of, table, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import Defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import LeaseExists, Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import defrag_run
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.due import Limits

DUE = {"size": 500 * MIB, "in_use": 100 * MIB, "quota": 2048 * MIB}
NOT_DUE = {"size": 500 * MIB, "in_use": 490 * MIB, "quota": 2048 * MIB}


def cluster(*members: dict[str, Any], **changes: Any) -> ClusterView:
    return view(*(member(number, **given) for number, given in enumerate(members, start=1)), **changes)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """Its own member leads, and all three are due."""
    found = FakeNode(tmp_path, cluster(DUE, DUE, DUE))

    def defragment(_inspect: object, endpoint: Any, *, refusal: Any, **_options: object) -> Defragmentation:
        """As the real one, it asks for the caller's own reason last."""
        url = endpoint if isinstance(endpoint, str) else endpoint.url
        now = found.local.cluster
        again = next(each for each in now.members if each.endpoint == url)
        why = refusal(now, again)
        if why:
            raise why
        found.local.endpoint.calls.append(f"defragment {again.name}")
        return Defragmentation(again.name, True, 500 * MIB, 100 * MIB, 0.9)

    def transfer(_view: object, leader: Any, *_others: object) -> str:
        found.local.endpoint.calls.append(f"transfer from {leader.name}")
        return "cp2"

    monkeypatch.setattr(defragmentation, "defragment", defragment)
    monkeypatch.setattr(defragmentation, "transfer_leadership", transfer)
    return found


def run(node: FakeNode, **options: Any) -> int:
    return defrag_run.run(node, defrag_run.Options(Limits(), **options))


def test_the_others_then_the_leadership(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(node) == 0
    assert node.local.endpoint.calls == ["grant", "defragment cp2", "defragment cp3", "transfer from cp1", "revoke"]
    assert "The leadership moved from cp1, which is due itself, to cp2, whose next" in capsys.readouterr().out
    known = node.remembered()
    assert known.last_run is not None
    assert (known.last_run_success, known.last_defrag_seconds) == (True, 0.9)
    assert "etcd_maintenance_last_run_success 1.0" in node.metrics
    assert run_lock.read(node.paths.lock) is None


def test_the_speed_of_the_first_one_decides_about_the_others(
    node: FakeNode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probes allow 40 s; the first one takes 60 s, so that neither another one nor a next run goes on."""
    usual = defragmentation.defragment
    monkeypatch.setattr(defrag_run, "probes_of", lambda _member: probes_of("1.33"))
    monkeypatch.setattr(
        defragmentation, "defragment", lambda *args, **options: replace(usual(*args, **options), seconds=60.0)
    )
    assert run(node) == 3
    assert node.local.endpoint.calls == ["grant", "defragment cp2", "revoke"]
    assert "cp3 was left alone: its liveness probe" in capsys.readouterr().out
    assert run(node) == 3
    assert node.local.endpoint.calls == ["grant", "defragment cp2", "revoke"]
    assert capsys.readouterr().out.count("during the defragmentation (about 60 s)") == 3


def test_check_touches_nothing(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(node, check=True) == 0
    assert node.local.endpoint.calls == []
    assert node.remembered().last_run is None
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("It would defragment cp2 (500.0 MiB, 100.0 MiB in use, about ")
    assert said[2].startswith("It would hand the leadership over, since this node's own member is due, cp1 (500.0 MiB")
    assert said[2].endswith(": cp3 would lead then.")


SINGLE: list[tuple[str, dict[str, bool], list[str], str]] = [
    ("done", {}, ["grant", "defragment cp1", "revoke"], "cp1"),
    ("left alone", {"single_member": False}, ["grant", "revoke"], "cp1 is due but left alone: it is the only member"),
    ("would be done", {"check": True}, [], "It would defragment the only member, cp1 ("),
    ("would be left", {"check": True, "single_member": False}, [], "The only member is due, cp1 ("),
]


@pytest.mark.parametrize(("options", "calls", "said"), table(SINGLE))
def test_the_only_member(
    node: FakeNode, capsys: pytest.CaptureFixture[str], options: dict[str, bool], calls: list[str], said: str
) -> None:
    node.local.cluster = cluster(DUE)
    assert run(node, **options) == 0
    assert node.local.endpoint.calls == calls
    assert said in capsys.readouterr().out


# The cluster; the exit code, whether the run was a success (None: another run has to do it), what is said.
OUTCOMES: list[tuple[str, ClusterView, int, bool | None, str]] = [
    ("another one leads", cluster(DUE, DUE, leader=2), 0, True, "cp2 leads: nothing to do on this node."),
    ("nobody leads", cluster(DUE, DUE, leader=0), 1, False, "Failed: the member at https://192.0.2.1:2379 knows no"),
    ("nothing is due", cluster(NOT_DUE), 0, True, "Nothing is due: cp1 500.0 MiB, 2 % fragmented."),
    (
        "NOSPACE",
        cluster(DUE, alarms=[Alarm(1, "NOSPACE")]),
        3,
        False,
        (
            "Refused: The NOSPACE alarm is armed (by cp1): the cluster refuses writes, and a defragmentation alone does"
            " not end that. Run the playbook controlplane.etcd.recover."
        ),
    ),
    ("CORRUPT", cluster(DUE, alarms=[Alarm(1, "CORRUPT")]), 3, False, "Refused: "),
    ("a version that may lose data", cluster({**DUE, "version": "3.5.1"}), 3, False, "Refused: "),
]


@pytest.mark.parametrize(("seen", "code", "success", "said"), table(OUTCOMES))
def test_outcomes(
    node: FakeNode,
    capsys: pytest.CaptureFixture[str],
    seen: ClusterView,
    code: int,
    success: bool | None,
    said: str,
) -> None:
    node.local.cluster = seen
    assert run(node) == code
    assert node.remembered().last_run_success is success
    assert said in capsys.readouterr().out
    assert node.local.endpoint.calls == []


def test_a_node_without_a_member(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    Path(node.paths.manifest).unlink()
    assert [run(node), run(node)] == [0, 0]
    assert node.remembered().last_run_success is True
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_version_that_is_allowed(node: FakeNode) -> None:
    node.local.cluster = cluster({**DUE, "version": "3.5.1"})
    assert run(node, allow_unsafe=True) == 0


def test_no_room_on_the_disk(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    """That all who are due are left alone is a refusal, and remembered as no success."""
    node.local.free_bytes = 0
    assert run(node) == 3
    assert node.remembered().last_run_success is False
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in said] == [f"cp{number} is due but left alone" for number in (2, 3, 1)]


def test_a_disk_that_fills_meanwhile(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grant = node.local.endpoint.grant_lease

    def fill(*arguments: int) -> None:
        grant(*arguments)
        node.local.free_bytes = 0

    monkeypatch.setattr(node.local.endpoint, "grant_lease", fill)
    assert run(node) == 3
    assert node.local.endpoint.calls == ["grant", "revoke"]
    said = capsys.readouterr().out
    assert "Refused: cp2 was left alone: a defragmentation needs 180.0 MiB for a copy" in said
    assert said.rstrip().endswith("What was not named as done was not touched.")


def test_a_voter_that_goes_down_meanwhile(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked again before each member."""
    grant = node.local.endpoint.grant_lease

    def lose(*arguments: int) -> None:
        grant(*arguments)
        node.local.cluster = cluster(DUE, DUE, {"error": "refused"})

    monkeypatch.setattr(node.local.endpoint, "grant_lease", lose)
    assert run(node) == 3
    assert node.local.endpoint.calls == ["grant", "revoke"]
    assert "Refused: cp2 was left alone: cp3 does not answer, and a" in capsys.readouterr().out
    assert node.remembered().last_run_success is False


def test_another_node_works(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.local.endpoint.lease = LeaseExists("lease already exists")
    assert run(node) == 0
    assert node.remembered().last_run is None
    assert "Nothing was done: the node tool of another node is working on this cluster" in capsys.readouterr().out


def test_the_lease_is_lost(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.local.endpoint.lease = False
    assert run(node) == 0
    assert node.remembered().last_run is None
    assert "The lease that keeps other nodes out is gone: the rest is left to the next" in capsys.readouterr().out


def test_the_leadership_moves_in_between(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grant = node.local.endpoint.grant_lease

    def move(*arguments: int) -> None:
        grant(*arguments)
        node.local.cluster = node.local.cluster._replace(leader_id=2)

    monkeypatch.setattr(node.local.endpoint, "grant_lease", move)
    assert run(node) == 0
    assert node.local.endpoint.calls == ["grant", "revoke"]
    assert node.remembered().last_run is None
    assert "cp2 leads now. cp2 and what comes after it are left to the next scheduled run." in capsys.readouterr().out


def test_another_run_works_here(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    run_lock.take(node.paths.lock, run_lock.Lock("another", "a recovery", 4e9))
    assert run(node) == 3
    assert node.remembered().last_run is None
    said = capsys.readouterr().out
    assert said.startswith(
        "Nothing further was done: another run works on this node: a recovery; its lock counts until"
    )


def test_a_member_that_is_silent(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.error = Unreachable("Connection refused", endpoint="https://192.0.2.1:2379")
    assert run(node) == 1
    assert capsys.readouterr().out == (
        "Failed: Connection refused (https://192.0.2.1:2379). Nothing was touched except what is named above as done.\n"
    )
    assert "etcd_maintenance_member_up 0.0" in node.metrics


def test_a_result_that_cannot_be_saved(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (node.paths.state, Path(node.paths.lock).parent / "etcd-maintenance"):
        Path(path).write_text("no directory", "utf-8")
    assert run(node, check=True) == 0
    node.local.cluster = cluster(NOT_DUE)
    assert run(node) == 1
    assert "The result of this run could not be saved: " in capsys.readouterr().out
