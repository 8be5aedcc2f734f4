# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Docker engine changes on its host: measured before it starts, restored after it has stopped."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from lab.command import attempt, run
from lab.errors import DockerError

_SYSCTLS = Path("/proc/sys")
# Forwarding first: a change of it sets the ones about redirects.
_SETTINGS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/accept_redirects",
    "net/ipv6/conf/default/forwarding",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
)
# A kubelet and its containerd use some 30; the usual limit of 128 is that of all root's processes on the host, and a
# kubelet that is refused one exits.
_WATCHERS = "fs/inotify/max_user_instances"
_ENOUGH_WATCHERS = 512
_FIREWALLS = ("iptables", "ip6tables")
_CGROUPS = Path("/sys/fs/cgroup")
# Docker's first bridge, and the bridges of its networks.
_BRIDGE = r"\b(?:docker0|br-[0-9a-f]{12})\b"
_DOCKERS = re.compile(rf"\bDOCKER\b|\bDOCKER-|{_BRIDGE}")


@dataclass(frozen=True)
class HostSettings:
    """What an engine changes, as it is at one moment; ``boot`` tells whether that was before a reboot."""

    boot: str
    settings: dict[str, str]
    rules: dict[str, str]
    bridges: list[str]
    cgroups: list[str] = field(default_factory=list)

    @classmethod
    def measure(cls) -> Self:
        """Read the settings; changes nothing."""
        return cls(
            boot=_boot(),
            settings={name: _setting(name) for name in _SETTINGS},
            rules={tool: run(f"{tool}-save") for tool in _FIREWALLS if shutil.which(f"{tool}-save")},
            bridges=_bridges(),
            cgroups=_cgroups(),
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self | None:
        """Return what ``as_json`` kept, None if the machine has been started again since."""
        return cls(**data) if data["boot"] == _boot() else None

    def as_json(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)

    def restore(self) -> None:
        """Put everything back that differs; what others have changed meanwhile stays.

        Raises ``LabError`` with all that cannot be put back, after the rest is.
        """
        attempt(
            *(partial(run, "ip", "link", "delete", name) for name in _bridges() if name not in self.bridges),
            *(partial(_clean_firewall, tool, before) for tool, before in self.rules.items()),
            *(partial(_set, name, value) for name, value in self.settings.items()),
            *(partial(_remove_empty, cgroup) for cgroup in _cgroups() if cgroup not in self.cgroups),
        )


def make_room(kept: Path) -> None:
    """Allow so many watchers of files that all nodes have enough; the limit of before is in ``kept`` until given back.

    Raises ``DockerError`` if there are too few, and this user may not allow more.
    """
    limit = _setting(_WATCHERS)
    if int(limit) >= _ENOUGH_WATCHERS:
        return
    try:
        kept.write_text(f"{_boot()} {limit}", "ascii")
        _set(_WATCHERS, str(_ENOUGH_WATCHERS))
    except OSError as error:
        kept.unlink(missing_ok=True)
        raise DockerError(
            f"the nodes' kubelets would exit for want of file watchers: this host allows {limit} to a user, and more "
            f"cannot be set here ({error.strerror}); as root: sysctl {_WATCHERS.replace('/', '.')}={_ENOUGH_WATCHERS}"
        ) from None


def give_room_back(kept: Path) -> None:
    """Put back the limit that ``make_room`` has kept, if it is still the one that was set there."""
    if kept.exists():
        boot, limit = kept.read_text("ascii").split()
        if boot == _boot() and _setting(_WATCHERS) == str(_ENOUGH_WATCHERS):
            _set(_WATCHERS, limit)
        kept.unlink()


def without_dockers(before: str, now: str) -> str:
    """Return the rules ``now`` without what Docker has added since ``before``; rules that somebody else added stay.

    Both are texts of ``iptables-save``.
    """
    known = set(_lines(before))
    policies = {table: line for table, line in known if line.startswith(":FORWARD ")}
    kept = []
    for table, line in _lines(now):
        if line.startswith(":FORWARD DROP "):
            # Docker's, unless it was there before. A table that was not there let everything pass.
            kept.append(policies.get(table, line.replace(" DROP ", " ACCEPT ")))
        elif (table, line) in known or not _DOCKERS.search(line):
            kept.append(line)
    return "\n".join([*kept, ""]) if kept else ""


def _lines(text: str) -> list[tuple[str, str]]:
    """Return every line with the table it belongs to."""
    table, lines = "", []
    for line in text.splitlines():
        table = line if line.startswith("*") else table
        lines.append((table, line))
    return lines


def _clean_firewall(tool: str, before: str) -> None:
    now = run(f"{tool}-save")
    cleaned = without_dockers(before, now)
    if cleaned != now:
        run(f"{tool}-restore", stdin=cleaned)


def _setting(name: str) -> str:
    """Return a setting; one that does not exist yet, as those of a module that dockerd loads, is as good as off."""
    file = _SYSCTLS / name
    return file.read_text("ascii").strip() if file.exists() else "0"


def _set(name: str, value: str) -> None:
    file = _SYSCTLS / name
    if file.exists() and file.read_text("ascii").strip() != value:
        file.write_text(value, "ascii")


def _bridges() -> list[str]:
    return [name for _index, name in socket.if_nameindex() if re.fullmatch(_BRIDGE, name)]


def _cgroups() -> list[str]:
    """Return the groups that all of an engine's containers are in: one, or on cgroup v1 one for each controller."""
    return sorted(str(path) for pattern in ("docker", "*/docker") for path in _CGROUPS.glob(pattern))


def _remove_empty(cgroup: str) -> None:
    # One that is not empty by now has somebody in it, and stays.
    with contextlib.suppress(OSError):
        Path(cgroup).rmdir()


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
