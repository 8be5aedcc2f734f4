# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The control group of a process, in which systemd or a container runtime has put it: told from the text of its
`/proc/PID/cgroup`."""

from __future__ import annotations

import re
import typing as t

_CONTAINER = re.compile(r"(docker|libpod|nerdctl)[-/]([0-9a-f]{12})[0-9a-f]{52}(\.scope)?$")


def units_of(cgroup: str) -> list[str]:
    """The services in whose control group a process is, the outermost first."""
    return [part for part in group_of(cgroup).split("/") if part.endswith(".service")]


def container_of(cgroup: str) -> t.Match[str] | None:
    """The runtime and the number of the container in which a process is, None if it is in none, or a kubelet's."""
    return _CONTAINER.search(group_of(cgroup))


def is_container(cgroup: str) -> bool:
    """Whether a process is in a container that no kubelet has started."""
    return container_of(cgroup) is not None


def group_of(cgroup: str) -> str:
    """The control group that systemd or a container runtime has put a process into."""
    groups = {kind: path for _number, kind, path in (line.split(":", 2) for line in cgroup.splitlines() if ":" in line)}
    return groups.get("name=systemd") or groups.get("", "")


__all__ = ("container_of", "group_of", "is_container", "units_of")
