# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of a snapshot, on a database as etcd wrote it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from unit.builders import Reply, endpoint, recorded, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._node import container, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import etcdctl, format, sources
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.sources import Source

WHOLE = recorded_snapshot("3.6.16")
REVISION = 202


def real(
    manifest: MemberSettings | None,
    *,
    lines: Reply | None = None,
    run: etcdctl.RunInside = container.run,
    tls: bool = True,
) -> Source:
    asked, _transport = endpoint({"/v3/maintenance/snapshot": lines or {"lines": []}})
    files = TlsFiles("/pki/ca.crt", "/pki/client.crt", "/pki/client.key") if tls else None
    return Source(asked, manifest=manifest, tls=files, timeout=5, run=run)


def test_copy_of_the_file(tmp_path: Path, node: MemberSettings) -> None:
    assert real(node).write("file", str(tmp_path / "out"), REVISION) == WHOLE[-32:].hex()
    assert (tmp_path / "out").read_bytes() == WHOLE
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


@pytest.mark.parametrize("method", ["reflink", "file"])
def test_file_that_is_behind(
    tmp_path: Path, node: MemberSettings, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    with pytest.raises(Failure, match="is older than what its member reports"):
        real(node).write(method, str(tmp_path / "out"), REVISION + 1)


def test_last_put(node: MemberSettings) -> None:
    assert sources.last_put(node.database, REVISION) == REVISION


def test_last_put_ignores_deletions(node: MemberSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "newest_put", lambda _data: 150)
    assert sources.last_put(node.database, REVISION) == 150


def test_last_put_waits_for_the_commit(node: MemberSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the member has answered is not in its file yet, and that is read in the middle of a commit."""
    answers: list[int | ValueError] = [REVISION, ValueError("torn"), REVISION + 1]

    def revision_of(_data: object) -> int:
        answer = answers.pop(0)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    monkeypatch.setattr(sources, "revision_of", revision_of)
    assert sources.last_put(node.database, REVISION + 1) == REVISION
    assert answers == []


def _behind(_database: Path) -> None:
    """Leave it unchanged."""


def _damaged(database: Path) -> None:
    database.write_bytes(bytes(20000))


NO_PUTS: list[tuple[str, Callable[[Path], None], str]] = [
    ("behind", _behind, "is older than what its member reports"),
    ("damaged", _damaged, "is older than what its member reports"),
    ("empty", lambda database: os.truncate(database, 0), "is older than what its member reports"),
    ("missing", Path.unlink, "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("change", "message"), table(NO_PUTS))
def test_no_last_put(
    node: MemberSettings, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], message: str
) -> None:
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    change(Path(node.database))
    with pytest.raises(Failure, match=message):
        sources.last_put(node.database, REVISION + 1)


@pytest.mark.parametrize(("method", "reason"), [("reflink", "not on this host"), ("file", "not on this host")])
def test_files_of_another_host(tmp_path: Path, method: str, reason: str) -> None:
    with pytest.raises(Failure, match=reason):
        real(None).write(method, str(tmp_path / "out"), REVISION)


@pytest.mark.parametrize("method", ["reflink", "file"])
def test_no_database(tmp_path: Path, node: MemberSettings, method: str) -> None:
    Path(node.database).unlink()
    with pytest.raises(Failure, match="cannot be read: No such file or directory"):
        real(node).write(method, str(tmp_path / "out"), REVISION)


def test_reflink_or_the_reason(tmp_path: Path, node: MemberSettings) -> None:
    try:
        sha256 = real(node).write("reflink", str(tmp_path / "out"), REVISION)
    except Failure as exc:
        assert "the filesystem does not support reflinks (" in str(exc)  # noqa: PT017  # both outcomes are right
    else:
        assert (tmp_path / "out").read_bytes() == WHOLE
        assert sha256 == WHOLE[-32:].hex()


def test_gateway(tmp_path: Path) -> None:
    lines = [json.loads(line)["result"] for line in recorded("3.5.35", "snapshot").splitlines()]
    assert real(None, lines={"lines": lines}).write("gateway", str(tmp_path / "out"), REVISION) is None
    assert (tmp_path / "out").read_bytes() == recorded_snapshot("3.5.35")


def test_gateway_that_breaks_off(tmp_path: Path) -> None:
    """Nothing tells but the hash."""
    lines = [json.loads(line)["result"] for line in recorded("3.5.35", "snapshot").splitlines()]
    real(None, lines={"lines": lines[:-1]}).write("gateway", str(tmp_path / "out"), REVISION)
    with pytest.raises(Failure, match="are not whole pages and a SHA-256"):
        format.verify(str(tmp_path / "out"))


def test_gateway_to_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be written: No such file or directory"):
        real(None).write("gateway", str(tmp_path / "missing" / "out"), REVISION)


def test_etcdctl(tmp_path: Path, node: MemberSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find", lambda _manifest: os.getpid())
    asked: list[tuple[int, list[str], float]] = []

    def run(pid: int, argv: Sequence[str], directory: str, timeout: float) -> command.CommandResult:
        asked.append((pid, list(argv), timeout))
        return command.CommandResult(1, "Error: not today")

    with pytest.raises(Failure, match="etcdctl snapshot save failed: Error: not today"):
        real(node, run=run, tls=False).write("etcdctl", str(tmp_path / "x.part"), REVISION)
    ((pid, (program, *words), timeout),) = asked
    assert (pid, timeout) == (os.getpid(), 5)
    assert program.endswith("/etcdctl")
    assert words == ["--endpoints", "https://192.0.2.1:2379", "snapshot", "save", "snapshot"]


def test_etcdctl_goes_where_grpc_is_spoken(
    tmp_path: Path, node: MemberSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "find", lambda _manifest: os.getpid())
    monkeypatch.setattr(type(node), "grpc_url", lambda _self, url: url.replace("2379", "1"))
    asked: list[list[str]] = []

    def run(_pid: int, argv: Sequence[str], _directory: str, _timeout: float) -> command.CommandResult:
        asked.append(list(argv))
        return command.CommandResult(1, "Error: not today")

    with pytest.raises(Failure, match="not today"):
        real(node, run=run, tls=False).write("etcdctl", str(tmp_path / "x.part"), REVISION)
    assert asked[0][1:3] == ["--endpoints", "https://192.0.2.1:1"]


def test_etcdctl_that_is_not_there(node: MemberSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="its process is not running on this host"):
        real(None).write("etcdctl", "/x.part", REVISION)
    monkeypatch.setattr(process, "find", lambda _manifest: None)
    with pytest.raises(Failure, match="its process is not running on this host"):
        real(node).write("etcdctl", "/x.part", REVISION)
