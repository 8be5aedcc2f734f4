# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of Ansible that are cut off, as by a controller that loses its power.

    python -m lab.interrupt (--printed REGEX | --until COMMAND) COMMAND ...

What the command prints is shown. It is killed as soon as a line that it prints fits REGEX, or as the command of
``--until``, for bash, which waits for that moment, succeeds. The exit code is 1 if it exits before.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

_POLL_SECONDS = 0.05


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a run that leads a session of its own, at once; what it has started on the nodes goes on.

    Each worker of Ansible has a session of its own, too, and would go through the rest of its loop alone.
    """
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    workers = [int(each) for path in children for each in path.read_text().split()]
    os.killpg(process.pid, signal.SIGKILL)
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command until it is time to kill it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.interrupt")
    moment = parser.add_mutually_exclusive_group(required=True)
    moment.add_argument("--printed", type=re.compile, metavar="REGEX")
    moment.add_argument("--until", metavar="COMMAND")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        waiting = stack.enter_context(_running(["/bin/bash", "-c", options.until])) if options.until else None
        process = subprocess.Popen(
            options.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout
        printed = threading.Event()
        # Whoever is killed may leave others with the pipe, so it is never read to its end.
        threading.Thread(target=_show, args=(process.stdout, options.printed, printed), daemon=True).start()
        while not printed.is_set() and not (waiting and waiting.poll() == 0):
            if process.poll() is not None:
                time.sleep(_POLL_SECONDS)
                print(f"lab: it exited with code {process.returncode} before it could be killed", file=sys.stderr)
                return 1
            time.sleep(_POLL_SECONDS)
        kill(process)
    print("lab: killed")
    return 0


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Have a command run, and end it with what it has started here."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _show(output: IO[bytes], wanted: re.Pattern[str] | None, found: threading.Event) -> None:
    for raw in output:
        line = raw.decode("utf-8", "replace")
        print(line, end="", flush=True)
        if wanted and wanted.search(line):
            found.set()


if __name__ == "__main__":
    sys.exit(main())
