# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows how to get the real programs the lab runs.

A program set is a name and a version, such as etcd 3.6.16, and is a directory with its programs. It is searched for
where ``$ETCD_BIN_DIR`` or ``$KUBERNETES_BIN_DIR`` says (release downloads, for example): in that directory itself, or
in a directory in it that is named after the version. Then it is searched for in the cache
(``$CONTROLPLANE_ETCD_CACHE``, else ``~/.cache/controlplane-etcd``), and is otherwise made into the cache, once.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.command import run, say
from lab.errors import CommandFailedError, ProgramMissingError
from lab.programs import kube
from lab.programs.debian import Package, unpack
from lab.programs.golang import GoBuild, build
from lab.programs.store import Recipe, Store

BIN_DIR_VARIABLE = "ETCD_BIN_DIR"
KUBERNETES_BIN_DIR_VARIABLE = "KUBERNETES_BIN_DIR"
_PINNED = Path(__file__).parent / "pinned" / "etcd"
_MODULE = "go.etcd.io/etcd"
_PACKAGES = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
_BUILD_TIME = "40 to 80 s on two idle cores, several times that on busy ones"

# etcd 3.4 is no Go module that could be built as a dependency; Debian 12 has it as packages.
_DEBIAN = {
    "3.4.23": (
        Package(
            "etcd-server", "3.4.23-4+b4", "amd64", "3a9445d4560ad6de1c375756b2a17d97713df44cbd20a658c871fe108af7ef5d"
        ),
        Package(
            "etcd-client", "3.4.23-4+b4", "amd64", "db3a484d5d924b50bf71f459ee544ecd7b11c25dc2f6becc0c50352d67299cc8"
        ),
    )
}


def store() -> Store:
    """Return the cache of program sets as the environment names it."""
    configured = os.environ.get("CONTROLPLANE_ETCD_CACHE")
    return Store(Path(configured) if configured else Path.home() / ".cache" / "controlplane-etcd")


@functools.cache
def etcd(version: str) -> Path:
    """Return the directory with etcd, etcdctl and (from 3.5 on) etcdutl of ``version``, such as ``3.6.16``.

    The first call for a version may build it, which takes a minute or two and says so on stderr. Raises
    ``ProgramMissingError`` if it cannot be had.
    """
    return _said(_etcd_of_bin_dir(version)) or store().obtain(_recipe(version))


@functools.cache
def kubernetes(version: str) -> Path:
    """Return the directory with kubeadm, kubelet, kubectl and the control plane's components, such as of ``1.33.13``.

    The first call for a version may build them, which takes several minutes and says so on stderr. Raises
    ``ProgramMissingError`` if they cannot be had.
    """
    found = _bin_dir(KUBERNETES_BIN_DIR_VARIABLE, version, kube.PROGRAMS, kube.version_of)
    return _said(found) or store().obtain(kube.recipe(version))


@functools.cache
def promtool() -> Path:
    """Return Prometheus' promtool: the one on PATH, else the one of this machine's Debian or Ubuntu.

    Raises ``ProgramMissingError`` if it cannot be had.
    """
    return _of_the_distribution("promtool", "prometheus")


@functools.cache
def node_exporter() -> Path:
    """Return Prometheus' node exporter, likewise."""
    return _of_the_distribution("prometheus-node-exporter", "prometheus-node-exporter")


def _of_the_distribution(program: str, package: str) -> Path:
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path)
    # It tests and is not tested: whatever version this distribution has will do.
    recipe = Recipe(
        package,
        "debian",
        (program,),
        "some seconds",
        lambda _store, target: unpack([Package(package)], (program,), target),
    )
    return store().obtain(recipe) / program


def installed_versions() -> list[str]:
    """Return the versions of etcd that need no building: those of ``$ETCD_BIN_DIR`` and of the cache."""
    configured = os.environ.get(BIN_DIR_VARIABLE)
    candidates: list[str] = []
    if configured:
        candidates += [path.parent.name for path in Path(configured).glob("*/etcd")]
        candidates += filter(None, [_version_of(Path(configured) / "etcd")])
    usable = {version for version in candidates if _etcd_of_bin_dir(version)[0]}
    return sorted(usable | set(store().versions("etcd")), key=_sort_key)


def pinned_versions() -> list[str]:
    """Return the versions whose every source is pinned by checksum, oldest first."""
    return sorted([*_DEBIAN, *(path.name for path in _PINNED.iterdir())], key=_sort_key)


def can_be_built(version: str) -> bool:
    """Whether any machine can have that version of etcd; the others are packages of one release of Debian."""
    return version not in _DEBIAN


def _sort_key(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _program_names(version: str) -> tuple[str, ...]:
    return ("etcd", "etcdctl") if version.startswith("3.4.") else ("etcd", "etcdctl", "etcdutl")


def _recipe(version: str) -> Recipe:
    names = _program_names(version)
    if version in _DEBIAN:
        return Recipe(
            "etcd", version, names, "some seconds", lambda _store, target: unpack(_DEBIAN[version], names, target)
        )
    if version.startswith("3.4."):
        raise ProgramMissingError(
            f"etcd {version} cannot be built; of 3.4 there is only {', '.join(_DEBIAN)}, from Debian 12's packages, "
            f"or what ${BIN_DIR_VARIABLE} has"
        )
    build_from = GoBuild(
        name="etcd",
        version=version,
        packages={name: f"{_MODULE}/{_PACKAGES[name]}/v3" for name in names},
        pinned=_PINNED / version,
    )
    return Recipe("etcd", version, names, _BUILD_TIME, lambda store, target: build(build_from, store.directory, target))


def _etcd_of_bin_dir(version: str) -> tuple[Path | None, str]:
    return _bin_dir(BIN_DIR_VARIABLE, version, _program_names(version), _version_of)


def _bin_dir(
    variable: str, version: str, names: Sequence[str], version_of: Callable[[Path], str | None]
) -> tuple[Path | None, str]:
    """Return the directory with all programs of a version that the variable names, or why it is passed over."""
    configured = os.environ.get(variable)
    if not configured:
        return None, ""
    reasons = []
    for directory in (Path(configured).resolve(), Path(configured).resolve() / version):
        reason = _flaw(directory, version, names, version_of)
        if not reason:
            return directory, ""
        reasons.append(reason)
    return None, f"${variable} is passed over for {version}: {'; '.join(reasons)}"


def _flaw(directory: Path, version: str, names: Sequence[str], version_of: Callable[[Path], str | None]) -> str:
    """Return why the programs in a directory cannot be taken for a version, or nothing; the first one tells its own."""
    if missing := [name for name in names if not (directory / name).is_file()]:
        return f"{directory} has no {', '.join(missing)}"
    if locked := [name for name in names if not os.access(directory / name, os.X_OK)]:
        return f"{', '.join(locked)} in {directory} cannot be executed"
    found = version_of(directory / names[0])
    if found is None:
        return f"{directory / names[0]} does not run here"
    return "" if found == version else f"{directory / names[0]} is {found}"


def _said(found: tuple[Path | None, str]) -> Path | None:
    directory, reason = found
    if reason:
        say(reason)
    return directory


def _version_of(program: Path) -> str | None:
    """Return what ``etcd --version`` says, None if that is no etcd that runs here."""
    try:
        text = run(program, "--version")
    except CommandFailedError:
        return None
    first = text.partition("\n")[0]
    return first.removeprefix("etcd Version: ").strip() if first.startswith("etcd Version: ") else None
