# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of program sets: made once, put in place as a whole, verified whenever it is used and seems changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.command import say
from lab.errors import CommandFailedError, ProgramMissingError

CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Recipe:
    """How one program set comes to be.

    ``make`` gets the store and an empty directory and leaves exactly ``programs`` there, or raises
    ``ProgramMissingError`` or ``CommandFailedError``. ``first_time`` says in words how long that may take with nothing
    cached.
    """

    name: str
    version: str
    programs: tuple[str, ...]
    first_time: str
    make: Callable[[Store, Path], None]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Store:
    """A cache directory with ``<name>/<version>/`` per program set."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def versions(self, name: str) -> list[str]:
        """Return the versions of a program set that lie in the cache."""
        return [path.parent.name for path in (self.directory / name).glob(f"[!.]*/{CHECKSUMS}")]

    def obtain(self, recipe: Recipe) -> Path:
        """Return the directory of a program set, after making it if it is missing or damaged."""
        target = self.directory / recipe.name / recipe.version
        if _is_intact(target):
            return target
        with self._only_one(recipe):
            # Another process may have made it while this one waited.
            if not _is_intact(target):
                if target.exists():
                    say(f"{recipe} in {target} does not match its checksums any more and is made anew")
                self._make(recipe, target)
        return target

    def _make(self, recipe: Recipe, target: Path) -> None:
        last = self._seconds().get(str(recipe))
        say(f"making {recipe} (once; {f'last time it took {last} s' if last else recipe.first_time}) ...")
        start = time.monotonic()
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that the rename below stays on one file system. What a killed build leaves goes first.
        for leftover in target.parent.glob(".making-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
        try:
            try:
                recipe.make(self, aside)
            except CommandFailedError as error:
                raise ProgramMissingError(f"making {recipe} failed: {error}") from None
            missing = [name for name in recipe.programs if not (aside / name).is_file()]
            if missing:
                raise ProgramMissingError(f"making {recipe} left out {', '.join(missing)}")
            sums = "".join(f"{_sha256(aside / name)}  {name}\n" for name in recipe.programs)
            (aside / CHECKSUMS).write_text(sums, "ascii")
            aside.chmod(0o755)
            if target.exists():
                shutil.rmtree(target)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        seconds = round(time.monotonic() - start)
        self._remember(recipe, seconds)
        say(f"{recipe} is in {target} ({seconds} s)")

    def _seconds(self) -> dict[str, int]:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.directory / "seconds.json").read_text("utf-8")))
        return {}

    def _remember(self, recipe: Recipe, seconds: int) -> None:
        text = json.dumps({**self._seconds(), str(recipe): seconds}, indent=1)
        (self.directory / "seconds.json").write_text(text, "utf-8")

    @contextlib.contextmanager
    def _only_one(self, recipe: Recipe) -> Iterator[None]:
        """Let one process at a time make something: two builds would only take turns on the same cores."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another process that is making programs, then for {recipe}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_intact(directory: Path) -> bool:
    """Compare with the checksums; quickly if size and time of every file are those of the last time."""
    # Not in the directory, which may be hashed itself.
    verified = directory.with_name(f".{directory.name}.verified")
    try:
        sums = (directory / CHECKSUMS).read_text("ascii")
        digests = {name: digest for digest, name in map(str.split, sums.splitlines())}
        state = sums + "".join(f"{_size_and_time(directory / name)}  {name}\n" for name in digests)
        if not digests or (verified.exists() and verified.read_text("ascii") == state):
            return bool(digests)
        intact = all(_sha256(directory / name) == digest for name, digest in digests.items())
    except OSError:
        return False
    if intact:
        with contextlib.suppress(OSError):  # of a cache that may only be read
            verified.write_text(state, "ascii")
    return intact


def _size_and_time(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
