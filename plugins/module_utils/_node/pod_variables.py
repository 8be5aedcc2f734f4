# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The command line of a container with its variables, as the kubelet puts them in.

`$(NAME)` becomes the value of a variable of this container, and stays as it is if there is none; `$$` is a dollar sign
(Kubernetes, third_party/forked/golang/expansion). Shell is another language: `$NAME` is left alone.
"""

from __future__ import annotations

import re
import typing as t

Variables = t.Dict[str, t.Optional[str]]  # evaluated, also on Python 3.8

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def variables(container: t.Mapping[str, t.Any]) -> Variables:
    """The variables of a container. None is a value that the kubelet alone knows, such as the name of its node. Raises
    KeyError, TypeError or AttributeError if they are none."""
    found: Variables = {}
    for entry in container.get("env") or []:
        value = str(entry.get("value") or "")
        known = not entry.get("valueFrom") and not unknown(value, found)
        found[entry["name"]] = expanded(value, found) if known else None
    return found


def written(container: t.Mapping[str, t.Any]) -> list[str]:
    """The command and its arguments, as they are written. Raises TypeError or AttributeError."""
    return [str(word) for word in (container.get("command") or []) + (container.get("args") or [])]


def words(container: t.Mapping[str, t.Any]) -> list[str]:
    """The command and its arguments with the values of its variables. Raises KeyError, TypeError or AttributeError."""
    known = variables(container)
    return [expanded(word, known) for word in written(container)]


def expanded(text: str, known: t.Mapping[str, str | None]) -> str:
    """The text with the values of the variables that are known."""

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        found = known.get(match[1])
        return match[0] if found is None else found

    return _REFERENCE.sub(value, text)


def unknown(text: str, known: t.Mapping[str, str | None]) -> list[str]:
    """The variables in the text that there are, but whose values are not known."""
    names = [match[1] for match in _REFERENCE.finditer(text)]
    return [name for name in names if name in known and known[name] is None]


__all__ = ("Variables", "expanded", "unknown", "variables", "words", "written")
