# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Edits of the one file that holds the settings of an etcd that systemd runs.

A setting is changed where it is: an option that is given both as a flag and as a variable makes etcd exit, and beside a
configuration file neither counts (etcd 3.4 to 3.7). A new one goes into the unit's environment file, else into a
drop-in of this collection. The result is read again, as systemd and etcd would: it has to say what was there and the
change, and nothing else.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._core.failures import Failure, Refused
from .._core.text import join
from .._kubeadm import flag_values
from .._node import config_file, environment_file, etcd_arg
from .._node.settings import MemberSettings, variable_of
from .._node.systemd_unit import EtcdUnit
from .._node.unit_settings import settings_of_unit
from . import command_line, drop_in
from .server import Server

Flags = t.Dict[str, str]  # evaluated, also on Python 3.8

# Kinds of a place.
CONFIG_FILE, ENVIRONMENT_FILE, ARGUMENTS, DROP_IN, COMMAND = "config", "environment", "arguments", "drop-in", "command"
SERVER = "server"
_ADMINISTRATORS = "/etc/"  # what is elsewhere belongs to a package, or is gone after a boot


class Place(t.NamedTuple):
    """Where a setting is written: in which file, and for ARGUMENTS in which of its variables."""

    kind: str
    path: str
    variable: str = ""


@dataclass(frozen=True)
class Source:
    """What an etcd is started with: its unit as systemd has it, the settings read from it, and the texts of its files
    by path. Those that do not exist are not among them. With a `server` of RKE2 or k3s the unit and the files are
    that one's."""

    unit: EtcdUnit
    settings: MemberSettings
    texts: t.Mapping[str, str]
    server: Server | None = None


@dataclass(frozen=True)
class UnitEdit:
    """The file that is to be written: `old` is its text, None if there is no such file yet, which then gets the
    `mode`; `kind` says what file it is, empty if there is nothing to edit. `before` and `after` are the flags that
    differ, `settings` what is written then."""

    path: str
    old: str | None
    new: str
    before: Flags
    after: Flags
    settings: MemberSettings
    mode: int = 0o644
    kind: str = ""

    @property
    def changes(self) -> bool:
        return bool(self.path) and self.new != (self.old or "")


def effective(settings: MemberSettings) -> Flags:
    """All settings of a member by the names of flags, whether they are flags, variables or in a file."""
    found = {_flag_of(name): value for name, value in settings.env.items() if name.startswith("ETCD_")}
    return {**found, **settings.flags}


def _flag_of(variable: str) -> str:
    return variable[len("ETCD_") :].lower().replace("_", "-")


def edit(source: Source, wanted: t.Mapping[str, str], remove: t.Collection[str], version: str = "") -> UnitEdit:
    """Set these flags, remove those, in the one file that has them. A flag whose value means the same already stays
    unchanged. `version` is that of etcd. Raises Refused."""
    before = effective(source.settings)
    mode = {**{name: value for name, value in before.items() if name not in remove}, **wanted}.get(flag_values.MODE)
    changes = {
        name: value
        for name, value in wanted.items()
        if not (name in before and flag_values.same(name, before[name], value, mode))
        and not _is_default(source, name, value, before)
    }
    gone = [name for name in remove if name in before]
    if not changes and not gone:
        return UnitEdit("", None, "", {}, {}, source.settings)
    if source.server:
        changes = _as_server_has_it(source.server, config_file.with_mode(changes, before, version), mode, gone)
    place = _place(source, [*changes, *gone])
    old = source.texts.get(place.path)
    try:
        new = _edited(source, place, old or "", changes, gone, version)
    except ValueError as exc:
        raise _by_hand(f"{place.path} is not edited: {exc}", changes, gone) from exc
    settings = _settings_after(source, place, new, changes, gone)
    after = effective(settings)
    expected = {**{name: value for name, value in before.items() if name not in gone}, **changes}
    added = {flag_values.MODE: "periodic"} if flag_values.MODE in after and flag_values.MODE not in expected else {}
    if after != {**expected, **added}:
        raise _by_hand(f"{place.path} is written in a way that cannot be edited safely", changes, gone)
    names = [*changes, *gone, *added]
    return UnitEdit(
        place.path,
        old,
        new,
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
        settings,
        mode=0o600 if place.kind == SERVER else 0o644,
        kind=place.kind,
    )


