# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""etcd's own compaction: a setting of members that is stricter than what a hardening would give them stays, any other
one is replaced and named."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._kubeadm.flag_values import MODE, RETENTION, retention_seconds
from .results import RolledMember

_PERIODIC, _REVISION = "periodic", "revision"
# Less history than an hour of three writes per second, which the leases of nodes and controllers alone come to.
_STRICT_REVISIONS = 10_000


@dataclass(frozen=True)
class Setting:
    """A mode and a retention that compact something."""

    mode: str
    retention: str

    @classmethod
    def of(cls, mode: str | None, retention: str | None) -> Setting | None:
        """None if nothing is ever compacted with these two, or if etcd would not start with them."""
        setting = cls(mode or _PERIODIC, retention or "0")
        return setting if setting.history else None

    @property
    def history(self) -> float:
        """The history that is kept, in seconds or revisions; 0 if there is no end to it."""
        if self.mode == _REVISION:
            return float(self.retention) if self.retention.isdecimal() else 0.0
        return (retention_seconds(self.retention) or 0.0) if self.mode == _PERIODIC else 0.0

    @property
    def arguments(self) -> dict[str, str]:
        return {MODE: self.mode, RETENTION: self.retention}

    def stricter_than(self, other: Setting) -> bool:
        """Whether it keeps less history. A number of revisions is no time, so only few of them count as less."""
        if self.mode == other.mode:
            return self.history < other.history
        return self.mode == _REVISION and self.history <= _STRICT_REVISIONS

    def __str__(self) -> str:
        return f"{MODE}={self.mode}, {RETENTION}={self.retention}"


@dataclass(frozen=True)
class Compaction:
    """The arguments that all members get, and a line for each setting that stays or is replaced."""

    extra_args: t.Mapping[str, str]
    lines: tuple[str, ...]


def existing_setting(trial: RolledMember, wanted: t.Mapping[str, str]) -> Setting | None:
    """The setting of a member that the `wanted` arguments were tried on, None if it has none."""

    def value(name: str) -> str | None:
        changed = name in trial.flags_before or name in trial.flags_after
        return trial.flags_before.get(name) if changed else wanted.get(name)

    return Setting.of(value(MODE), value(RETENTION))


def choose_compaction(
    trials: t.Mapping[str, RolledMember], wanted: t.Mapping[str, str], *, asked: t.Container[str]
) -> Compaction:
    """The compaction of all members, after a trial of the `wanted` arguments on each, by host. What the user has
    `asked` for is given to them, whatever they have."""
    default = Setting.of(wanted.get(MODE), wanted.get(RETENTION))
    hosts: dict[Setting, list[str]] = {}
    for host, trial in trials.items():
        setting = existing_setting(trial, wanted)
        if setting and setting != default:
            hosts.setdefault(setting, []).append(host)
    chosen = default
    if default and MODE not in asked and RETENTION not in asked:
        stricter = [setting for setting in hosts if setting.stricter_than(default)]
        # Of two kinds the one that can be compared with the default.
        chosen = min(stricter, key=lambda setting: (setting.mode, setting.history), default=default)
    lines = [
        f"{', '.join(names)}: {setting} stays, which is stricter than {default}; every member gets it."
        if setting == chosen
        else f"{', '.join(names)}: {setting} is replaced by {chosen or 'none'}."
        for setting, names in hosts.items()
    ]
    return Compaction({**wanted, **(chosen.arguments if chosen and chosen != default else {})}, tuple(lines))


__all__ = ("Compaction", "Setting", "choose_compaction", "existing_setting")
