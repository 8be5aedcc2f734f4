# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a Kubernetes node and control plane: where they come from."""

from __future__ import annotations

from pathlib import Path

from lab.command import run
from lab.errors import CommandFailedError, ProgramMissingError
from lab.programs.golang import GoBuild, build
from lab.programs.store import Recipe

PROGRAMS = ("kubeadm", "kubelet", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
PINNED = Path(__file__).parent / "pinned" / "kubernetes"
# Up to 1.30 the cloud providers' code is in the tree, and not all of the modules it wants can be had.
TAGS = "providerless"
_BUILD_TIME = "5 minutes on two idle cores, several times that on busy ones"
# Where a release's own build leaves its version; without it kubeadm takes itself for v0.0.0.
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def pinned_versions() -> list[str]:
    """Return the releases that can be built, oldest first."""
    return sorted((path.name for path in PINNED.iterdir()), key=lambda text: [int(part) for part in text.split(".")])


def recipe(version: str) -> Recipe:
    """Return how the programs of ``version``, such as ``1.33.13``, are built.

    Raises ``ProgramMissingError`` if the release is not pinned.
    """
    if version not in pinned_versions():
        raise ProgramMissingError(
            f"Kubernetes {version} is not pinned here; there are {', '.join(pinned_versions())}, and "
            f"tests/tools/pin_kubernetes.py pins others"
        )
    major, minor, _patch = version.split(".")
    facts = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "module",
    }
    wanted = GoBuild(
        name="kubernetes",
        version=version,
        packages={program: f"k8s.io/kubernetes/cmd/{program}" for program in PROGRAMS},
        pinned=PINNED / version,
        tags=TAGS,
        variables={f"{package}.{name}": value for package in _VERSION_PACKAGES for name, value in facts.items()},
    )
    return Recipe(
        "kubernetes", version, PROGRAMS, _BUILD_TIME, lambda store, target: build(wanted, store.directory, target)
    )


def version_of(kubeadm: Path) -> str | None:
    """Return what a kubeadm says it is, such as ``1.33.13``; None if that is no kubeadm that runs here."""
    try:
        return run(kubeadm, "version", "--output=short").strip().removeprefix("v")
    except CommandFailedError:
        return None
