# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of a manifests directory."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from unit.builders import DATA, Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.static_pods import StaticPod, pods
from ansible_collections.controlplane.etcd.plugins.module_utils._node.stray_manifests import strays

ETCD = (DATA / "manifests/1.33/plain.manifest").read_text("utf-8")
API_SERVER = (DATA / "apiserver/1.33/ipv4.manifest").read_text("utf-8")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of a node on which all is well."""
    path = tmp_path / "manifests"
    path.mkdir()
    (path / "etcd.yaml").write_text(ETCD, "utf-8")
    (path / "kube-apiserver.yaml").write_text(API_SERVER, "utf-8")
    return path


def test_no_directory(tmp_path: Path) -> None:
    assert strays(str(tmp_path / "gone/etcd.yaml")) == []
    assert pods(str(tmp_path / "gone")) == []


def test_pods(directory: Path) -> None:
    (directory / "notes.txt").write_text("do not touch", "utf-8")
    assert pods(str(directory)) == [
        StaticPod(str(directory / "etcd.yaml"), "etcd", ("etcd",)),
        StaticPod(str(directory / "kube-apiserver.yaml"), "kube-apiserver", ("kube-apiserver",)),
    ]


PROGRAMS: list[tuple[str, list[Json], tuple[str, ...]]] = [
    ("two containers", [{"command": ["haproxy", "-f"]}, {"command": ["keepalived"]}], ("haproxy", "keepalived")),
    ("with a path", [{"command": ["/usr/local/bin/etcd"]}], ("etcd",)),
    ("that of the image", [{"args": ["manager"]}, {"command": []}], ()),
]


@pytest.mark.parametrize(("containers", "expected"), table(PROGRAMS))
def test_programs(tmp_path: Path, containers: list[Json], expected: tuple[str, ...]) -> None:
    pod = {"metadata": {"name": "x"}, "spec": {"containers": containers}}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(pod), "utf-8")
    assert pods(str(tmp_path)) == [StaticPod(str(tmp_path / "x.yaml"), "x", expected)]


NO_PODS: list[tuple[str, str]] = [
    ("empty", ""),
    ("a list", "- a\n"),
    ("text", "a\n"),
    ("no name", "spec:\n  containers:\n  - name: a\n"),
    ("no containers", "metadata:\n  name: a\nspec:\n  containers:\n"),
    ("containers that are none", "metadata:\n  name: a\nspec:\n  containers:\n  - a\n"),
    ("a command that is none", "metadata:\n  name: a\nspec:\n  containers:\n  - command:\n      a: b\n"),
]


@pytest.mark.parametrize("text", table(NO_PODS))
def test_no_pods(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    assert pods(str(tmp_path)) == []
