# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tool of a release: one file that needs nothing but Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.node_tool import main


def test_it_runs_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "build/etcd-maintenance"
    main(path)
    assert path.stat().st_mode & 0o777 == 0o755
    assert path.read_bytes().startswith(b"#!/usr/bin/python3 -I\n# etcd-maintenance")
    argv = [sys.executable, "-I", str(path), "recover", "--help"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=tmp_path, env={})
    assert said.stdout.startswith("usage: etcd-maintenance recover")
    before = path.read_bytes()
    main(path)
    assert path.read_bytes() == before