def _as_server_has_it(
    server: Server, changes: t.Mapping[str, str], mode: str | None, gone: t.Collection[str]
) -> dict[str, str]:
    """These flags with the values that etcd gets from a server of RKE2 or k3s. Raises Refused."""
    try:
        values = {name: etcd_arg.value_for(name, value, mode) for name, value in changes.items()}
    except ValueError as exc:
        raise _by_hand(f"{etcd_arg.KEY} of {server.name} cannot give it: {exc}", changes, gone) from exc
    return {name: etcd_arg.as_flag(name, value) for name, value in values.items()}


def file_of(source: Source, names: t.Iterable[str]) -> str:
    """The file that has these settings, or would have them; empty if that cannot be told."""
    try:
        return _place(source, list(names)).path
    except Refused:
        return ""


def _is_default(source: Source, name: str, value: str, before: t.Mapping[str, str]) -> bool:
    """Whether etcd does this without being told: only in a file the mode has no default, up to 3.5."""
    return name == flag_values.MODE and value == "periodic" and name not in before and not source.settings.config_file


def _place(source: Source, names: t.Sequence[str]) -> Place:
    """The one file that all of these settings are in, or are to be in. Raises Refused."""
    known = {name: _known_place(source, name) for name in names}
    places = sorted({place for place in known.values() if place})
    if len(places) > 1:
        where = [f"{name} in {place.path}" for name, place in known.items() if place]
        raise Refused(
            "settings_scattered",
            f"These settings are in several places, and only one file is changed at a time: {join(where)}.",
            "Change them one after the other, each in a run of its own, or move them into one file.",
        )
    fresh = _fresh_place(source)
    if not places:
        return fresh
    unknown = [name for name, place in known.items() if place is None]
    if unknown and places[0].kind == COMMAND:
        raise Refused(
            "settings_scattered",
            f"Some of these settings are flags in {places[0].path}, and {join(unknown)} would go into {fresh.path}:"
            " only one file is changed at a time.",
            "Change them one after the other, each in a run of its own.",
        )
    return places[0]


def _known_place(source: Source, name: str) -> Place | None:
    """Where a setting is; None if it is not set. Raises Refused if it is in nothing that can be edited."""
    unit, settings = source.unit, source.settings
    if source.server:
        paths = [each.path for each in source.server.lists(source.texts) if name in each.values]
        return _place_of_server(source.unit, source.server, paths[-1]) if paths else None
    if settings.config_file:
        return Place(CONFIG_FILE, settings.config_file)
    if unit.by_shell and f"--{name}" in " ".join(unit.words):
        raise _elsewhere(source, name, "the command that a shell runs")
    if name in settings.flags:
        return _place_of_flag(source, name)
    variable = variable_of(name)
    for file in reversed(unit.environment_files):
        if variable in environment_file.values(source.texts.get(file.path, "")):
            return Place(ENVIRONMENT_FILE, file.path)
    return Place(DROP_IN, drop_in.path_of(unit.name)) if variable in unit.environment else None


def _place_of_server(unit: EtcdUnit, server: Server, path: str) -> Place:
    """The place in a file of a server. Raises Refused if that is its command line."""
    if path:
        return Place(SERVER, path)
    raise Refused(
        "unit_not_editable",
        f"{unit.name} gives --{etcd_arg.KEY} in its command, where it is not changed, and which counts instead of"
        f" {etcd_arg.KEY} in a file.",
        f"Move what is there into {server.paths[0]}, and run this again.",
    )


