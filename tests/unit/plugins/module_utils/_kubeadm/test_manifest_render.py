# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubeadm is told of a node, and how its failures are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import manifest_render
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.manifest_render import Facts

PLAIN = (DATA / "manifests/1.33/plain.manifest").read_text("utf-8")
JOINED = (DATA / "manifests/1.33/joined-cp2.manifest").read_text("utf-8")
APISERVER = "spec:\n  containers:\n  - image: registry.k8s.io/kube-apiserver:v1.33.13\n"
FLAGS_ENV = 'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock --v=2"\n'
INSTANCE = 'apiVersion: x\ncontainerRuntimeEndpoint: "unix:///var/run/crio/crio.sock"\n'

NODE = Facts("vm", "192.0.2.2", "registry.k8s.io", "3.5.24-0")


def test_facts() -> None:
    assert manifest_render.facts(PLAIN) == NODE
    known = manifest_render.facts(JOINED, APISERVER, ["", INSTANCE])
    assert known == Facts(
        "cp2", "192.0.2.12", "registry.k8s.io", "3.5.24-0", "unix:///var/run/crio/crio.sock", "v1.33.13"
    )
    assert manifest_render.facts(PLAIN, "kind: Pod", [FLAGS_ENV, INSTANCE]) == Facts(
        "vm", "192.0.2.2", "registry.k8s.io", "3.5.24-0", "unix:///run/containerd/containerd.sock"
    )
    # If extraArgs set another address, the annotation still has what kubeadm was told.
    other = PLAIN.replace("--advertise-client-urls=https://192.0.2.2:2379", "--advertise-client-urls=https://[::1]:1")
    assert manifest_render.facts(other).address == "192.0.2.2"
    assert manifest_render.facts(other.replace("kubeadm.kubernetes.io/etcd", "x/etcd")).address == "::1"


NO_FACTS = [
    ("a digest", "etcd:3.5.24-0", "etcd:3.5.24-0@sha256:0a", "cannot be made to use the image registry.k8s.io/etcd:3"),
    ("another name", "k8s.io/etcd:", "k8s.io/etcd-amd64:", "cannot be made to use the image"),
    ("no name", "    - --name=vm\n", "", "does not give the member's name and address"),
    ("half an address", "urls: https://192.0.2.2", "urls: https://[::1", "does not give the member's name and address"),
]


@pytest.mark.parametrize(("old", "new", "expected"), table(NO_FACTS))
def test_no_facts(old: str, new: str, expected: str) -> None:
    with pytest.raises(Failure, match=expected):
        manifest_render.facts(PLAIN.replace(old, new))


def test_the_first_cluster_is_kept() -> None:
    flags = {
        "initial-cluster": "cp1=https://192.0.2.11:2380,vm=https://192.0.2.2:2380",
        "initial-cluster-state": "existing",
    }
    found = manifest_render.keep_cluster_flags(PLAIN, flags)
    assert {name: found.after[name] for name in flags} == flags
    assert manifest_render.keep_cluster_flags(found.text, {"initial-cluster": "a"}).after["initial-cluster"] == "a"
    assert "initial-cluster-state" not in manifest_render.keep_cluster_flags(found.text, {"initial-cluster": "a"}).after


# --- programs that do what a test says ---


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "_DIRECTORIES", ())
    return tmp_path


KUBEADM: list[tuple[str, str, str]] = [
    ("its own words", 'echo "W1 a warning" >&2; echo "error: no such thing." >&2; exit 1', "manifest: no such thing."),
    (
        "its advice left out",
        'echo "a b" >&2; echo "To see the stack trace of this error" >&2; exit 3',
        "manifest: a b.",
    ),
    ("no word", "exit 1", "it does not say why."),
    ("no manifest", "exit 0", "succeeded but wrote no manifest of etcd."),
    (
        "two of them",
        'for f in a b; do mkdir "$KUBEADM_INIT_DRYRUN_DIR/$f"; : > "$KUBEADM_INIT_DRYRUN_DIR/$f/etcd.yaml"; done',
        "wrote no manifest of etcd.",
    ),
]


@pytest.mark.parametrize(("script", "expected"), table(KUBEADM))
def test_kubeadm_fails(directory: Path, script: str, expected: str) -> None:
    program(directory, "kubeadm", f"PATH=/usr/bin:/bin; {script}")
    with pytest.raises(Failure) as caught:
        manifest_render.render("")
    assert str(caught.value).endswith(expected)


def test_kubeadm_is_told_where(directory: Path) -> None:
    """Both places in which its versions leave the file; nothing of it stays."""
    seen = directory / "seen"
    for place in ("", "/tmp/kubeadm-init-dryrun1"):
        program(
            directory,
            "kubeadm",
            f'PATH=/usr/bin:/bin; D="$KUBEADM_INIT_DRYRUN_DIR{place}"; mkdir -p "$D"; echo "$*" "$D" > {seen};'
            ' cat "${6#--config=}" > "$D/etcd.yaml"',
        )
        assert manifest_render.render("a: b\r\n") == "a: b\r\n"
        words = seen.read_text("utf-8").split()
        assert words[:5] == ["init", "phase", "etcd", "local", "--dry-run"]
        assert not os.path.exists(words[-1])


@pytest.mark.usefixtures("directory")
def test_no_program() -> None:
    with pytest.raises(Failure, match="There is no kubeadm on this node"):
        manifest_render.render("")
