# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The settings of a member that systemd runs: from the flags and variables of its unit, or from etcd's own
configuration file.

With a configuration file etcd ignores flags and variables; else an option that is given as both makes it exit (etcd 3.4
to 3.7). A unit's `Environment=` counts less than its files, of which the later one wins (systemd.exec(5)).
"""

from __future__ import annotations

import os
import re
import typing as t

from .._core import files
from . import environment_file
from .file_settings import file_flags
from .settings import K3S_DATA_DIR, MemberSettings, ReadText, parse_flags, unusable, variable_of
from .systemd_unit import EnvironmentFile, EtcdUnit

K3S = "k3s"
_K3S_CONFIG = "server/db/etcd/config"
# ${NAME} anywhere in a word; $NAME is a whole word, and becomes as many as its value has (systemd.service(5)).
_WITHIN = re.compile(r"\$\{(\w+)\}")
_WHOLE = re.compile(r"\$(\w+)")


def settings_of_unit(unit: EtcdUnit, read: ReadText = files.text) -> MemberSettings:
    """The settings with which this unit starts its etcd. `read` gives the text of a file, and raises OSError. Raises
    Failure if they cannot be told, or etcd would exit on them."""
    if unit.program == K3S:
        return _from_file(unit, _k3s_config(unit), read)
    env = environment_of(unit, read)
    flags = {} if unit.by_shell else parse_flags(_expanded(unit.words, env)[1:])
    file = flags.get("config-file") or env.get(variable_of("config-file"), "")
    if file:
        return _from_file(unit, file, read)
    env = {name: value for name, value in env.items() if name.startswith("ETCD_") and value}
    twice = sorted(name for name in flags if variable_of(name) in env)
    if twice and not unit.running:
        raise unusable(
            f"{unit.name} gives {', '.join(twice)} both as a flag and as a variable"
            f" ({', '.join(map(variable_of, twice))}): etcd exits on that, even if the values are the same.",
            f"Take one of the two away (systemctl cat {unit.name} shows both), then run this again.",
        )
    settings = MemberSettings(unit.name, "", flags, env, (), (), unit.memory_max_bytes, unit.name)
    if not settings.data_dir.startswith("/"):
        raise unusable(
            f"{unit.name} names no data directory with a whole path, as --data-dir or ETCD_DATA_DIR, so whose data this"
            " is cannot be told",
            "Name it there, and restart that etcd." if unit.runs_etcd else "",
        )
    return settings


def _k3s_config(unit: EtcdUnit) -> str:
    """The configuration file that k3s writes for its etcd."""
    return os.path.join(parse_flags(unit.words[1:]).get("data-dir") or K3S_DATA_DIR, _K3S_CONFIG)


def _from_file(unit: EtcdUnit, path: str, read: ReadText) -> MemberSettings:
    flags = file_flags(path, read)
    return MemberSettings(unit.name, "", flags, {}, (), (), unit.memory_max_bytes, unit.name, path)


def environment_of(unit: EtcdUnit, read: ReadText = files.text) -> dict[str, str]:
    """The variables of the unit. Raises Failure."""
    env = dict(unit.environment)
    for file in unit.environment_files:
        env.update(_variables(unit, file, read))
    return env


def _variables(unit: EtcdUnit, file: EnvironmentFile, read: ReadText) -> dict[str, str]:
    try:
        return environment_file.values(read(file.path))
    except FileNotFoundError:
        if file.optional:
            return {}
        raise unusable(f"{file.path}, which {unit.name} needs (EnvironmentFile=), does not exist") from None
    except (OSError, ValueError) as exc:
        raise unusable(f"{file.path} (EnvironmentFile= of {unit.name}) cannot be read: {exc}") from exc


def _expanded(words: t.Sequence[str], env: t.Mapping[str, str]) -> list[str]:
    """The words of a command with the values of variables, as systemd puts them in."""
    found: list[str] = []
    for word in words:
        whole = _WHOLE.fullmatch(word)
        if whole:
            found += env.get(whole[1], "").split()
        else:
            found.append(_WITHIN.sub(lambda match: env.get(match[1], ""), word))
    return found


__all__ = ("K3S", "environment_of", "settings_of_unit")
