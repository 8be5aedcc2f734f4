# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""etcd's own configuration file (`--config-file`), YAML or JSON: its settings under the names of flags, and edits that
leave every other byte alone.

etcd turns YAML into JSON and decodes that into its structures: keys in any case, unknown ones ignored, types strict
(server/embed/config.go; tried with etcd 3.4 to 3.7: a quoted quota and a bare retention are fatal). So an edit writes
each value in the type of its key.
"""

from __future__ import annotations

import re
import typing as t

from . import block_yaml
from .config_file_keys import canonical, known_kind, written
from .config_file_places import Place, json_places, yaml_places

_MODE, _RETENTION = "auto-compaction-mode", "auto-compaction-retention"
# The part of the flag's name that stands for the map, and what some of its keys are called there.
_SECURITY = {"client-transport-security": "", "peer-transport-security": "peer-"}
_ALLOWED = {"allowed-cn": "cert-allowed-cn", "allowed-hostname": "cert-allowed-hostname"}
_SOCKET = "socket-options"


def read(text: str) -> dict[str, str]:
    """The settings of a configuration file as flags would give them: a list with commas, true and false, durations with
    their unit, sizes in decimal digits. What has no value is not among them. Raises ValueError with the line that
    cannot be read."""
    found: dict[str, str] = {}
    for key, value in load_map(text).items():
        name = key.lower()
        if name in _SECURITY and isinstance(value, dict):
            for inner, each in value.items():
                _put(found, _flag_of(name, inner.lower()), each)
        elif name == _SOCKET and isinstance(value, dict):
            for inner, each in value.items():
                _put(found, f"socket-{inner.lower()}", each)
        else:
            _put(found, name, value)
    return found


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = (), version: str = "") -> str:
    """Set these flags, remove those; a value that means the same already stays unchanged. With a retention comes its
    mode, unless `version` is 3.6 or newer: an older etcd has no default for it in a file. Raises ValueError if the file
    cannot be edited safely, or if etcd's file has no such key."""
    changes = with_mode(wanted, load_map(text), version)
    as_json = text.lstrip("\ufeff \t\r\n").startswith("{")
    expected = read(text)
    result = text
    for name in remove:
        if name not in changes and name in expected:
            del expected[name]
            result = _removed(result, _only_place(result, name, as_json=as_json))
    for name, value in changes.items():
        known_kind(name)  # it is refused if there is none
        expected[name] = canonical(name, value)
        place = _only_place(result, name, as_json=as_json)
        new = written(name, value, place.raw if place else None, as_json=as_json)
        result = _replaced(result, place, new) if place else _added(result, name, new, as_json=as_json)
    if read(result) != expected:
        raise _unsafe()
    return result


def with_mode(changes: t.Mapping[str, str], there: t.Container[str], version: str) -> dict[str, str]:
    """These flags, and with a retention its mode, unless that is there, or `version` is one with a default for it."""
    if _RETENTION in changes and _MODE not in changes and _MODE not in there and _lacks_mode(version):
        return {**changes, _MODE: "periodic"}
    return dict(changes)


def load_map(text: str) -> dict[str, t.Any]:
    """What a file of YAML or JSON says, nothing if there are no words in it. Raises ValueError."""
    if not re.sub(r"(?m)^\s*(?:#.*|---\s*)?$", "", text.lstrip("\ufeff")).strip():
        return {}
    found = block_yaml.load(text)
    if not isinstance(found, dict):
        raise ValueError("it is not a map")
    return found


def _flag_of(section: str, key: str) -> str:
    prefix = _SECURITY[section]
    if key in _ALLOWED:
        return f"{prefix or 'client-'}{_ALLOWED[key]}"
    return prefix + key


def _put(found: dict[str, str], name: str, value: t.Any) -> None:
    """Add what the file says under the name of a flag. Of keys that differ in their case the last one counts."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, list):
        value = ",".join(str(each) for each in value if each is not None)
    if value is not None and not isinstance(value, dict):
        found[name] = canonical(name, str(value), in_file=True)


def _lacks_mode(version: str) -> bool:
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    return not numbers or (int(numbers[1]), int(numbers[2])) < (3, 6)


def _only_place(text: str, name: str, *, as_json: bool) -> Place | None:
    places = [place for place in (json_places if as_json else yaml_places)(text) if place.key.lower() == name]
    if len(places) > 1:
        raise ValueError(f"it gives {name} more than once (lines {', '.join(str(place.line) for place in places)})")
    return places[0] if places else None


def _replaced(text: str, place: Place, new: str) -> str:
    if place.raw is None:
        raise _unsafe(place)
    gap = " " if new and text[place.start - 1] == ":" else ""
    return text[: place.start] + gap + new + text[place.end :]


def _removed(text: str, place: Place | None) -> str:
    if place is None or place.raw is None:
        raise _unsafe(place)
    return text[: place.entry_start] + text[place.entry_end :]


def _added(text: str, name: str, new: str, *, as_json: bool) -> str:
    if as_json:
        return _added_to_json(text, f'"{name}": {new}')
    ending = "\r\n" if "\r\n" in text else "\n"
    indents = [place.indent for place in yaml_places(text)]
    head = text if not text or text.endswith("\n") else text + ending
    return f"{head}{indents[0] if indents else ''}{name}: {new}{ending if head == text else ''}"


def _added_to_json(text: str, entry: str) -> str:
    places = json_places(text)
    if not places:
        at = text.rindex("}")
        return f"{text[:at]}{entry}{text[at:]}"
    at = places[-1].end
    opened = text.index("{") + 1
    gap = text[opened : places[0].key_start] or " "
    return f"{text[:at]},{gap}{entry}{text[at:]}"


def _unsafe(place: Place | None = None) -> ValueError:
    where = f"line {place.line} " if place else ""
    return ValueError(f"{where or 'it '}is written in a way that cannot be edited safely")


__all__ = ("edit", "load_map", "read", "with_mode")
