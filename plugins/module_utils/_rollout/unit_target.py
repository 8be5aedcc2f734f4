# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What is to be written for an etcd that systemd runs: the settings that were asked for, checked, in their file."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._core.failures import Failure, refuse
from .._kubeadm import flag_values, known_flags
from .._node import etcd_arg, process
from .unit_edit import ARGUMENTS, COMMAND, DROP_IN, ENVIRONMENT_FILE, UnitEdit, edit, effective, file_of
from .unit_rollout import UnitRollout

_OF_ETCD = re.compile(r"\s*(?:[#;]|ETCD_|DAEMON_ARGS|$)")
_ENVIRONMENT = re.compile(r"(?m)^(\s*Environment\s*=)((?:.*\\\n)*.*)(\n|\Z)")
_ONLY_ETCD = re.compile(r"""[\s\\]*(?:(?:"ETCD_[^"]*"|'ETCD_[^']*'|ETCD_\S*)(?:[\s\\]+|$))*""")


@dataclass(frozen=True)
class UnitTarget:
    """The edit, what was asked for in etcd's own form, and whether an etcd runs. `written_in` is the file that has the
    settings if there is nothing to edit; `of_server`: it is one of RKE2 or k3s."""

    edit: UnitEdit
    wanted: t.Mapping[str, str]
    written_in: str
    runs: bool
    warnings: tuple[str, ...] = ()
    of_server: bool = False

    def shown(self, text: str) -> str:
        """The text for a diff: such files may hold secrets, such as passwords in variables."""
        if self.of_server:
            return etcd_arg.shown(text)
        if self.edit.kind in (ENVIRONMENT_FILE, ARGUMENTS):
            return "".join(map(_variable_shown, text.splitlines(keepends=True)))
        return _ENVIRONMENT.sub(_environment_shown, text) if self.edit.kind in (DROP_IN, COMMAND) else text


def _variable_shown(line: str) -> str:
    return line if _OF_ETCD.match(line) else f"{line.partition('=')[0].rstrip()}=...\n"


def _environment_shown(found: re.Match[str]) -> str:
    """An assignment of a unit file, and all lines that it goes on over."""
    return found[0] if _ONLY_ETCD.fullmatch(found[2]) else f"{found[1]}...{found[3]}"


def choose_unit_target(rollout: UnitRollout) -> UnitTarget:
    """The file with the settings that the options ask for. Raises Failure."""
    source, options = rollout.source, rollout.options
    checked = flag_values.checked(options.extra_args, options.remove, effective(source.settings))
    refuse(known_flags.member_refusal([*checked.wanted, *options.remove]))
    version = _version(rollout)
    found = edit(source, checked.wanted, options.remove, version)
    refuse(known_flags.version_refusal(version, found.after))
    return UnitTarget(
        found,
        checked.wanted,
        file_of(source, [*checked.wanted, *options.remove]),
        process.find(source.settings) is not None,
        checked.warnings,
        source.server is not None,
    )


def _version(rollout: UnitRollout) -> str:
    """The version of the etcd that runs, empty if it does not answer."""
    try:
        return rollout.member().endpoint.status().version
    except Failure:
        return ""


__all__ = ("UnitTarget", "choose_unit_target")
