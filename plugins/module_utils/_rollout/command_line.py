# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Edits of flags of etcd in a unit's command, and in a variable that is put into one.

Only what is plain: `--name=value` or `--name value` without quotes. Everything else raises ValueError.
"""

from __future__ import annotations

import re
import typing as t

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}", re.ASCII)
# Neither systemd nor a shell takes any of these characters for something else.
_VALUE = r"[\w./:,@+=-]+"
_PLAIN = re.compile(_VALUE, re.ASCII)
_COMMENT = re.compile(r"(?m)^[ \t]*[#;].*$")


def variables_in(words: t.Iterable[str]) -> list[str]:
    """The names of the variables in a command, such as DAEMON_ARGS."""
    return [match[1] or match[2] for word in words for match in _VARIABLE.finditer(word)]


def _flag(name: str) -> re.Pattern[str]:
    head = rf"(?<!\S)--?{re.escape(name)}(?:=|[ \t]+(?!-))"
    return re.compile(rf"{head}(?P<value>{_VALUE})(?=\s|\\|$)", re.ASCII)


def gives(text: str, name: str) -> bool:
    """Whether words of a command give this flag."""
    return re.search(rf"(?<!\S)[\"']?--?{re.escape(name)}(?![\w-])", text) is not None


def gives_in_unit(text: str, name: str) -> bool:
    """Whether the text of a unit gives this flag, comments aside."""
    return gives(_COMMENT.sub("", text), name)


def edit(text: str, changes: t.Mapping[str, str], gone: t.Collection[str] = ()) -> str:
    """Words of a command with other flags; one that is not there is added. Raises ValueError."""
    for name in gone:
        match = _only(text, name)
        text = (text[: match.start()].rstrip(" \t") + text[match.end() :]).strip(" \t")
    for name, value in changes.items():
        _refuse_value(name, value)
        if gives(text, name):
            match = _only(text, name)
            text = text[: match.start("value")] + value + text[match.end("value") :]
        else:
            text = f"{text} --{name}={value}".lstrip()
    return text


def edit_unit(text: str, changes: t.Mapping[str, str], gone: t.Collection[str] = ()) -> str:
    """The text of a unit with other flags in its command, which has all of them. Raises ValueError."""
    # What is blanked out keeps its length, so that places stay the same.
    for name in (*changes, *gone):
        match = _only(_COMMENT.sub(lambda found: " " * len(found[0]), text), name)
        if name in changes:
            _refuse_value(name, changes[name])
            text = text[: match.start("value")] + changes[name] + text[match.end("value") :]
            continue
        start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end()) + 1
        if not end or text[start : match.start()].strip() or text[match.end() : end].strip() != "\\":
            raise ValueError(f"--{name} is not in a line of its own that another one follows")
        text = text[:start] + text[end:]
    return text


def edit_words(words: t.Sequence[str], changes: t.Mapping[str, str], gone: t.Collection[str] = ()) -> list[str]:
    """A command in words, edited likewise."""
    found: list[str] = []
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
            continue
        name, equals, _value = word.lstrip("-").partition("=")
        is_given = word.startswith("-") and (name in changes or name in gone)
        if not is_given:
            found.append(word)
            continue
        skip = not equals and at + 1 < len(words)
        if name in changes:
            found += [f"--{name}={changes[name]}"]
    return found


def _only(text: str, name: str) -> re.Match[str]:
    matches = list(_flag(name).finditer(text))
    if len(matches) != 1:
        raise ValueError(f"--{name} is not given once, and plainly")
    return matches[0]


def _refuse_value(name: str, value: str) -> None:
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"{name} is {value!r}, which a command cannot hold without quotes")


__all__ = ("edit", "edit_unit", "edit_words", "gives", "gives_in_unit", "variables_in")
