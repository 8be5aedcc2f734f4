# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog: what is remembered of a snapshot, which one is reused, and which ones are pruned."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from unit.builders import recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import catalog
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot

WHOLE = recorded_snapshot("3.6.16")
CLUSTER, OTHER_CLUSTER = 0xC1, 0xC1D
CA, OTHER_CA = "aa" * 32, "bb" * 32


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def keep(directory: Path, revision: int, *, cluster: int = CLUSTER, **changes: Any) -> Snapshot:
    """A snapshot with its record, as if it had been taken at the second of that revision."""
    path = directory / f"etcd-{cluster:x}-cp1-r{revision}.db"
    path.write_bytes(WHOLE)
    made = Snapshot(
        str(path),
        f"{cluster:x}",
        CA,
        "cp1",
        revision,
        len(WHOLE),
        WHOLE[-32:].hex(),
        "file",
        float(revision),
    )
    made = made._replace(**changes)
    catalog.remember(made)
    return made


def interrupt(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_remember(tmp_path: Path) -> None:
    made = keep(tmp_path, 7)
    record = Path(made.path + ".json")
    assert Snapshot(**json.loads(record.read_text("utf-8"))) == made
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert names(tmp_path) == ["etcd-c1-cp1-r7.db", "etcd-c1-cp1-r7.db.json"]


def test_remember_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known before is still known if it is interrupted."""
    made = keep(tmp_path, 7)
    monkeypatch.setattr(os, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        catalog.remember(made._replace(member="cp2"))
    assert Snapshot(**json.loads(Path(made.path + ".json").read_text("utf-8"))) == made
    assert names(tmp_path) == ["etcd-c1-cp1-r7.db", "etcd-c1-cp1-r7.db.json"]


def test_remember_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine", "utf-8")
    (tmp_path / "etcd-c1-cp1-r7.db.json").symlink_to(tmp_path / "precious")
    keep(tmp_path, 7)
    assert (tmp_path / "precious").read_text("utf-8") == "mine"


def prune(directory: Path, keep: int, spare: str = "etcd-c1-cp1-r30.db") -> list[str]:
    return catalog.prune(str(directory), spare=str(directory / spare), cluster_id=CLUSTER, keep=keep)


def test_prune_keeps_the_newest_and_touches_nothing_else(tmp_path: Path) -> None:
    for revision in (10, 30, 20):
        keep(tmp_path, revision)
    keep(tmp_path, 1, cluster=OTHER_CLUSTER)
    (tmp_path / "etcd-c1-cp1-r5.db").write_bytes(b"by hand")
    (tmp_path / "etcd-c1-cp1-r6.db.json").write_text("{", "utf-8")
    (tmp_path / "etcd-c1-cp1-r8.db.json").write_text("[]", "utf-8")
    stolen = json.dumps(keep(tmp_path, 40)._asdict() | {"path": "/etc/passwd"})
    (tmp_path / "etcd-c1-cp1-r40.db.json").write_text(stolen, "utf-8")
    foreign = ["etcd-c1-cp1-r5.db", "etcd-c1-cp1-r6.db.json", "etcd-c1-cp1-r8.db.json"]
    foreign += ["etcd-c1-cp1-r40.db", "etcd-c1-cp1-r40.db.json", "etcd-c1d-cp1-r1.db", "etcd-c1d-cp1-r1.db.json"]

    assert prune(tmp_path, 2) == [str(tmp_path / "etcd-c1-cp1-r10.db")]
    kept = [f"etcd-c1-cp1-r{revision}.db{end}" for revision in (20, 30) for end in ("", ".json")]
    assert names(tmp_path) == sorted(foreign + kept)
    assert prune(tmp_path, 2) == []


def test_prune_does_not_count_what_is_gone(tmp_path: Path) -> None:
    for revision in (10, 20, 30):
        keep(tmp_path, revision)
    (tmp_path / "etcd-c1-cp1-r30.db").unlink()
    assert prune(tmp_path, 2, "etcd-c1-cp1-r20.db") == []


# Of snapshots at the revisions 10, 20, 30 and 40: which one was written just now, how many to keep, which are left.
PRUNES: list[tuple[str, int, int, list[int]]] = [
    ("the newest was written just now", 40, 2, [30, 40]),
    ("an older one was: of a member that is behind", 10, 2, [10, 40]),
    ("only that one", 10, 1, [10]),
    ("in the middle", 20, 3, [20, 30, 40]),
    ("as many as there are", 40, 4, [10, 20, 30, 40]),
    ("more than there are", 40, 9, [10, 20, 30, 40]),
]


@pytest.mark.parametrize(("spare", "kept", "expected"), table(PRUNES))
def test_prune(tmp_path: Path, spare: int, kept: int, expected: list[int]) -> None:
    for revision in (10, 40, 20, 30):
        keep(tmp_path, revision)
    gone = prune(tmp_path, kept, f"etcd-c1-cp1-r{spare}.db")
    assert sorted(gone) == [
        str(tmp_path / f"etcd-c1-cp1-r{each}.db") for each in (10, 20, 30, 40) if each not in expected
    ]
    assert names(tmp_path) == [f"etcd-c1-cp1-r{each}.db{end}" for each in expected for end in ("", ".json")]


def test_prune_goes_by_revision_whatever_the_clock_said(tmp_path: Path) -> None:
    keep(tmp_path, 10, created=9e9)
    for revision in (20, 30):
        keep(tmp_path, revision)
    assert prune(tmp_path, 2) == [str(tmp_path / "etcd-c1-cp1-r10.db")]


def test_prune_without_a_directory(tmp_path: Path) -> None:
    assert prune(tmp_path / "missing", 1) == []


# The member's newest value, against a snapshot at revision 50.
REUSE: list[tuple[str, dict[str, Any], int, bool]] = [
    ("nothing happened", {}, 50, True),
    ("only deletions since", {}, 49, True),
    ("a write since", {}, 51, False),
    ("a cluster of another CA", {"ca_sha256": OTHER_CA}, 50, False),
    ("made while etcd spoke plain http", {"ca_sha256": ""}, 50, False),
    ("another hash than written down", {"sha256": "00" * 32}, 50, False),
]


def reusable(directory: Path, put: int, ca_sha256: Sequence[str] = (CA,), revision: int = 60) -> Snapshot | None:
    return catalog.reusable(str(directory), cluster_id=CLUSTER, ca_sha256=ca_sha256, put=put, revision=revision)


@pytest.mark.parametrize(("changes", "put", "expected"), table(REUSE))
def test_reusable(tmp_path: Path, changes: dict[str, Any], put: int, expected: bool) -> None:
    made = keep(tmp_path, 50, **changes)
    assert reusable(tmp_path, put) == (made if expected else None)


def test_not_reusable_after_a_restore(tmp_path: Path) -> None:
    """The cluster may have kept its id, and the snapshot holds what was written after the one it was restored from."""
    made = keep(tmp_path, 50)
    assert reusable(tmp_path, 40, revision=49) is None
    assert reusable(tmp_path, 40, revision=50) == made


CAS: list[tuple[str, list[str], bool]] = [
    ("its own", [CA], True),
    ("a new one beside it", [OTHER_CA, CA], True),
    ("replaced", [OTHER_CA], False),
    ("none", [], False),
]


@pytest.mark.parametrize(("fingerprints", "expected"), table(CAS))
def test_reusable_while_the_ca_is_replaced(tmp_path: Path, fingerprints: list[str], expected: bool) -> None:
    made = keep(tmp_path, 50)
    assert reusable(tmp_path, 50, fingerprints) == (made if expected else None)


def test_reusable_takes_the_newest_that_is_whole(tmp_path: Path) -> None:
    good = keep(tmp_path, 50, created=9e9)  # the clock was set back after it
    newer = keep(tmp_path, 51)
    assert reusable(tmp_path, 50) == newer
    Path(newer.path).write_bytes(WHOLE[:-1])
    assert reusable(tmp_path, 50) == good
    Path(good.path).unlink()
    assert reusable(tmp_path, 50) is None


def test_reusable_is_of_the_same_cluster(tmp_path: Path) -> None:
    keep(tmp_path, 50, cluster=OTHER_CLUSTER)
    assert reusable(tmp_path, 50) is None


def test_record_of_an_earlier_version_is_not_taken(tmp_path: Path) -> None:
    """It had other fields, and does not say of which CA it was."""
    made = keep(tmp_path, 50)
    record = made._asdict() | {"keys": 100, "keys_revision": 50}
    del record["ca_sha256"]
    Path(made.path + ".json").write_text(json.dumps(record), "utf-8")
    assert reusable(tmp_path, 50) is None


def test_newest_is_by_the_record_alone(tmp_path: Path) -> None:
    assert catalog.newest(str(tmp_path), cluster_id=CLUSTER, ca_sha256=(CA,)) is None
    keep(tmp_path, 20)
    kept = keep(tmp_path, 30)
    keep(tmp_path, 40, ca_sha256=OTHER_CA)
    keep(tmp_path, 50, cluster=OTHER_CLUSTER)
    Path(kept.path).write_bytes(b"not whole any more")
    assert catalog.newest(str(tmp_path), cluster_id=CLUSTER, ca_sha256=(CA,)) == kept
