# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs, with what they printed in the error if they fail, and messages to the person who waits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from lab.errors import CommandFailedError, LabError

_LAST_LINES = 15


def run(
    *command: str | Path,
    stdin: str | bytes | IO[bytes] | None = None,
    seconds: float | None = None,
    env: Mapping[str, str | None] | None = None,
    directory: Path | None = None,
) -> str:
    """Run a command until it exits and return what it printed on stdout.

    ``env`` is added to this process's environment (None removes a variable), ``directory`` is the one it runs in.
    Raises ``CommandFailedError`` with the last lines printed if the command fails, cannot be run, or takes longer than
    ``seconds``.
    """
    words = [str(word) for word in command]
    text = stdin.encode() if isinstance(stdin, str) else stdin if isinstance(stdin, bytes) else None
    # Never this process's own input: docker exec -i would swallow it.
    file = None if isinstance(stdin, (str, bytes)) else stdin or subprocess.DEVNULL
    try:
        done = subprocess.run(
            words,
            input=text,
            stdin=file,
            capture_output=True,
            timeout=seconds,
            env={name: value for name, value in {**os.environ, **(env or {})}.items() if value is not None},
            cwd=directory,
            check=False,
        )
    except OSError as error:
        raise CommandFailedError(f"{words[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise CommandFailedError(f"{' '.join(words)} did not exit within {seconds:.0f} s") from None
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        printed = (output + done.stderr.decode("utf-8", "replace")).splitlines()
        failure = f"{' '.join(words)} exited with code {done.returncode}:"
        raise CommandFailedError("\n".join([failure, *printed[-_LAST_LINES:]]))
    return output


def attempt(*steps: Callable[[], object]) -> None:
    """Take every step, also those after one that fails; raises ``LabError`` with all that went wrong."""
    reasons = []
    for step in steps:
        try:
            step()
        except (LabError, OSError) as error:
            reasons.append(str(error))
    if reasons:
        raise LabError("\n".join(reasons))


def say(text: str) -> None:
    """Tell a person what is going on, on stderr."""
    print(f"lab: {text}", file=sys.stderr, flush=True)
