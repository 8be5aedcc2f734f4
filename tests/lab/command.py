# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs, the docker command line above all, and saying what they printed when they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import IO

from nodes.errors import NodesError

_LAST_LINES = 15


def run(
    *command: str,
    stdin: str | IO[bytes] | None = None,
    seconds: float | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return what it printed on stdout.

    ``env`` is added to this process's environment. Raises ``NodesError`` with the last lines printed where the command
    fails, cannot be run, or takes longer than ``seconds``.
    """
    spoken = " ".join(command)
    text = stdin.encode() if isinstance(stdin, str) else None
    # Never this process's own input: docker exec -i would swallow it.
    file = None if isinstance(stdin, str) else stdin or subprocess.DEVNULL
    try:
        done = subprocess.run(
            command,
            input=text,
            stdin=file,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, **(env or {})},
            check=False,
        )
    except OSError as error:
        raise NodesError(f"{command[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NodesError(f"{spoken} did not end within {seconds:.0f} s") from None
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        printed = (output + done.stderr.decode("utf-8", "replace")).splitlines()
        raise NodesError("\n".join([f"{spoken} ended with code {done.returncode}:", *printed[-_LAST_LINES:]]))
    return output


def docker(*arguments: str, stdin: str | IO[bytes] | None = None, seconds: float | None = None) -> str:
    """Run ``docker`` on the engine that the environment names (``DOCKER_HOST``); see ``run``."""
    return run("docker", *arguments, stdin=stdin, seconds=seconds)


def attempt(*steps: Callable[[], object]) -> None:
    """Take every step, also those after one that fails; raises ``NodesError`` with all that went wrong."""
    reasons = []
    for step in steps:
        try:
            step()
        except (NodesError, OSError) as error:
            reasons.append(str(error))
    if reasons:
        raise NodesError("\n".join(reasons))


def say(text: str) -> None:
    """Tell a person what is going on, on stderr."""
    print(f"nodes: {text}", file=sys.stderr, flush=True)
