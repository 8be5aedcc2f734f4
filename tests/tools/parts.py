# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets one after the other, say how long each took, stop at the first that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def main(parts: list[str]) -> int:
    seconds: dict[str, float] = {}
    code = 0
    for part in parts:
        print(f"\n######## {part} ########", flush=True)
        begin = time.monotonic()
        code = subprocess.run([os.environ.get("MAKE", "make"), "--no-print-directory", part], check=False).returncode
        seconds[part] = time.monotonic() - begin
        print(f"######## {part}: {'failed' if code else 'passed'} after {seconds[part]:.1f} s", flush=True)
        if code:
            break

    print("\npart          seconds")
    for part in parts:
        print(f"{part:<12} {seconds[part]:8.1f}" if part in seconds else f"{part:<12}  not run")
    print(f"{'all':<12} {sum(seconds.values()):8.1f}")
    if code:
        print(f"\nThe part {list(seconds)[-1]!r} failed.")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
