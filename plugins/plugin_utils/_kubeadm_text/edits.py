# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Edits of etcd.local.extraArgs in the text of a kubeadm configuration, which leave every other byte alone.

An edit goes through the text twice, first for what changes or goes, then for what is added, and is read again at last:
what comes out must say what was there and the change, and nothing else. Otherwise there is no edit.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._kubeadm import flag_values
from . import yaml_nodes
from .arguments import Args, Entry, entries_of
from .config_checks import findings_of, lines_by_hand, refuse_environment, refuse_unreadable
from .documents import Found, find
from .splices import Fate, Plan, Unsafe, additions, changes, spliced
from .yaml_nodes import YamlNode
from .yaml_style import PATH


@dataclass(frozen=True)
class Edited:
    """The result of an edit. `before` and `after` are the ClusterConfiguration alone."""

    text: str
    before: str
    after: str
    api_version: str
    extra_args: Args
    warnings: tuple[str, ...]


def read(text: str) -> Args:
    """The arguments of etcd as kubeadm takes them from this text: of several of one name the last. Raises
    Failure."""
    return {entry.name: entry.text for entry in entries_of(find(text))}


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = ()) -> Edited:
    """Set these arguments, remove those. Raises Failure."""
    found = find(text)
    entries = entries_of(found)
    settings = flag_values.checked(wanted, remove, {entry.name: entry.shown for entry in entries})
    refuse_environment(found, settings.wanted)
    plan = _plan(entries, settings.wanted, remove)
    try:
        result = found if plan.nothing else _carried_out(found, plan)
        refuse_unreadable(result)
    except Refused as exc:
        raise Refused(exc.code, exc.reason, exc.advice or lines_by_hand(found, plan)) from exc
    after: Args = {entry.name: entry.text for entry in entries_of(result)}
    warnings = [*settings.warnings, *findings_of(result, after, settings.wanted)]
    return Edited(result.text, found.body, result.body, found.document.api_version, after, tuple(warnings))


def _plan(entries: t.Sequence[Entry], wanted: t.Mapping[str, str], remove: t.Collection[str]) -> Plan:
    left = {entry.name: entry.text for entry in entries if entry.name not in remove}
    mode = {**left, **wanted}.get(flag_values.MODE)
    kept: dict[str, Entry] = {}
    for name, value in wanted.items():
        named = [entry for entry in entries if entry.name == name]
        if named:  # of several, one that need not be touched
            kept[name] = next((entry for entry in named if _good(entry, value, mode)), named[0])
    fates = []
    for entry in entries:
        if entry.name in remove or kept.get(entry.name, entry) is not entry:
            fates.append(Fate(entry, False))
        elif entry.name in wanted and not _good(entry, wanted[entry.name], mode):
            fates.append(Fate(entry, False, wanted[entry.name]))
        else:
            fates.append(Fate(entry, True))
    return Plan(tuple(fates), tuple((name, value) for name, value in wanted.items() if name not in kept))


def _good(entry: Entry, value: str, mode: str | None) -> bool:
    """Whether the entry has this value already, as a string for every reader. "1" is as good as "1h": no restart over
    spelling."""
    if entry.value is None or not yaml_nodes.always_string(entry.value.resolved):
        return False
    return flag_values.same(entry.name, entry.text or "", value, mode)


def _carried_out(found: Found, plan: Plan) -> Found:
    """The text after the edit, verified to say what was wanted. Raises Refused."""
    body = spliced(found.body, list(changes(found, plan)))
    try:
        result = find(found.replaced(body))
        if plan.added:
            result = find(result.replaced(spliced(result.body, list(additions(result, plan.added)))))
        for candidate in (_ending_as(found, result), result):
            if _meaning(candidate) == _meaning(found) and _arguments(candidate) == _expected(plan):
                return candidate
    except Unsafe:
        raise
    except Refused:
        pass  # it reads otherwise than was meant
    raise Unsafe("The lines around etcd.local.extraArgs are written in a way that cannot be edited safely.")


def _ending_as(found: Found, result: Found) -> Found:
    """The result, without its last line break if there was none before and the last line has gone."""
    if found.text.endswith("\n") or not result.text.endswith("\n"):
        return result
    return find(result.text[: -2 if result.text.endswith("\r\n") else -1])


def _meaning(found: Found) -> t.Any:
    """Everything that the text says, except etcd.local.extraArgs; an etcd or local without entries is as good as
    none."""
    return [
        document.root.shape() if number != found.index else _without(document.root, PATH)
        for number, document in enumerate(found.documents)
    ]


def _without(node: YamlNode, path: t.Sequence[str]) -> t.Any:
    kept = []
    for key, value in node.pairs:
        if key.text != path[0]:
            kept.append((key.shape(), value.shape()))
        elif len(path) > 1 and value.kind == yaml_nodes.MAP:
            inner = _without(value, path[1:])
            if inner:
                kept.append((key.shape(), inner))
        elif len(path) > 1 and not value.empty:
            kept.append((key.shape(), value.shape()))
    return kept


def _arguments(found: Found) -> list[t.Any]:
    return [(entry.name, entry.text, entry.rest()) for entry in entries_of(found)]


def _expected(plan: Plan) -> list[t.Any]:
    left = [(entry.name, value, entry.rest()) for entry, value in plan.left]
    return [*left, *((name, value, ()) for name, value in plan.added)]


__all__ = ("Edited", "edit", "read")
