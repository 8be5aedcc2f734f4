# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the etcd of this node ends, and freeze the kubelet in that moment, before it starts the next one."""

from __future__ import annotations

import os
import select
import signal
import subprocess


def process(name: str) -> int:
    """Return the process of that name."""
    found = subprocess.run(["pgrep", "-x", name], check=True, stdout=subprocess.PIPE)
    return int(found.stdout.split()[0])


kubelet = process("kubelet")
etcd = os.pidfd_open(process("etcd"))
select.select([etcd], [], [])  # readable as soon as it has ended
os.kill(kubelet, signal.SIGSTOP)
