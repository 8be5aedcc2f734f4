# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of real nodes: the modules run on each that ansible-core supports there, and an older one is named."""

from __future__ import annotations

import functools
import glob
import os
import shutil
import subprocess
from typing import Any

import pytest
from ansible.release import __version__ as core_version

from integration.support.clusters import marks
from integration.support.settings import WAY

CORE = tuple(map(int, core_version.split(".")[:2]))
# The oldest Python on a node for each ansible-core.
OLDEST = {(2, 18): (3, 8), (2, 19): (3, 8)}.get(CORE, (3, 9))
TOO_OLD, SUPPORTED = ("3.6", "3.7"), ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


_WITHOUT_LIBRARY = "auto" if WAY == "grpc" else WAY


@functools.cache
def _interpreter(version: str) -> str:
    """Return the path of such a Python, skip if there is none that starts."""
    found = shutil.which(f"python{version}")
    # The shims of pyenv are there for every version, and most of them refuse: see what is behind them.
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for path in filter(None, [*glob.glob(f"{root}/versions/{version}.*/bin/python{version}"), found]):
        program = "import ssl, sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([path, "-c", program], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return str(path)
    return ""


def _interpreter_or_skip(version: str) -> str:
    path = _interpreter(version)
    if not path:
        pytest.skip(f"there is no Python {version} here")
    return path


@pytest.mark.parametrize("python", SUPPORTED)
def test_a_cluster_is_read_and_a_lock_taken(
    shared_cluster: Any, ansible_module: Any, tmp_path: Any, python: str
) -> None:
    if tuple(map(int, python.split("."))) < OLDEST:
        pytest.skip(f"ansible-core {core_version} does not support Python {python} on nodes")
    interpreter = _interpreter_or_skip(python)
    cluster = shared_cluster()
    # None of these Pythons has a library for gRPC.
    result = ansible_module("etcd_info", cluster.nodes[0], interpreter=interpreter, transport=_WITHOUT_LIBRARY)
    assert not result["failed"], result["printed"]
    assert [member["name"] for member in result["cluster"]["members"]] == ["cp1", "cp2", "cp3"]
    assert [member["error"] for member in result["cluster"]["members"]] == ["", "", ""]
    assert result["diagnosis"]["needs_recovery"] is False


@pytest.mark.parametrize("python", ["3.8", "3.9"])
def test_what_threads_import_is_whole(shared_cluster: Any, ansible_module: Any, python: str) -> None:
    """These show a module from a zip file to other threads before it is. Members are asked in threads, and this way to
    them is imported when it is needed."""
    if tuple(map(int, python.split("."))) < OLDEST:
        pytest.skip(f"ansible-core {core_version} does not support Python {python} on nodes")
    node = shared_cluster().nodes[0]
    result = ansible_module("etcd_info", node, interpreter=_interpreter_or_skip(python), transport="etcdctl")
    assert not result["failed"], result["printed"]


@pytest.mark.parametrize("name", ["etcd_node_info", "etcd_compact"])
@pytest.mark.parametrize("python", TOO_OLD)
def test_older_ones_are_refused_in_plain_words(make_cluster: Any, ansible_module: Any, python: str, name: str) -> None:
    interpreter = _interpreter_or_skip(python)
    cluster = make_cluster(members=1)
    with cluster.nodes[0].client() as client:
        for number in range(5):
            client.put(b"a", str(number).encode())
        before = marks(cluster)
        result = ansible_module(name, cluster.nodes[0], interpreter=interpreter)
        assert result["failed"], result["printed"]
        assert f"Python {python}" in result["msg"]
        assert "ansible_python_interpreter" in result["msg"]
        assert "Traceback" not in result["printed"]
        assert marks(cluster) == before
        assert [entry.value for entry in client.scan(revision=2)] == [b"0"]
