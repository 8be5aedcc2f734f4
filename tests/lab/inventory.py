# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible inventory of a lab cluster, whatever its nodes run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

GROUP = "control_plane"


def write(
    path: Path,
    hosts: Mapping[str, Mapping[str, Any]],
    variables: Mapping[str, Any] | None = None,
    groups: Sequence[str] = (GROUP,),
) -> Path:
    """Write a YAML inventory with ``hosts`` in every one of ``groups`` and return its path.

    ``hosts`` maps names to their variables, ``variables`` are those of all of them.
    """
    group: dict[str, Any] = {"hosts": {name: dict(own) for name, own in hosts.items()}}
    if variables:
        group["vars"] = dict(variables)
    first, *others = groups
    content = {first: group, **{name: {"hosts": dict.fromkeys(hosts)} for name in others}}
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return path
