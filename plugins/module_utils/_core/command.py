# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Programs of the node, run without the environment of whoever runs this."""

from __future__ import annotations

import os
import typing as t

NOT_STARTED = 127  # the exit code of a shell for a program that cannot be started
_DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/opt/bin", "/snap/bin")


class CommandResult(t.NamedTuple):
    """What a program printed, and its exit code, None on timeout."""

    code: int | None
    out: str
    err: str = ""

    @property
    def output(self) -> str:
        """Standard output, then standard error, each without blanks around it."""
        return "\n".join(filter(None, (self.out.strip(), self.err.strip())))


RunCommand = t.Callable[[t.Sequence[str], float], CommandResult]


def run(argv: t.Sequence[str], timeout: float) -> CommandResult:
    """Run a program with nothing of our environment; exit code 127 if it cannot be started."""
    try:
        return execute(argv, timeout=timeout)
    except OSError as exc:
        return CommandResult(NOT_STARTED, str(exc))


def execute(
    argv: t.Sequence[str],
    *,
    timeout: float,
    env: t.Mapping[str, str] | None = None,
    stdin: str = "",
    directory: str | None = None,
    prepare: t.Callable[[], None] | None = None,
) -> CommandResult:
    """Run a program with nothing of our environment: no proxy, no home with settings of its own. `prepare` is called in
    the new process, when it is in `directory`. Raises OSError."""
    # Here as below, since each start of a module would have to read it, and some run nothing.
    import subprocess

    try:
        done = subprocess.run(
            list(argv),
            env={"LC_ALL": "C", "PATH": os.defpath, **(env or {})},
            input=stdin.encode("utf-8"),
            capture_output=True,
            timeout=timeout,
            check=False,
            cwd=directory,
            preexec_fn=prepare,
        )
    except subprocess.TimeoutExpired:
        return CommandResult(None, "", f"timed out after {timeout:.0f} s")
    except subprocess.SubprocessError as exc:  # all that it tells of `prepare`
        raise OSError(f"{argv[0]} was not started: {exc}") from exc
    return CommandResult(
        done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def installed(program: str) -> str | None:
    """The path of a program of this node, None if there is none. PATH is not enough: sudo shortens it. A path is
    returned unchanged."""
    import shutil

    directories = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *_DIRECTORIES]
    return shutil.which(program, path=os.pathsep.join(directories))


__all__ = ("NOT_STARTED", "CommandResult", "RunCommand", "execute", "installed", "run")
