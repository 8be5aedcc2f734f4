# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of etcd's manifest that somebody left beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.stray_manifests import strays

ETCD = (DATA / "manifests/1.33/plain.manifest").read_text("utf-8")
API_SERVER = (DATA / "apiserver/1.33/ipv4.manifest").read_text("utf-8")

TAGGED = ETCD.replace("metadata:\n", "metadata:\n  annotations: !!map {}\n")
BESIDE = (DATA / "cases/manifests/not-a-stray.manifest").read_text("utf-8")
JSON = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "etcd"}, "spec": {"containers": []}}'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of a node on which all is well."""
    path = tmp_path / "manifests"
    path.mkdir()
    (path / "etcd.yaml").write_text(ETCD, "utf-8")
    (path / "kube-apiserver.yaml").write_text(API_SERVER, "utf-8")
    return path


def write(name: str, text: str = ETCD) -> Callable[[Path], None]:
    def make(directory: Path) -> None:
        (directory / name).write_text(text, "utf-8")

    return make


def link(name: str, text: str | None = ETCD) -> Callable[[Path], None]:
    """A link to a file outside with this text, or to nothing."""

    def make(directory: Path) -> None:
        if text is not None:
            (directory.parent / "target").write_text(text, "utf-8")
        (directory / name).symlink_to("../target")

    return make


def in_directory(name: str) -> Callable[[Path], None]:
    def make(directory: Path) -> None:
        (directory / name).mkdir()
        (directory / name / "etcd.yaml").write_text(ETCD, "utf-8")

    return make


# What is put into the directory, and whether it is told.
STRAYS: list[tuple[str, str, Callable[[str], Callable[[Path], None]], bool]] = [
    ("a copy by hand", "etcd.yaml.bak", write, True),
    ("Ansible's backup", "etcd.yaml.4711.2026-11-23@10:00:00~", write, True),
    ("an editor's backup", "etcd.yaml~", write, True),
    ("an editor's other backup", "#etcd.yaml#", write, True),
    ("another name before it", "a.yaml", write, True),
    ("no ending", "old", write, True),
    ("a link: the kubelet follows it", "etcd-old.yaml", link, True),
    ("a dotfile", ".etcd.yaml.swp", write, False),
    ("a directory", "etcd.d", in_directory, False),
    ("a link to nothing", "etcd-gone.yaml", lambda name: link(name, None), False),
    ("notes", "notes.txt", lambda name: write(name, "do not touch"), False),
    ("notes that begin alike", "etcd-notes.txt", lambda name: write(name, "do not touch"), False),
    ("notes with its name before theirs", "etcd.yaml.txt", lambda name: write(name, "do not touch"), True),
    ("its name with another ending", "etcd.yml", lambda name: write(name, ETCD[:200]), False),
    ("its name with another ending, and readable", "etcd.yml", write, True),
    ("half a copy", "etcd.yaml.new", lambda name: write(name, ETCD[:200]), True),
    ("an empty copy", "etcd.yaml.new", lambda name: write(name, ""), True),
    ("an empty file", "empty", lambda name: write(name, ""), False),
    ("a form of YAML that is not read here", "old-etcd.yaml", lambda name: write(name, TAGGED), True),
    ("JSON", "old-etcd.json", lambda name: write(name, JSON), True),
    ("another pod in JSON", "proxy.json", lambda name: write(name, JSON.replace('"etcd"', '"etcd-proxy"')), False),
    ("another pod whose container is called so", "night-copy.yaml", lambda name: write(name, BESIDE), False),
    ("another pod", "kube-vip.yaml", lambda name: write(name, API_SERVER), False),
    ("another pod whose name begins as it does", "etcd-proxy.yaml", lambda name: write(name, API_SERVER), False),
]


@pytest.mark.parametrize(("name", "make", "expected"), table(STRAYS))
def test_strays(directory: Path, name: str, make: Callable[[str], Callable[[Path], None]], expected: bool) -> None:
    make(name)(directory)
    assert strays(str(directory / "etcd.yaml")) == ([str(directory / name)] if expected else [])
    assert (directory / name).is_symlink() or (directory / name).exists()


def test_strays_that_are_no_text(directory: Path) -> None:
    (directory / "etcd.tar").write_bytes(bytes(range(256)))
    (directory / "core").write_bytes(bytes(range(256)))
    (directory / "etcd.yaml.gz").write_bytes(bytes(range(256)))
    os.mkfifo(directory / "etcd.yaml.fifo")
    assert strays(str(directory / "etcd.yaml")) == [str(directory / "etcd.yaml.gz")]


def test_strays_of_a_manifest_with_another_name(directory: Path) -> None:
    (directory / "etcd.yaml").rename(directory / "my-etcd.yml")
    (directory / "my-etcd.yml.bak").write_text(ETCD, "utf-8")
    (directory / "etcd.yaml").write_text("", "utf-8")
    assert strays(str(directory / "my-etcd.yml")) == [str(directory / "my-etcd.yml.bak")]


def test_strays_are_sorted(directory: Path) -> None:
    names = ["etcd.yaml~", "a", "etcd.yaml.bak"]
    for name in names:
        (directory / name).write_text(ETCD, "utf-8")
    assert strays(str(directory / "etcd.yaml")) == [str(directory / name) for name in sorted(names)]
