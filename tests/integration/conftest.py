# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters, playbooks and modules for the integration tests; everything that is started is stopped with its test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.support import needed
from integration.support.ansible_commands import Playing, Run, ansible_env, collections_path, parse_adhoc, program
from integration.support.module_calls import Background, call_module, module_options
from integration.support.settings import FAR_APART, LEASES, QUOTA, RECOVER, Result
from lab.loopback.cluster import DEFAULT_VERSION, Cluster
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

# Members that idle cost little, but not nothing.
_SHARED_CLUSTERS = 2


@pytest.fixture(params=FAR_APART)
def version(request: pytest.FixtureRequest) -> str:
    """Every supported minor version of etcd that this machine can have; what lies between is for ``make test-all``."""
    needed.etcd(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which the collection lies under its full name; also importable from there."""
    path = collections_path(tmp_path_factory.getbasetemp())
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
    return path


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing but its standard library, as on many nodes: no PyYAML."""
    directory = tmp_path_factory.mktemp("python")
    venv.create(directory, symlinks=True)
    path = directory / "bin/python3"
    assert subprocess.run([path, "-c", "import yaml"], capture_output=True, check=False).returncode != 0
    return path


def _discard(cluster: Cluster) -> None:
    """Close a cluster and remove its data: etcd sets 128 MiB aside per member, and pytest keeps three runs."""
    cluster.close()
    for node in cluster.nodes:
        shutil.rmtree(node.data_dir, ignore_errors=True)


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """``make_cluster(members=3, version=..., start=True, full=False, live_fraction=0.2, **options)``.

    Options are those of ``Cluster``; the quota is 32 MiB unless one is given (None: etcd's own). With ``full`` it comes
    filled until it refuses writes.
    """
    made: list[Cluster] = []

    def make(*, start: bool = True, full: bool = False, live_fraction: float = 0.2, **options: Any) -> Cluster:
        options.setdefault("quota_bytes", QUOTA)
        options.setdefault("version", DEFAULT_VERSION)
        cluster = Cluster(tmp_path / f"cluster{len(made)}", **options)
        made.append(cluster)
        if start or full:
            cluster.start()
        if full:
            fill(cluster, live_fraction=live_fraction, event_ttl=LEASES)
        return cluster

    yield make
    for cluster in made:
        _discard(cluster)


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """``shared_cluster(version=..., full=False, members=3)``: for tests that change nothing, kept for the next test.

    One that is not full has no quota flag, so that etcd's default counts. A test must leave the cluster as it was.
    """
    kept: dict[tuple[str, bool, int], Cluster] = {}

    def share(*, version: str = DEFAULT_VERSION, full: bool = False, members: int = 3) -> Cluster:
        wanted = (version, full, members)
        if wanted not in kept:
            while len(kept) >= _SHARED_CLUSTERS:
                _discard(kept.pop(next(iter(kept))))
            directory = tmp_path_factory.mktemp("shared")
            kept[wanted] = Cluster(directory, version=version, members=members, quota_bytes=QUOTA if full else None)
            kept[wanted].start()
            if full:
                fill(kept[wanted], event_ttl=LEASES)
        return kept[wanted]

    yield share
    for cluster in kept.values():
        _discard(cluster)


@pytest.fixture
def start_playbook(tmp_path: Path, collections: Path) -> Iterator[Callable[..., Playing]]:
    """``start_playbook(inventory, *args, check=False, extra_vars={}, env={}, name=...)`` starts and does not wait.

    It runs in a session of its own, and is killed after the test if it still runs then.
    """
    started: list[Playing] = []

    def start(
        inventory: Path | str,
        *args: str,
        check: bool = False,
        extra_vars: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        name: str = RECOVER,
    ) -> Playing:
        # Whoever runs the tests owns the lab's nodes: nothing needs sudo.
        variables = json.dumps({"ansible_become": False, **(extra_vars or {})})
        command = [program("ansible-playbook"), name, f"--inventory={inventory}", f"--extra-vars={variables}"]
        command += [*(["--check"] if check else []), *args]
        full_env = ansible_env(tmp_path / "ansible", collections, env)
        playing = Playing(command, full_env, tmp_path / f"playbook{len(started)}.log")
        started.append(playing)
        return playing

    yield start
    for playing in started:
        playing.kill()


@pytest.fixture
def playbook(start_playbook: Callable[..., Playing]) -> Callable[..., Run]:
    """``playbook(inventory, *args, check=False, extra_vars={}, env={}, name=...)`` runs one until it exits."""

    def run(inventory: Path | str, *args: str, **options: Any) -> Run:
        return start_playbook(inventory, *args, **options).wait()

    return run


@pytest.fixture
def module(collections: Path) -> Callable[..., Result]:
    """``module(name, node, check=False, **options)`` runs a module in this process and returns its result.

    A failure is a result, too (``failed``, ``msg``). The node's manifest is filled in; ``node`` may be None.
    """

    def run(name: str, node: MemberProcess | None, *, check: bool = False, **options: Any) -> Result:
        return call_module(name, module_options(name, node, options), check=check)

    return run


@pytest.fixture
def start_module(collections: Path) -> Iterator[Callable[..., Background]]:
    """``start_module(name, node, check=False, uid=0, **options)`` like ``module``, in a process of its own."""
    started: list[Background] = []

    def start(
        name: str, node: MemberProcess | None, *, check: bool = False, uid: int = 0, **options: Any
    ) -> Background:
        options = module_options(name, node, options)
        started.append(Background(name, options, collections, check=check, uid=uid))
        return started[-1]

    yield start
    for background in started:
        background.kill()


@pytest.fixture
def start_ansible_module(tmp_path: Path, collections: Path) -> Iterator[Callable[..., Callable[[], Result]]]:
    """``start_ansible_module(name, node, interpreter=sys.executable, check=False, extra_env={}, **options)``.

    Like ``ansible_module``, but returns a function that waits for the result.
    """
    started: list[Playing] = []

    def start(
        name: str,
        node: MemberProcess | None,
        *,
        interpreter: str = sys.executable,
        check: bool = False,
        extra_env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Callable[[], Result]:
        arguments = json.dumps(module_options(name, node, options))
        variables = json.dumps({"ansible_connection": "local", "ansible_python_interpreter": interpreter})
        command = [program("ansible"), "node", "--inventory=node,", f"--module-name=controlplane.etcd.{name}"]
        command += [f"--args={arguments}", f"--extra-vars={variables}", *(["--check"] if check else [])]
        extra_env = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", **(extra_env or {})}
        env = ansible_env(tmp_path / "ansible", collections, extra_env)
        playing = Playing(command, env, tmp_path / f"adhoc{len(started)}.log")
        started.append(playing)
        return lambda: parse_adhoc(playing.wait().out)

    yield start
    for playing in started:
        playing.kill()


@pytest.fixture
def ansible_module(start_ansible_module: Callable[..., Callable[[], Result]]) -> Callable[..., Result]:
    """``ansible_module(name, node, interpreter=sys.executable, check=False, extra_env={}, **options)``.

    It runs the module as Ansible does. The result also has ``printed``: all that the ``ansible`` command printed.
    """

    def run(name: str, node: MemberProcess | None, **options: Any) -> Result:
        return start_ansible_module(name, node, **options)()

    return run