def _place_of_flag(source: Source, name: str) -> Place:
    """Where a flag of the command line is written. Raises Refused."""
    unit = source.unit
    for variable in command_line.variables_in(unit.words):
        for file in reversed(unit.environment_files):
            value = environment_file.values(source.texts.get(file.path, "")).get(variable, "")
            if command_line.gives(value, name):
                return Place(ARGUMENTS, file.path, variable)
    for path in reversed((unit.fragment, *unit.drop_ins)):
        if command_line.gives_in_unit(source.texts.get(path, ""), name):
            if not path.startswith(_ADMINISTRATORS):
                raise _elsewhere(source, name, f"{path}, which belongs to a package")
            return Place(COMMAND, path)
    raise _elsewhere(source, name, "its command")


def _elsewhere(source: Source, name: str, where: str) -> Refused:
    unit = source.unit.name
    return Refused(
        "unit_not_editable",
        f"{unit} gives --{name} in {where}, where it is not changed; as a variable beside it, etcd would exit.",
        f"Change it where it comes from, or replace the command by a drop-in (systemctl edit {unit}: ExecStart= and a"
        " second ExecStart= with the whole command), then run this again.",
    )


def _fresh_place(source: Source) -> Place:
    """Where a setting goes that is nowhere yet. Raises Refused."""
    if source.server:
        # Behind all lists that count: the next one may take their place.
        paths = [source.server.paths[0], *(each.path for each in source.server.lists(source.texts))]
        return _place_of_server(source.unit, source.server, paths[-1])
    if source.settings.config_file:
        return Place(CONFIG_FILE, source.settings.config_file)
    for file in reversed(source.unit.environment_files):
        names = environment_file.values(source.texts.get(file.path, ""))
        if any(name.startswith("ETCD_") for name in names):
            return Place(ENVIRONMENT_FILE, file.path)
    return Place(DROP_IN, drop_in.path_of(source.unit.name))


def _edited(
    source: Source,
    place: Place,
    text: str,
    changes: t.Mapping[str, str],
    gone: t.Collection[str],
    version: str,
) -> str:
    """The new text of the file. Raises ValueError."""
    if place.kind == SERVER:
        mode = changes.get(flag_values.MODE, source.settings.flags.get(flag_values.MODE))
        values = {name: etcd_arg.value_for(name, value, mode) for name, value in changes.items()}
        return etcd_arg.edit(text, values, gone)
    if place.kind == CONFIG_FILE:
        return config_file.edit(text, changes, gone, version)
    variables = {variable_of(name): value for name, value in changes.items()}
    if place.kind == ENVIRONMENT_FILE:
        return environment_file.edit(text, variables, [variable_of(name) for name in gone])
    if place.kind == DROP_IN:
        return drop_in.edit(text, variables, [variable_of(name) for name in gone])
    if place.kind == ARGUMENTS:
        value = command_line.edit(environment_file.values(text)[place.variable], changes, gone)
        return environment_file.edit(text, {place.variable: value})
    return command_line.edit_unit(text, changes, gone)


def _settings_after(
    source: Source, place: Place, new: str, changes: t.Mapping[str, str], gone: t.Collection[str]
) -> MemberSettings:
    """The settings with that text in its place, read as before. Raises Refused."""
    unit = source.unit
    if source.server:
        return source.server.settings(source.settings, {**source.texts, place.path: new})
    if place.kind == DROP_IN:
        removed = {variable_of(name) for name in gone}
        own = {name: value for name, value in unit.environment.items() if name not in removed}
        unit = replace(unit, environment={**own, **drop_in.values(new)})
    if place.kind == COMMAND:
        words = command_line.edit_words(unit.words, changes, gone)
        unit = replace(unit, words=tuple(words))
    texts = {**source.texts, place.path: new}

    def read(path: str) -> str:
        if path not in texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return texts[path]

    try:
        return settings_of_unit(unit, read)
    except Failure as exc:
        raise _by_hand(f"With them, {place.path} could not be read: {exc.reason}", changes, gone) from exc


def _by_hand(why: str, changes: t.Mapping[str, str], gone: t.Collection[str]) -> Refused:
    todo = [f"{name}: {value}" for name, value in changes.items()] + [f"no {name}" for name in gone]
    return Refused("unit_not_editable", f"{why.rstrip('.')}.", f"Set these by hand: {', '.join(todo)}.")


__all__ = ("Flags", "Place", "Source", "UnitEdit", "edit", "effective", "file_of")
