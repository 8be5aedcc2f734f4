# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible inventory of a lab cluster, whatever its nodes run on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

GROUP = "control_plane"


def write(path: Path, hosts: Mapping[str, Mapping[str, Any]], variables: Mapping[str, Any] | None = None) -> Path:
    """Write a YAML inventory with ``hosts`` in the group ``control_plane`` and return its path.

    ``hosts`` maps names to their variables, ``variables`` are those of the whole group.
    """
    group: dict[str, Any] = {"hosts": {name: dict(own) for name, own in hosts.items()}}
    if variables:
        group["vars"] = dict(variables)
    path.write_text(yaml.safe_dump({GROUP: group}, sort_keys=False), "utf-8")
    return path
