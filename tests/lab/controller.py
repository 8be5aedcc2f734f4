# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's own programs: those of the virtual environment that runs this, or of another Ansible."""

from __future__ import annotations

import os
import sys
from pathlib import Path

BIN_DIR_VARIABLE = "ANSIBLE_BIN_DIR"


def program(name: str) -> Path:
    """Return the path of ``ansible-playbook``, say: in the directory that ``$ANSIBLE_BIN_DIR`` names, if it is set."""
    directory = os.environ.get(BIN_DIR_VARIABLE)
    return Path(directory) / name if directory else Path(sys.executable).with_name(name)
