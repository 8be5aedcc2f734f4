# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the node tool."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import Wanted
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import DEFAULT_PATH
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import Found
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import (
    cli,
    defrag_run,
    next_run,
    recover,
    status,
    usage,
    watch,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.due import Limits
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.recover_options import Options


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the status would say that there never was a run."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError

    monkeypatch.setattr(files, "descriptor_of", refuse)
    assert cli.main(["status", "--manifest=/m"]) == 1
    assert capsys.readouterr().out == "etcd-maintenance needs root: /m cannot be read. Nothing was done.\n"


def test_who_names_no_manifest_gets_what_is_found(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a node of kubespray; the schedule keeps to what it was installed for."""
    monkeypatch.setattr(cli, "find_source", lambda name: Found("etcd.service" if name == DEFAULT_PATH else name))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for verb in (["status"], ["usage"], ["watch"], ["status", "--manifest=/m"]):
        cli.main(verb)
    assert [context.paths.manifest for context, *_rest in called] == ["etcd.service"] * 2 + [DEFAULT_PATH, "/m"]

    def refuse(_name: str) -> Found:
        raise Refused("several_etcds", "This node has several etcds that may be Kubernetes': a; b.")

    monkeypatch.setattr(cli, "find_source", refuse)
    assert cli.main(["recover"]) == 3
    said = "This node has several etcds that may be Kubernetes': a; b. Name the one that is meant: --manifest."
    assert capsys.readouterr().out == f"{said} Nothing was done.\n"
    assert len(called) == 4


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the commands are called with, the context first."""
    found: list[tuple[Any, ...]] = []

    def note(*arguments: Any, **options: Any) -> int:
        found.append((*arguments, options))
        return 3

    monkeypatch.setattr(status, "status", note)
    monkeypatch.setattr(usage, "usage", note)
    monkeypatch.setattr(watch, "watch", note)
    monkeypatch.setattr(defrag_run, "run", note)
    monkeypatch.setattr(next_run, "next_run", lambda *_arguments: "soon")
    monkeypatch.setattr(signal, "signal", lambda *_arguments: None)
    return found


def test_status(called: list[tuple[Any, ...]]) -> None:
    assert cli.main(["status", "--json", "--manifest=/nowhere/m", "--timeout=3"]) == 3
    context, options = called[0]
    assert options == {"as_json": True, "next_run": "soon"}
    assert (context.paths.manifest, context.paths.state) == ("/nowhere/m", "/var/lib/etcd-maintenance")


def test_usage(called: list[tuple[Any, ...]]) -> None:
    cli.main(["usage", "--manifest=/nowhere/m"])
    cli.main(
        ["usage", "--manifest=/nowhere/m", "--json", "--top=0", "--since=/s", "--prefix=/p", "--managed-fields", "/f"]
    )
    assert [each[1] for each in called] == [usage.Options(), usage.Options("/f", "/s", Wanted("/p", 0, True), True)]


def test_watch(called: list[tuple[Any, ...]]) -> None:
    cli.main(["watch", "--manifest=/nowhere/m"])
    cli.main(["watch", "--manifest=/nowhere/m", "--heal", "--allow-unsafe-version", "--textfile-dir=/t", "--lock=/l"])
    assert [each[1] for each in called] == [watch.Options(), watch.Options(heal=True, allow_unsafe=True)]
    assert [each[0].paths.textfile_dir for each in called] == ["", "/t"]
    assert called[1][0].paths.lock == "/l"


def test_how_etcd_is_asked(called: list[tuple[Any, ...]]) -> None:
    given = {"ca_cert": "/ca", "client_cert": "/c", "client_key": "/k", "endpoint": "https://h:1", "transport": "grpc"}
    cli.main(["watch", "--manifest=/m", *(f"--{name.replace('_', '-')}={text}" for name, text in given.items())])
    assert called[0][0].connection == {**given, "manifest": "/m", "timeout": 10.0}


def test_run(called: list[tuple[Any, ...]]) -> None:
    cli.main(["run", "--manifest=/nowhere/m"])
    limits = ["--fragmented-percent=1", "--min-free-mib=2", "--full-percent=3", "--full-gain-mib=4"]
    cli.main(["run", "--manifest=/nowhere/m", "--check", "--leave-single-member", *limits])
    assert [each[1] for each in called] == [
        defrag_run.Options(Limits()),
        defrag_run.Options(Limits(1, 2, 3, 4), single_member=False, check=True),
    ]


def test_recover(called: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    class Recovery:
        def __init__(self, context: Any, options: Any, _progress: Any) -> None:
            called.append((context, options))

        def run(self) -> int:
            return 3

    monkeypatch.setattr(recover, "Recovery", Recovery)
    words = ["--check", "--no-snapshot", "--snapshot-dir=/s", "--snapshot-keep=0", "--no-hold", "--kubelet-unit=k"]
    words += ["--allow-unsafe-version", "--take-over-lock", "--wait-timeout=1", "--settle-seconds=2"]
    assert cli.main(["recover", "--manifest=/nowhere/m"]) == 3
    assert cli.main(["recover", "--manifest=/nowhere/m", *words]) == 3
    assert [each[1] for each in called] == [
        Options(),
        Options(True, False, "/s", 0, False, "k", True, True, 1.0, 2.0),
    ]


def test_interrupted(
    called: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(defrag_run, "run", interrupt)
    assert cli.main(["run", "--manifest=/nowhere/m"]) == 1
    assert capsys.readouterr().out == "Interrupted. A defragmentation that has begun continues in its member.\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["defrag"], ["run", "--heal"], ["watch", "--check"], ["run", "--timeout=a"], ["usage", "--top=-1"]],
)
def test_what_cannot_be_understood(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: etcd-maintenance")


@pytest.mark.parametrize("verb", ["status", "usage", "watch", "run", "recover"])
def test_every_help_tells_the_exit_codes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([verb, "--help"])
    assert caught.value.code == 0
    assert "exit codes:\n  0  done, or nothing to do here\n" in capsys.readouterr().out
