# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that a machine lacks, installed without starting the services that come with them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lab.command import run, say

# What Debian's packages ask before they start a service; exit code 101 forbids it.
_POLICY = Path("/usr/sbin/policy-rc.d")
_MARK = "# Of the tests of controlplane.etcd, while they install packages."


def install(*packages: str) -> None:
    """Install Debian packages, and say so; raises ``CommandFailedError`` if that fails."""
    say(f"installing {', '.join(packages)} with apt-get")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "-qq", "update", env=env)
    with _no_services():
        run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages, env=env)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Have no service started meanwhile; the policy of this machine's administrator stays if there is one."""
    free = not os.path.lexists(_POLICY) or _MARK in _POLICY.read_text("utf-8", "replace")
    if free:
        # It forbids nothing any more if this process was killed.
        _POLICY.write_text(f"#!/bin/sh\n{_MARK}\ntest ! -d /proc/{os.getpid()} || exit 101\n", "utf-8")
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if free:
            _POLICY.unlink(missing_ok=True)
