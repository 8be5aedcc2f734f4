# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes read what one reads, whatever becomes of them, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from unit.bolt_files import Change, database

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import revision_readers
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.bolt_tree import Tree
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.revision_readers import revisions_backwards
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.revisions import Revisions

SOME = [Change(b"/registry/pods/%d/%d" % (n % 3, n % 70), b"x" * n, n % 2) for n in range(600)]
WHOLE = database(SOME)
READERS = [0, 1, 2]


def stream(data: bytes, readers: int) -> Iterator[Revisions]:
    tree = Tree(data)
    return revisions_backwards(data, tree, tree.buckets()[b"key"], readers)


def plain(found: Revisions) -> Revisions:
    return Revisions(*(list(column) for column in found[:5]), found.newest, found.oldest)


ALONE = [plain(each) for each in stream(WHOLE, 0)]


def no_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@pytest.mark.parametrize("readers", READERS)
def test_the_same_from_any_number(readers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What readers read does not come from the parent."""
    parent, read_by_parent = os.getpid(), []
    read = revision_readers.revisions_in

    def noted(data: bytes, leaves: object) -> Revisions:
        if os.getpid() == parent:
            read_by_parent.append(leaves)
        return read(data, leaves)

    monkeypatch.setattr(revision_readers, "revisions_in", noted)
    assert [plain(each) for each in stream(WHOLE, readers)] == ALONE
    assert len(read_by_parent) == [len(ALONE), len(ALONE) // 4, 0][readers]
    assert no_children()


@pytest.mark.parametrize("readers", READERS[1:])
@pytest.mark.parametrize("groups", [0, 1, 5])
def test_readers_that_die(readers: int, groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent goes on alone, from where they were."""
    parent, read = os.getpid(), revision_readers.revisions_in
    seen: list[object] = []

    def dies(data: bytes, leaves: object) -> Revisions:
        seen.append(leaves)
        if os.getpid() != parent and len(seen) > groups:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(data, leaves)

    monkeypatch.setattr(revision_readers, "revisions_in", dies)
    assert [plain(each) for each in stream(WHOLE, readers)] == ALONE
    assert no_children()


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_fork)
    before = len(os.listdir("/proc/self/fd"))
    assert [plain(each) for each in stream(WHOLE, 2)] == ALONE
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("readers", READERS)
def test_damage_is_the_parents_to_find(readers: int) -> None:
    """The same groups, then the same error."""
    at = WHOLE.index(b"\x0a\x12/registry")
    damaged = WHOLE[:at] + b"\x12" + WHOLE[at + 1 :]
    found = []
    with pytest.raises(ValueError, match="does not begin with its key"):
        found.extend(plain(each) for each in stream(damaged, readers))
    assert no_children()


@pytest.mark.parametrize("readers", READERS[1:])
def test_a_walk_that_is_given_up_leaves_no_reader(readers: int) -> None:
    with closing(stream(WHOLE, readers)) as groups:
        next(groups)
        assert not no_children()
    assert no_children()


_WAITS = """
import sys, time
from pathlib import Path
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.bolt_tree import Tree
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.revision_readers import revisions_backwards
data = Path(sys.argv[1]).read_bytes()
tree = Tree(data)
groups = revisions_backwards(data, tree, tree.buckets()[b"key"], 2)
next(groups)
print("here", flush=True)
time.sleep(60)
"""


_ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_readers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Also those that wait until somebody takes what they have read."""
    path = tmp_path / "db"
    path.write_bytes(database([Change(b"/registry/pods/a/%d" % n, b"") for n in range(20_000)]))
    with subprocess.Popen([sys.executable, "-c", _WAITS, path], stdout=subprocess.PIPE, env=_ENVIRONMENT) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"here\n"
        listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text("ascii")
        children = [Path("/proc", pid) for pid in listed.split()]
        assert len(children) == 2
        parent.kill()
    until = time.monotonic() + 10
    while any(map(_runs, children)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(_runs, children))


def _runs(process: Path) -> bool:
    try:
        return (process / "stat").read_text("ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
