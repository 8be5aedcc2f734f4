# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Differences between two manifests of etcd for the pod that runs: order, spelling and comments are no difference."""

from __future__ import annotations

import re
import typing as t

from .._node.block_yaml import load
from . import flag_values, manifest_edit

# What says nothing about the pod that runs.
_IDLE = (("status",), ("metadata", "creationTimestamp"))
_KEYS_OF_LISTS = ("mountPath", "name")
# Values of variables and of HTTP headers may be secrets: a proxy with its password, a token.
_SECRET = "value"
_SECRET_LINE = re.compile(rf"""([ ]*(?:-[ ]+)*)(["']?){_SECRET}\2[ \t]*:(?=\s|\Z)([ \t]*)""")
_SECRET_IN_BRACKETS = re.compile(
    rf"""([{{\[,]\s*(["']?){_SECRET}\2\s*:\s*)(?!null\s*[,\]}}])(?:&\S+\s+)?"""
    r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}"'][^,\[\]{}]*)""",
    re.DOTALL,
)
_MASK = '"***"'


def differences(running: str, rendered: str) -> list[str]:
    """The differences between the manifest that kubeadm renders and the one that runs, one sentence each. Raises
    Refused, ValueError."""
    return [
        *_of_flags(manifest_edit.flags(running), manifest_edit.flags(rendered)),
        *_of_pods(load(running), load(rendered)),
    ]


def only_flags_differ(one: str, other: str) -> bool:
    """Whether the two start one pod with other flags. Raises Refused, ValueError."""
    return any(_of_flags(manifest_edit.flags(one), manifest_edit.flags(other))) and not _of_pods(load(one), load(other))


def masked(text: str) -> str:
    """A manifest for people, without what may be secret: the values of variables and headers."""
    return _SECRET_IN_BRACKETS.sub(rf"\1{_MASK}", "".join(_masked_lines(text)))


def _masked_lines(text: str) -> t.Iterator[str]:
    """The lines without the values that stand in lines of their own, however many."""
    column: int | None = None  # of the key whose value is left out
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        words = line.lstrip(" ")
        if column is not None and len(line) - len(words) > column and words.strip():
            continue
        found = _SECRET_LINE.match(line)
        column = found.end(1) if found else column if not words.strip() else None
        content = line.rstrip("\r\n")
        value_follows = found is not None and found.end() < len(content)
        yield content[: found.end()] + _MASK + line[len(content) :] if found and value_follows else line


def _of_flags(here: t.Mapping[str, str], there: t.Mapping[str, str]) -> t.Iterator[str]:
    for name in sorted({*here, *there}):
        if name not in there:
            yield f"kubeadm would leave out --{name}={here[name]}."
        elif name not in here:
            yield f"kubeadm would add --{name}={there[name]}."
        elif not flag_values.same(name, here[name], there[name], there.get(flag_values.MODE)):
            yield f"kubeadm would write --{name}={there[name]}, here it is {here[name]}."


def _of_pods(here: t.Any, there: t.Any) -> list[str]:
    one, other = _bare(here), _bare(there)
    return list(_compare((), one, other))


def _bare(body: t.Any) -> t.Any:
    """Without the command line of etcd and what the API server alone fills in."""
    found = {key: value for key, value in body.items() if (key,) not in _IDLE}
    metadata = found.get("metadata") or {}
    found["metadata"] = {key: value for key, value in metadata.items() if ("metadata", key) not in _IDLE}
    found["spec"] = dict(found["spec"])
    found["spec"]["containers"] = [
        {key: value for key, value in each.items() if key not in ("command", "args")}
        if each.get("name") == "etcd"
        else each
        for each in found["spec"]["containers"]
    ]
    return found


def _compare(path: tuple[str, ...], here: t.Any, there: t.Any) -> t.Iterator[str]:
    one, other = _mapped(here), _mapped(there)
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _compare((*path, key), one.get(key), other.get(key))
    elif _is_nothing(here) and _is_nothing(there):
        return
    elif _is_nothing(there):
        yield f"kubeadm would leave out {_name(path)}{_shown(path, here)}."
    elif _is_nothing(here):
        yield f"kubeadm would add {_name(path)}{_shown(path, there)}."
    elif here != there and path[-1:] == (_SECRET,):
        yield f"kubeadm would write another {_name(path)}."
    elif here != there:
        yield f"kubeadm would write {_name(path)}{_shown(path, there)}, here it is{_shown(path, here)}."


def _mapped(value: t.Any) -> t.Any:
    """A list of things that have names, by their names: their order means nothing."""
    if not isinstance(value, list):
        return value
    for key in _KEYS_OF_LISTS:
        names = [each.get(key) if isinstance(each, dict) else None for each in value]
        if value and all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return {str(name): each for name, each in zip(names, value)}
    return value


def _is_nothing(value: t.Any) -> bool:
    return value is None or value in ({}, [])


def _name(path: t.Sequence[str]) -> str:
    """The path for people, without spec.containers.etcd, which most differences are in."""
    head = ("spec", "containers", "etcd")
    return ".".join(path[3:] if tuple(path[:3]) == head and len(path) > 3 else path)


def _shown(path: tuple[str, ...], value: t.Any) -> str:
    """The value after a blank; empty if it has parts or may be secret: its name says enough then."""
    return f" {value}" if isinstance(value, (str, int)) and path[-1:] != (_SECRET,) else ""


__all__ = ("differences", "masked", "only_flags_differ")
