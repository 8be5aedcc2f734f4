# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The places of an edit: which pieces of text an edit of etcd.local.extraArgs replaces, or why one cannot be replaced
where it stands."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from . import yaml_nodes
from .arguments import Entry
from .documents import Found
from .yaml_nodes import YamlNode
from .yaml_style import PATH, Style, column_of, line_end, line_start, quote

_BLANKS = " \t\r"


@dataclass(frozen=True)
class Splice:
    """`text` in place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Fate:
    """The fate of an entry: it stays unchanged, gets a value, or goes (None)."""

    entry: Entry
    stays: bool
    value: str | None = None


@dataclass(frozen=True)
class Plan:
    """The fate of each entry that is there, and the names and values to add."""

    fates: tuple[Fate, ...]
    added: tuple[tuple[str, str], ...]

    @property
    def left(self) -> list[tuple[Entry, str | None]]:
        """The entries that do not go, with the values that they have then."""
        kept = (fate for fate in self.fates if fate.stays or fate.value is not None)
        return [(fate.entry, fate.entry.text if fate.stays else fate.value) for fate in kept]

    @property
    def nothing(self) -> bool:
        return not self.added and all(fate.stays for fate in self.fates)


class Unsafe(Refused):
    """A refusal to edit a piece of text in its place."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__("kubeadm_file_not_editable", reason, advice)


def changes(found: Found, plan: Plan) -> t.Iterator[Splice]:
    """New values in their places, and the lines of entries that go."""
    for number, fate in enumerate(plan.fates):
        if fate.stays:
            continue
        args = _own(found, PATH)
        if args.flow:
            raise _in_flow(found, args)
        if fate.value is None:
            yield _lines_of(found, args, number)
        else:
            yield _new_value(found, fate.entry, fate.value)


def additions(found: Found, added: t.Sequence[tuple[str, str]]) -> t.Iterator[Splice]:
    """The new entries behind the last one, with as many of the keys above them as are missing."""
    body, node, style = found.body, found.document.root, Style.of(found)
    if node.flow:
        raise _in_flow(found, node)
    for depth, key in enumerate(PATH):
        pairs = node.all(key)
        column = column_of(body, node.pairs[0][0].start)
        if not pairs:
            yield _new_lines(body, node.end, style.lines(PATH[depth:], column, added))
            return
        name, child = pairs[0]
        _own_node(found, child)
        if child.empty:
            if child.anchor:
                raise Unsafe(f"Line {found.line(child.start)} has an anchor (&{child.anchor}).")
            lines = style.lines(PATH[depth + 1 :], column, added, below=True)
            start = len(body[: child.start].rstrip(_BLANKS)) if child.end > child.start else child.start
            yield Splice(max(start, name.end), child.end, "")
            yield _new_lines(body, child.end, lines)
            return
        if child.flow:
            raise _in_flow(found, child)
        node = child
    if found.is_list:
        column = column_of(body, _dash(body, line_start(body, node.start), node.items[0].start))
    else:
        column = column_of(body, node.pairs[0][0].start)
    yield _new_lines(body, node.end, style.entries(column, added))


