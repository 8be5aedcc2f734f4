# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_schedule as Ansible sends it to a node: the tool is made there, of what Ansible sent along."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.support.node_tool import archive

UNSHARE = shutil.which("unshare")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0
    or UNSHARE is None
    or subprocess.run([UNSHARE, "--mount", "true"], check=False, capture_output=True).returncode != 0,
    reason="another /etc in a mount namespace needs root",
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """A directory with the /etc and /usr/local/sbin of a host on which cron runs, and a Python that sees only those."""
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True)
    (tmp_path / "etc/cron.d").mkdir(exist_ok=True)
    for directory in ("sbin", "state"):
        (tmp_path / directory).mkdir()
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        f"exec unshare --mount sh -c 'mount --bind {tmp_path}/etc /etc &&"
        f' mount --bind {tmp_path}/sbin /usr/local/sbin && exec "$@"\' sh {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    # All that is asked for is that somebody of this name runs.
    (tmp_path / "cron").symlink_to(shutil.which("sleep") or "")
    with subprocess.Popen(["cron", "600"], executable=tmp_path / "cron") as cron:
        yield tmp_path
        cron.kill()


@pytest.mark.parametrize("pipelining", [False, True], ids=["copied", "pipelined"])
def test_check_run_again_absent(host: Path, ansible_module: Any, pipelining: bool) -> None:
    options: dict[str, Any] = {"interpreter": str(host / "python"), "backend": "cron"}
    options["extra_env"] = {"ANSIBLE_PIPELINING": str(pipelining)}
    tool, cron = host / "sbin/etcd-maintenance", host / "etc/cron.d/etcd-maintenance"
    would = ansible_module("etcd_schedule", None, check=True, **options)
    assert not would["failed"], would["printed"]
    assert (would["changed"], tool.exists(), cron.exists()) == (True, False, False)
    done = ansible_module("etcd_schedule", None, **options)
    assert not done["failed"], done["printed"]
    assert done["files"] == would["files"] == ["/etc/cron.d/etcd-maintenance", "/usr/local/sbin/etcd-maintenance"]
    # Byte for byte what is made from the sources as they lie here, whoever runs it.
    interpreter = tool.read_bytes().splitlines()[0].decode().removeprefix("#!").removesuffix(" -I")
    assert tool.read_bytes() == archive(interpreter)
    assert (tool.stat().st_mode & 0o777, cron.stat().st_mode & 0o777) == (0o755, 0o644)
    shown = subprocess.run([str(tool), "status", "--manifest=/nowhere"], capture_output=True, text=True, check=False)
    assert (shown.returncode, "there is no /nowhere on this node" in shown.stdout) == (1, True)
    for check in (True, False):
        again = ansible_module("etcd_schedule", None, check=check, **options)
        assert (again["changed"], again["files"]) == (False, [])
    assert ansible_module("etcd_schedule", None, state="absent", **options)["changed"] is True
    assert not tool.exists()
    assert not cron.exists()
