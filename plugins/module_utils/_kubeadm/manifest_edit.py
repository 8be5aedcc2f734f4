# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Edits of flags in the text of etcd's static pod manifest, which leave every other byte alone.

The result is read again: it has to say what was there and the change, and nothing else. Otherwise there is no edit.
"""

from __future__ import annotations

import copy
import re
import typing as t
from dataclasses import dataclass

from .._core.failures import Refused
from .._node.block_yaml import load
from .._node.settings import is_flag, parse_flags
from . import flag_values

Flags = t.Dict[str, str]  # evaluated, also on Python 3.8

_KEY = re.compile(r"(?P<dashes>[ -]*)(?P<key>command|args):\s*(?:#.*)?")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(.*)""")
_PLAIN = re.compile(r"--[\w./,:=%+@-]*[\w./,=%+@-]", re.ASCII)


@dataclass(frozen=True)
class Edited:
    """The result of an edit: flags by name, without their dashes; of a flag given twice the last one counts."""

    text: str
    before: Flags
    after: Flags

    @property
    def differing(self) -> tuple[Flags, Flags]:
        """The flags before and after it, only those that it changes."""
        names = [name for name in {**self.before, **self.after} if self.before.get(name) != self.after.get(name)]
        return (
            {name: self.before[name] for name in names if name in self.before},
            {name: self.after[name] for name in names if name in self.after},
        )


@dataclass(frozen=True)
class _Word:
    """One word of the command line, and the line of the text that it stands in."""

    text: str
    line: int


@dataclass(frozen=True)
class _Block:
    """The items of one list, in order. `indent` is what is before their dashes."""

    key: str
    indent: str
    words: tuple[_Word, ...]


def flags(text: str) -> Flags:
    """The flags that a manifest starts etcd with. Raises Refused."""
    return parse_flags(_words(_container(_load(text)))[1:])


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = ()) -> Edited:
    """Set these flags, remove those. A flag whose value means the same already stays unchanged. Raises Refused."""
    before = flags(text)
    mode = {**{name: value for name, value in before.items() if name not in remove}, **wanted}.get(flag_values.MODE)
    changes = {
        name: value
        for name, value in wanted.items()
        if name not in before or not flag_values.same(name, before[name], value, mode)
    }
    return put(text, changes, [name for name in remove if name in before])


def put(text: str, changes: t.Mapping[str, str], gone: t.Collection[str] = ()) -> Edited:
    """Edit to the letter: as `edit` does, but also if the value that is there means the same. Raises Refused."""
    before = flags(text)
    after = {name: value for name, value in before.items() if name not in gone}
    after.update(changes)
    if after == before:
        return Edited(text, before, before)
    body = _load(text)
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        raise _by_hand("The manifest is written as JSON", changes, gone)
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    for blocks in _candidates(lines, _container(body)):
        new = _edited(lines, blocks, changes, gone)
        if _says(new, body, after, {*changes, *gone}):
            return Edited(new, before, after)
    raise _by_hand("The command of etcd is written in a way that cannot be edited safely", changes, gone)


# --- reading ---


def _load(text: str) -> t.Any:
    try:
        return load(text)
    except ValueError as exc:
        raise Refused(
            "manifest_not_editable", f"The manifest cannot be read: {exc}.", "Write that line in a plainer way."
        ) from exc


def _container(body: t.Any) -> dict[str, t.Any]:
    """The container of etcd. Raises Refused."""
    try:
        found = [each for each in body["spec"]["containers"] if each.get("name") == "etcd"]
    except (KeyError, TypeError, AttributeError):
        found = []
    if len(found) != 1:
        raise Refused("manifest_not_editable", "The manifest is not that of a pod with one container named etcd.")
    words = _words(found[0])
    if not words or not all(isinstance(word, str) for word in words):
        raise Refused("manifest_not_editable", "The container named etcd has no command that can be read.")
    stray = _stray(words)
    if stray is not None:
        raise Refused(
            "manifest_not_editable",
            f"The command of etcd holds {stray!r}, which is neither a flag nor the value of one: etcd ignores"
            " everything after it.",
            "Correct the manifest first.",
        )
    container: dict[str, t.Any] = found[0]
    return container


def _words(container: t.Mapping[str, t.Any]) -> list[t.Any]:
    return [*(container.get("command") or []), *(container.get("args") or [])]


def _stray(words: t.Sequence[str]) -> str | None:
    value_may_follow = False
    for word in words[1:]:
        if is_flag(word) and word.strip("-"):
            value_may_follow = "=" not in word
        elif not value_may_follow or not word.strip("-"):
            return word
        else:
            value_may_follow = False
    return None


def _candidates(lines: t.Sequence[str], container: t.Mapping[str, t.Any]) -> t.Iterator[list[_Block]]:
    """The lists of the container, wherever they may stand; another container could have the same words."""
    keys = [key for key in ("command", "args") if container.get(key)]
    found: dict[str, list[_Block]] = {key: [] for key in keys}
    for number, line in enumerate(lines):
        match = _KEY.fullmatch(line.strip("\ufeff\r\n"))
        if match and match["key"] in found:
            block = _block(lines, number + 1, len(match["dashes"]), match["key"])
            if block and [word.text for word in block.words] == container[match["key"]]:
                found[match["key"]].append(block)
    for first in found[keys[0]]:
        yield from ([first, second] for second in found[keys[1]]) if len(keys) > 1 else [[first]]