def spliced(text: str, splices: t.Iterable[Splice]) -> str:
    """The text with all of these, which do not overlap."""
    for splice in sorted(splices, key=lambda each: each.start, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def _own(found: Found, path: t.Sequence[str]) -> YamlNode:
    """The map or list at this path, if it may be edited where it stands: nothing else shares it."""
    node = found.document.root
    for key in path:
        child = node.get(key)
        if child is None:
            raise Unsafe(f"There is no {key}.")
        node = child
        _own_node(found, node)
    return node


def _own_node(found: Found, node: YamlNode) -> None:
    line = found.line(node.start)
    if node.kind == yaml_nodes.ALIAS:
        raise Unsafe(f"Line {line} is an alias (*{node.anchor}): a change would affect other places as well.")
    if node.anchor and node.anchor in _aliases(found):
        raise Unsafe(f"Line {line} is used elsewhere (&{node.anchor}): a change would affect those places as well.")
    if node.tag:
        raise Unsafe(f"Line {line} has a tag ({node.tag}), which an edit would not preserve.")


def _aliases(found: Found) -> set[str]:
    return set(found.document.root.aliases())


def _anchors(node: YamlNode) -> set[str]:
    """The anchors in it."""
    inner = [*node.items, *(each for pair in node.pairs for each in pair)]
    own = {node.anchor} if node.anchor and node.kind != yaml_nodes.ALIAS else set()
    return own.union(*(_anchors(each) for each in inner))


def _in_flow(found: Found, node: YamlNode) -> Unsafe:
    how = "JSON or flow style" if node is found.document.root else "flow style"
    return Unsafe(
        f"Line {found.line(node.start)} is in {how} ({{...}} or [...]), which cannot be edited without rewriting it."
    )


def _new_value(found: Found, entry: Entry, value: str) -> Splice:
    body, quoted = found.body, quote(value)
    if found.is_list:
        _own_node(found, entry.whole)
        if entry.whole.flow:
            raise _in_flow(found, entry.whole)
    old = entry.value
    if old is None:
        name = next(pair for pair in entry.whole.pairs if pair[0].text == "name")
        column = column_of(body, name[0].start)
        return _new_lines(body, name[1].end, [f"{' ' * column}value: {quoted}"])
    line = found.line(old.start)
    if old.kind == yaml_nodes.ALIAS or old.anchor or old.tag:
        mark = f"*{old.anchor}" if old.kind == yaml_nodes.ALIAS else f"&{old.anchor}" if old.anchor else old.tag
        raise Unsafe(f"The value of {entry.name} in line {line} has an anchor, an alias or a tag ({mark}).")
    if old.kind != yaml_nodes.SCALAR or old.style in ("|", ">"):
        raise Unsafe(f"The value of {entry.name} in line {line} is not a simple scalar.")
    blank = " " if body[old.start - 1 : old.start] not in ("", " ", "\t") else ""
    return Splice(old.start, old.end, blank + quoted)


def _lines_of(found: Found, args: YamlNode, number: int) -> Splice:
    """The whole lines of an entry, to be removed."""
    body = found.body
    if found.is_list:
        item = args.items[number]
        after = args.items[number - 1].end if number else line_start(body, args.start)
        start = _dash(body, after, item.start)
        node_end = item.end
    else:
        key, value = args.pairs[number]
        start, node_end = key.start, max(key.end, value.end)
    if _anchors(args.items[number] if found.is_list else args.pairs[number][1]) & _aliases(found):
        raise Unsafe(f"The entry in line {found.line(start)} has an anchor that is used elsewhere.")
    begin, end = line_start(body, start), line_end(body, node_end)
    rest = body[node_end:end].strip(_BLANKS + "\n")
    if body[begin:start].strip(_BLANKS) or (rest and not rest.startswith("#")):
        raise Unsafe(f"Line {found.line(start)} contains more than this entry.")
    return Splice(begin, end, "")


def _dash(text: str, after: int, before: int) -> int:
    """The place of an item's dash, which is between those two; comments may be there as well."""
    position = line_start(text, after)
    while position <= before:
        end = line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip(" ")
        dash = position + len(line) - len(stripped)
        if stripped.startswith("-") and after <= dash < before and stripped[1:2] in (" ", "\t", "\r", "\n", ""):
            return dash
        position = end
    raise Unsafe("An entry of etcd.local.extraArgs does not start on its own line.")


def _new_lines(text: str, offset: int, lines: t.Sequence[str]) -> Splice:
    """Lines behind the line of that place. The text ends with a line break afterwards if it did before."""
    position = line_end(text, offset)
    above = text[:position]
    first = text.find("\n")
    broken = above.endswith("\n")
    here = above if broken else text[: first + 1]
    line_break = "\r\n" if here.endswith("\r\n") else "\n"
    joined = line_break.join(lines)
    return Splice(position, position, joined + line_break if broken else line_break + joined)


__all__ = ("Fate", "Plan", "Splice", "Unsafe", "additions", "changes", "spliced")
