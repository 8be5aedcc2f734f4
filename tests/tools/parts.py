# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets one after the other, say how long each took, stop at the first that fails.

    python -m tools.parts lint,sanity,unit browser

Those with a comma between them run at once, since the longest of them, the sanity tests, keep only one core busy. The
first one's output is shown as it comes, that of the others when the first is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

_MAKE = [os.environ.get("MAKE", "make"), "--no-print-directory"]


def main(groups: list[str]) -> int:
    """Run the parts and return the exit code of the first that failed, else 0."""
    parts = [part for group in groups for part in group.split(",")]
    seconds: dict[str, float] = {}
    failed: dict[str, int] = {}
    start = time.monotonic()
    for group in groups:
        failed = _run(group.split(","), seconds)
        if failed:
            break

    print("\npart          seconds")
    for part in parts:
        print(f"{part:<12} {seconds[part]:8.1f}" if part in seconds else f"{part:<12}  not run")
    print(f"{'all':<12} {time.monotonic() - start:8.1f}")
    for part in failed:
        print(f"\nThe part {part!r} failed.")
    return next(iter(failed.values()), 0)


def _run(group: list[str], seconds: dict[str, float]) -> dict[str, int]:
    """Run parts at once, note how long each took, and return the exit codes of those that failed."""
    failed = {}
    with ThreadPoolExecutor(len(group)) as pool:
        running = [pool.submit(_make, part, shown=part == group[0]) for part in group]
        for part, done in zip(group, running, strict=True):
            print(f"\n######## {part} ########", flush=True)
            code, seconds[part], output = done.result()
            sys.stdout.buffer.write(output)
            print(f"######## {part}: {'failed' if code else 'passed'} after {seconds[part]:.1f} s", flush=True)
            if code:
                failed[part] = code
    return failed


def _make(part: str, *, shown: bool) -> tuple[int, float, bytes]:
    """Make one part: its exit code, how many seconds it took, and what it printed if that is not shown yet."""
    begin = time.monotonic()
    output, errors = (None, None) if shown else (subprocess.PIPE, subprocess.STDOUT)
    done = subprocess.run([*_MAKE, part], check=False, stdout=output, stderr=errors)
    return done.returncode, time.monotonic() - begin, done.stdout or b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