def _block(lines: t.Sequence[str], start: int, column: int, key: str) -> _Block | None:
    """The list whose items begin at or below a line, None if it is no list of single words."""
    words: list[_Word] = []
    indent = None
    for number in range(start, len(lines)):
        line = lines[number].rstrip()
        content = line.lstrip(" ")
        if not content or content.startswith("#"):
            continue
        own = line[: len(line) - len(content)]
        if indent is None and len(own) >= column and content.startswith("- "):
            indent = own
        if indent is None or own != indent or not content.startswith("- "):
            break
        try:
            (word,) = load(content)
        except ValueError:
            return None
        if not isinstance(word, str):
            return None
        words.append(_Word(word, number))
    return _Block(key, indent, tuple(words)) if indent is not None else None


# --- editing ---


def _edited(
    lines: t.Sequence[str], blocks: t.Sequence[_Block], changes: t.Mapping[str, str], gone: t.Collection[str]
) -> str:
    words = [word for block in blocks for word in block.words]
    given = _given(words)
    result: list[str] = list(lines)
    for name in gone:
        for group in given.get(name, []):
            _drop(result, group)
    added = []
    for name, value in changes.items():
        groups = given.get(name, [])
        for group in groups[:-1]:
            _drop(result, group)
        if groups:  # the last one is the one that counts
            flag, *rest = groups[-1]
            result[flag.line] = _rewritten(lines[flag.line], f"--{name}={value}")
            _drop(result, rest)
        else:
            added.append(f"--{name}={value}")
    last = words[-1].line
    if added:
        _append(result, last, blocks[-1].indent, added, "\r\n" if lines[0].endswith("\r\n") else "\n")
    return "".join(result)


def _given(words: t.Sequence[_Word]) -> dict[str, list[list[_Word]]]:
    """Each flag's words, one or two, as often as it is given."""
    found: dict[str, list[list[_Word]]] = {}
    group: list[_Word] = []
    for word in words[1:]:
        if is_flag(word.text):
            group = [word]
            found.setdefault(word.text.lstrip("-").partition("=")[0], []).append(group)
        else:
            group.append(word)
    return found


def _drop(result: list[str], group: t.Iterable[_Word]) -> None:
    for word in group:
        result[word.line] = ""


def _rewritten(line: str, word: str) -> str:
    """An item with another word, its indentation, quotes and comment kept."""
    body = line.rstrip("\r\n")
    head = re.match(r" *- +", body)
    start = head.end() if head else 0
    content = body[start:]
    quoted = _QUOTED.fullmatch(content)
    comment = re.search(r"\s+#.*$|\s*$", content)
    tail = quoted[2] if quoted else comment[0] if comment else ""
    return body[:start] + _scalar(word, content[0] if quoted else "") + tail + line[len(body) :]


def _append(result: list[str], last: int, indent: str, added: t.Sequence[str], ending: str) -> None:
    new = [f"{indent}- {_scalar(word)}{ending}" for word in added]
    if result[last] and not result[last].endswith("\n"):  # the end of the text, without a line break
        result[last] += ending
        new[-1] = new[-1][: -len(ending)]
    result[last] += "".join(new)


def _scalar(word: str, quote: str = "") -> str:
    if not quote and _PLAIN.fullmatch(word):
        return word
    if quote == '"' and word.isascii() and '"' not in word and "\\" not in word:
        return f'"{word}"'
    return "'" + word.replace("'", "''") + "'"


def _says(new: str, body: t.Any, after: Flags, touched: t.Collection[str]) -> bool:
    """Whether the text says what `body` says, but with these flags."""
    try:
        found = load(new)
        words, old = _words(_container(found)), _words(_container(body))
    except (ValueError, Refused):
        return False
    if parse_flags(words[1:]) != after or _others(words, touched) != _others(old, touched):
        return False
    return bool(_without_words(found) == _without_words(body))


def _others(words: t.Sequence[str], touched: t.Collection[str]) -> list[str]:
    """The program and the words of all other flags, in order."""
    groups = _given([_Word(word, 0) for word in words])
    kept = [word for name, found in groups.items() if name not in touched for group in found for word in group]
    return [words[0], *(word.text for word in kept)]


def _without_words(body: t.Any) -> t.Any:
    bare = copy.deepcopy(body)
    container = _container(bare)
    container.pop("command", None)
    container.pop("args", None)
    return bare


def _by_hand(why: str, changes: t.Mapping[str, str], gone: t.Collection[str]) -> Refused:
    todo = [f"set --{name}={value}" for name, value in changes.items()] + [f"remove --{name}" for name in gone]
    return Refused(
        "manifest_not_editable",
        f"{why}.",
        f"Do it by hand, in a copy outside the manifests folder that is then moved over it: {', '.join(todo)}.",
    )


__all__ = ("Edited", "Flags", "edit", "flags", "put")
