# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""`etcd-arg` in the configuration files of RKE2 and k3s: what it says of etcd, and edits that leave every other byte
alone.

A server reads `config.yaml`, then the files of `config.yaml.d` by name; a list takes the place of all before it, unless
its key ends in a plus sign (k3s, pkg/configfilearg/parser.go). Of each `name=value` it makes a key of etcd's own
configuration file: a number, a boolean, a list in brackets, a duration where the name tells one, else text
(pkg/daemons/executor, ToConfigFile). etcd exits on a value of another type than its key's.
"""

from __future__ import annotations

import json
import re
import typing as t

from . import block_yaml
from .config_file import load_map
from .config_file_keys import LIST, STRING, canonical, kind_of, known_kind, written
from .etcd_arg_places import Items, list_places, with_items, with_list

KEY = "etcd-arg"
_KEYS = (KEY, f"{KEY}+")
_RETENTION = "auto-compaction-retention"
# What a server would make something else of than text.
_NO_TEXT = re.compile(r"[+-]?\d+|true|false|null|~|[\[#].*|-\s.*|", re.ASCII | re.IGNORECASE)
# A word that every reader of YAML takes for text, also within brackets.
_WORD = re.compile(r"[A-Za-z][\w./=-]*", re.ASCII)


class ArgumentList(t.NamedTuple):
    """One `etcd-arg`: its file, and its words, `name=value`."""

    path: str
    words: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """The arguments by the names of flags; of one given twice the last counts, and what has no value does not."""
        pairs = (word.lstrip("-").partition("=") for word in self.words if "=" in word)
        return {name.lower(): as_flag(name.lower(), value) for name, _equals, value in pairs}


def lists(texts: t.Mapping[str, str]) -> list[ArgumentList]:
    """The lists that count, in files by the order in which a server reads them. Raises ValueError."""
    found: list[ArgumentList] = []
    for path, text in texts.items():
        try:
            entries = _entries(load_map(text))
        except ValueError as exc:
            raise ValueError(f"{path}: {exc}") from exc
        for key, words in entries.items():
            found = [*(found if key.endswith("+") else []), ArgumentList(path, tuple(words))]
    return found


def as_flag(name: str, value: str) -> str:
    """What etcd gets of an argument, as its flag would have it."""
    if kind_of(name) == LIST and value.startswith("["):
        return ",".join(map(str, block_yaml.load(value)))
    return canonical(name, value, in_file=True)


def value_for(name: str, value: str, mode: str | None) -> str:
    """The value that a server turns into the type of etcd's key. Hours of a retention get their unit, since it makes a
    number of them; `mode` is that of the compaction. Raises ValueError if there is none."""
    if known_kind(name) != STRING:
        return written(name, value, None)
    if name == _RETENTION and value.isdecimal() and mode in (None, "periodic"):
        return f"{value}h"
    if _NO_TEXT.fullmatch(value):
        raise ValueError(f"{name} is {value!r}, which would not be text in etcd's own file, and etcd exits on that")
    return value


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = ()) -> str:
    """Set these arguments, whose values are those of `value_for`, remove those; the place of the one that counts is
    kept, and its quotes. Raises ValueError if the file cannot be edited safely, or has not what is to be removed."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        raise ValueError(
            "it is JSON, as Rancher writes it from the cluster's machineGlobalConfig: etcd-arg is to be set there"
        )
    before = load_map(text)
    entries = _entries(before)
    if len(entries) > 1:
        raise ValueError(f"it has both {' and '.join(_KEYS)}")
    expected = _values(entries)
    absent = [name for name in remove if name not in expected]
    if absent:
        raise ValueError(f"it does not give {', '.join(absent)}: that is of the server itself, or of another file")
    if not wanted and not remove:
        return text
    result = _edited(text, entries, wanted, remove)
    expected = {name: value for name, value in expected.items() if name not in remove}
    expected.update({name: as_flag(name, value) for name, value in wanted.items()})
    if not _says(result, expected, _others(before)):
        raise ValueError("it is written in a way that cannot be edited safely")
    return result


def _says(text: str, values: t.Mapping[str, str], others: t.Mapping[str, t.Any]) -> bool:
    try:
        found = load_map(text)
        return _values(_entries(found)) == values and _others(found) == others
    except ValueError:
        return False


def without(text: str, names: t.Collection[str]) -> tuple[list[str], dict[str, str]]:
    """The lines of a file aside from its list, and the arguments of that but these. Raises ValueError."""
    rest = text
    for each in reversed(list_places(text, _KEYS)):
        rest = rest[: each.place.entry_start] + rest[each.end :]
    values = _values(_entries(load_map(text)))
    return rest.splitlines(), {name: value for name, value in values.items() if name not in names}


def shown(text: str) -> str:
    """The text for a diff: the list alone, since such files hold the cluster's secrets."""
    return "".join(text[each.place.entry_start : each.end] for each in list_places(text, _KEYS))


def _entries(found: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """The lists of a file by their keys. A scalar is a list of one."""
    entries = {}
    for key in _KEYS:
        if key in found:
            value = found[key]
            words = value if isinstance(value, list) else [] if value is None else [value]
            if not all(isinstance(word, str) for word in words):
                raise ValueError(f"{key} is no list of words")
            entries[key] = words
    return {key: entries[key] for key in found if key in entries}


def _values(entries: t.Mapping[str, t.Sequence[str]]) -> dict[str, str]:
    return {name: value for words in entries.values() for name, value in ArgumentList("", tuple(words)).values.items()}


def _others(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in found.items() if key not in _KEYS}


def _edited(
    text: str, entries: t.Mapping[str, t.Sequence[str]], wanted: t.Mapping[str, str], remove: t.Collection[str]
) -> str:
    if not entries:
        return with_list(text, KEY, [_quoted(f"{name}={value}", "") for name, value in wanted.items()])
    ((key, words),) = entries.items()
    there = next(iter(list_places(text, entries)), None)
    if there is None or len(there.items) != len(words):
        raise ValueError(f"its {key} is written in a way that cannot be edited safely")
    names = [word.lstrip("-").partition("=")[0].lower() if "=" in word else "" for word in words]
    values = [text[start:end] for start, end in there.items]
    for name, value in wanted.items():
        if name in names:
            at = len(names) - 1 - names[::-1].index(name)
            values[at] = _quoted(f"{words[at].partition('=')[0]}={value}", values[at])
    like = values[-1] if values else ""
    new = [_quoted(f"{name}={value}", like) for name, value in wanted.items() if name not in names]
    kept = [at for at, name in enumerate(names) if name not in remove]
    return with_items(text, there, Items(values, kept, new))


def _quoted(word: str, like: str) -> str:
    """A word in the quotes of another one, if it needs or has any."""
    if like.startswith("'"):
        return "'" + word.replace("'", "''") + "'"
    if like.startswith('"') or not _WORD.fullmatch(word.lstrip("-")):
        return json.dumps(word, ensure_ascii=False)
    return word


__all__ = ("KEY", "ArgumentList", "as_flag", "edit", "lists", "shown", "value_for", "without")
