# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Sets and removes etcd.local.extraArgs in the text of a kubeadm configuration, and leaves every other byte alone.

An edit goes through the text twice, first for what changes or goes, then for what is added, and is read again at last:
what comes out must say what was there and the change, and nothing else. Otherwise there is no edit.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from . import nodes, values
from .documents import Found, find, no_merge
from .errors import ConfigRefused
from .nodes import Node

Args = t.Dict[str, t.Optional[str]]  # evaluated, also on Python 3.8

_PATH = ("etcd", "local", "extraArgs")
_EXTRA_ARGS = _PATH[-1]
_BLANKS = " \t\r"
_WHOLE_VERSION = re.compile(r"v?\d+\.\d+\.\d+.*", re.ASCII)


@dataclass(frozen=True)
class Edited:
    """What came out of an edit. `before` and `after` are the ClusterConfiguration alone."""

    text: str
    before: str
    after: str
    api_version: str
    extra_args: Args
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """One argument: `whole` is the key of a map, or the item of a list, `value` None where a list's item has none."""

    name: str
    value: Node | None
    whole: Node

    @property
    def text(self) -> str | None:
        """Its value, where that is what kubeadm hands to etcd; null becomes an empty one."""
        return "" if self.value is None or self.value.reads_as == "null" else self.value.text

    @property
    def shown(self) -> str:
        """Its value for people, also where kubeadm would not read it."""
        return self.value.resolved.value if self.value and self.text is None else self.text or ""

    def rest(self) -> t.Any:
        """What else a list's item says."""
        return tuple(
            (key.shape(), value.shape()) for key, value in self.whole.pairs if key.text not in ("name", "value")
        )


@dataclass(frozen=True)
class _Splice:
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Fate:
    """What becomes of an entry: it stays as it is, gets a value, or goes (None)."""

    entry: _Entry
    stays: bool
    value: str | None = None


@dataclass(frozen=True)
class _Plan:
    fates: tuple[_Fate, ...]
    added: tuple[tuple[str, str], ...]

    @property
    def nothing(self) -> bool:
        return not self.added and all(fate.stays for fate in self.fates)


class _Unsafe(ConfigRefused):
    """Not to be edited in its place."""


def read(text: str) -> Args:
    """The arguments of etcd as kubeadm takes them from this text: of several of one name the last. Raises
    ConfigRefused, NoYaml."""
    return {entry.name: entry.text for entry in _entries(find(text))}


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = ()) -> Edited:
    """Set these arguments, remove those. Raises ConfigRefused, NoYaml."""
    found = find(text)
    entries = _entries(found)
    settings = values.checked(wanted, remove, {entry.name: entry.shown for entry in entries})
    _refuse_environment(found, settings.wanted)
    plan = _plan(entries, settings.wanted, remove)
    try:
        result = found if plan.nothing else _carried_out(found, plan)
        _refuse_unreadable(result)
    except ConfigRefused as exc:
        raise ConfigRefused(str(exc), exc.advice or _lines_by_hand(found, plan)) from exc
    after: Args = {entry.name: entry.text for entry in _entries(result)}
    warnings = [*settings.warnings, *_findings(result, after, settings.wanted)]
    return Edited(result.text, found.body, result.body, found.document.api_version, after, tuple(warnings))


# --- what is there ---


def _local(found: Found) -> Node | None:
    node: Node | None = found.document.root
    for key in _PATH[:2]:
        child = node.get(key) if node else None
        node = child.resolved if child and child.reads_as == nodes.MAP else None
    return node


def _entries(found: Found) -> list[_Entry]:
    """Raises ConfigRefused for the shape of another version of the API, and for what kubeadm would not read."""
    local = _local(found)
    value = local.get(_EXTRA_ARGS) if local else None
    if value is None or value.reads_as == "null":
        return []
    line, args = found.line(value.start), value.resolved
    wanted = nodes.LIST if found.is_list else nodes.MAP
    if value.reads_as != wanted:
        if value.empty:  # replaced where anything is set; see _refuse_unreadable
            return []
        how = "a list of name and value" if found.is_list else "a map"
        raise ConfigRefused(
            f"etcd.local.extraArgs in line {line} is a {value.reads_as}, {found.version} wants {how}: kubeadm refuses"
            " it.",
            f"Write it as {how}, or correct the apiVersion. " + _in_lines(found.is_list, _any_shape(args)),
        )
    no_merge(found, args)
    return [_item(found, item) for item in args.items] if found.is_list else [_pair(*pair) for pair in args.pairs]


def _any_shape(args: Node) -> list[tuple[str, str]]:
    """What is in a map or list, where it belongs into the other one."""
    pairs = list(args.pairs) + [
        (name, value)
        for item in args.items
        for name, value in ((item.resolved.get("name"), item.resolved.get("value")),)
        if name is not None and value is not None
    ]
    return [(name.resolved.value, value.resolved.value) for name, value in pairs]


def _pair(key: Node, value: Node) -> _Entry:
    name = key.text
    return _Entry(key.resolved.value if name is None else name, value, key)  # kubeadm makes text of a number


def _item(found: Found, item: Node) -> _Entry:
    line = found.line(item.start)
    if item.reads_as != nodes.MAP:
        raise ConfigRefused(
            f"Line {line} holds an entry of etcd.local.extraArgs that is a {item.reads_as}, {found.version} wants name"
            " and value: kubeadm refuses it.",
            'Write it as {name: "...", value: "..."}, over two lines and without the braces.',
        )
    entry = item.resolved
    no_merge(found, entry)
    for key in ("name", "value"):
        if len(entry.all(key)) > 1:
            raise ConfigRefused(
                f"The entry of etcd.local.extraArgs in line {line} has its {key} twice: what counts is not clear.",
                "Leave only the one that counts.",
            )
    name = entry.get("name")
    if name is None or not name.text:
        raise ConfigRefused(
            f"The entry of etcd.local.extraArgs in line {line} has no name: kubeadm refuses it (argument has no name).",
            "Give it one, or take it away.",
        )
    return _Entry(name.text, entry.get("value"), item)


def _environment(found: Found) -> dict[str, Node]:
    """The variables of etcd's container: a second way to set its flags, from v1beta4 on."""
    local = _local(found)
    envs = local.get("extraEnvs") if local else None
    if envs is None or envs.reads_as != nodes.LIST:
        return {}
    named = [item.resolved.get("name") for item in envs.resolved.items if item.reads_as == nodes.MAP]
    return {name.text: name for name in named if name is not None and name.text}


def _variable(name: str) -> str:
    """The variable that stands for this flag (etcd, pkg/flags)."""
    return "ETCD_" + name.upper().replace("-", "_")


# --- what is to become of it ---


def _plan(entries: t.Sequence[_Entry], wanted: t.Mapping[str, str], remove: t.Collection[str]) -> _Plan:
    left = {entry.name: entry.text for entry in entries if entry.name not in remove}
    mode = {**left, **wanted}.get(values.MODE)
    kept: dict[str, _Entry] = {}
    for name, value in wanted.items():
        named = [entry for entry in entries if entry.name == name]
        if named:  # of several, one that need not be touched
            kept[name] = next((entry for entry in named if _good(entry, value, mode)), named[0])
    fates = []
    for entry in entries:
        if entry.name in remove or kept.get(entry.name, entry) is not entry:
            fates.append(_Fate(entry, False))
        elif entry.name in wanted and not _good(entry, wanted[entry.name], mode):
            fates.append(_Fate(entry, False, wanted[entry.name]))
        else:
            fates.append(_Fate(entry, True))
    return _Plan(tuple(fates), tuple((name, value) for name, value in wanted.items() if name not in kept))


def _good(entry: _Entry, value: str, mode: str | None) -> bool:
    """Whether it says that already, as a string for every reader; "1" is as good as "1h": no restart over spelling."""
    if entry.value is None or not nodes.always_string(entry.value.resolved):
        return False
    return values.same(entry.name, entry.text or "", value, mode)


# --- the edit ---


def _carried_out(found: Found, plan: _Plan) -> Found:
    """The text after the edit, proved to say what was wanted. Raises ConfigRefused."""
    body = _spliced(found.body, list(_changes(found, plan)))
    try:
        result = find(found.replaced(body))
        if plan.added:
            result = find(result.replaced(_spliced(result.body, list(_additions(result, plan.added)))))
        for candidate in (_ending_as(found, result), result):
            if _meaning(candidate) == _meaning(found) and _arguments(candidate) == _expected(plan):
                return candidate
    except _Unsafe:
        raise
    except ConfigRefused:
        pass  # it reads otherwise than was meant
    raise _Unsafe("The lines around etcd.local.extraArgs are written in a way that cannot be edited safely.")


def _ending_as(found: Found, result: Found) -> Found:
    """Without a last line break where there was none and the last line has gone."""
    if found.text.endswith("\n") or not result.text.endswith("\n"):
        return result
    return find(result.text[: -2 if result.text.endswith("\r\n") else -1])


def _spliced(text: str, splices: t.Iterable[_Splice]) -> str:
    for splice in sorted(splices, key=lambda each: each.start, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def _changes(found: Found, plan: _Plan) -> t.Iterator[_Splice]:
    """New values in their places, and the lines of entries that go."""
    for number, fate in enumerate(plan.fates):
        if fate.stays:
            continue
        args = _own(found, _PATH)
        if args.flow:
            raise _in_flow(found, args)
        if fate.value is None:
            yield _lines_of(found, args, number)
        else:
            yield _new_value(found, fate.entry, fate.value)


def _own(found: Found, path: t.Sequence[str]) -> Node:
    """The map or list at this path, if it may be edited where it stands: nothing else shares it."""
    node = found.document.root
    for key in path:
        child = node.get(key)
        if child is None:
            raise _Unsafe(f"There is no {key}.")
        node = child
        _own_node(found, node)
    return node


def _aliases(found: Found) -> set[str]:
    return set(found.document.root.aliases())


def _anchors(node: Node) -> set[str]:
    """The anchors in it."""
    inner = [*node.items, *(each for pair in node.pairs for each in pair)]
    own = {node.anchor} if node.anchor and node.kind != nodes.ALIAS else set()
    return own.union(*(_anchors(each) for each in inner))


def _own_node(found: Found, node: Node) -> None:
    line = found.line(node.start)
    if node.kind == nodes.ALIAS:
        raise _Unsafe(f"Line {line} takes this from elsewhere (*{node.anchor}), where a change reaches further.")
    if node.anchor and node.anchor in _aliases(found):
        raise _Unsafe(f"Line {line} is used elsewhere as well (&{node.anchor}): a change would reach further.")
    if node.tag:
        raise _Unsafe(f"Line {line} has a tag ({node.tag}), which does not survive an edit.")


def _in_flow(found: Found, node: Node) -> _Unsafe:
    how = "JSON or flow style" if node is found.document.root else "flow style"
    return _Unsafe(
        f"Line {found.line(node.start)} is in {how} ({{...}} or [...]), which cannot be edited without writing it anew."
    )


def _new_value(found: Found, entry: _Entry, value: str) -> _Splice:
    body, quoted = found.body, quote(value)
    if found.is_list:
        _own_node(found, entry.whole)
        if entry.whole.flow:
            raise _in_flow(found, entry.whole)
    old = entry.value
    if old is None:
        name = next(pair for pair in entry.whole.pairs if pair[0].text == "name")
        column = _column(body, name[0].start)
        return _new_lines(body, name[1].end, [f"{' ' * column}value: {quoted}"])
    line = found.line(old.start)
    if old.kind == nodes.ALIAS or old.anchor or old.tag:
        mark = f"*{old.anchor}" if old.kind == nodes.ALIAS else f"&{old.anchor}" if old.anchor else old.tag
        raise _Unsafe(f"The value of {entry.name} in line {line} has an anchor, an alias or a tag ({mark}).")
    if old.kind != nodes.SCALAR or old.style in ("|", ">"):
        raise _Unsafe(f"The value of {entry.name} in line {line} is not a simple one.")
    blank = " " if body[old.start - 1 : old.start] not in ("", " ", "\t") else ""
    return _Splice(old.start, old.end, blank + quoted)


def _lines_of(found: Found, args: Node, number: int) -> _Splice:
    """The whole lines of an entry, to be taken away."""
    body = found.body
    if found.is_list:
        item = args.items[number]
        after = args.items[number - 1].end if number else _line_start(body, args.start)
        start = _dash(body, after, item.start)
        node_end = item.end
    else:
        key, value = args.pairs[number]
        start, node_end = key.start, max(key.end, value.end)
    if _anchors(args.items[number] if found.is_list else args.pairs[number][1]) & _aliases(found):
        raise _Unsafe(f"The entry in line {found.line(start)} has an anchor that is used elsewhere.")
    begin, end = _line_start(body, start), _line_end(body, node_end)
    rest = body[node_end:end].strip(_BLANKS + "\n")
    if body[begin:start].strip(_BLANKS) or (rest and not rest.startswith("#")):
        raise _Unsafe(f"Line {found.line(start)} holds more than this entry.")
    return _Splice(begin, end, "")


def _additions(found: Found, added: t.Sequence[tuple[str, str]]) -> t.Iterator[_Splice]:
    body, node, style = found.body, found.document.root, _Style.of(found)
    if node.flow:
        raise _in_flow(found, node)
    for depth, key in enumerate(_PATH):
        pairs = node.all(key)
        column = _column(body, node.pairs[0][0].start)
        if not pairs:
            yield _new_lines(body, node.end, style.lines(_PATH[depth:], column, added))
            return
        name, child = pairs[0]
        _own_node(found, child)
        if child.empty:
            if child.anchor:
                raise _Unsafe(f"Line {found.line(child.start)} has an anchor (&{child.anchor}).")
            lines = style.lines(_PATH[depth + 1 :], column, added, below=True)
            start = len(body[: child.start].rstrip(_BLANKS)) if child.end > child.start else child.start
            yield _Splice(max(start, name.end), child.end, "")
            yield _new_lines(body, child.end, lines)
            return
        if child.flow:
            raise _in_flow(found, child)
        node = child
    if found.is_list:
        column = _column(body, _dash(body, _line_start(body, node.start), node.items[0].start))
    else:
        column = _column(body, node.pairs[0][0].start)
    yield _new_lines(body, node.end, style.entries(column, added))


@dataclass(frozen=True)
class _Style:
    """How this text is indented: blanks per level, and of a list's dash below its key."""

    is_list: bool
    step: int = 2
    dash: int = 0
    inner: int = 2

    @classmethod
    def of(cls, found: Found) -> _Style:
        body, root = found.body, found.document.root
        etcd = root.get("etcd")
        step, dash, inner = None, None, None
        for node in [*(_blocks(etcd) if etcd else ()), *_blocks(root)]:
            for key, value in node.pairs:
                column = _column(body, key.start)
                if value.kind == nodes.MAP and value.pairs and not value.flow:
                    step = step or _column(body, value.pairs[0][0].start) - column
                if value.kind == nodes.LIST and value.items and not value.flow and body[value.start] == "-":
                    found_dash = _column(body, value.start)
                    dash = found_dash - column if dash is None else dash
                    inner = inner or _column(body, value.items[0].start) - found_dash
        return cls(found.is_list, max(step or 2, 1), max(dash or 0, 0), max(inner or 2, 2))

    def lines(
        self, path: t.Sequence[str], column: int, added: t.Sequence[tuple[str, str]], *, below: bool = False
    ) -> list[str]:
        """The keys of the path, the first of them in this column (`below`: one level deeper), and the entries."""
        found = []
        if below and path:
            column += self.step
        for key in path:
            found.append(f"{' ' * column}{key}:")
            column += self.step
        if path:
            column -= self.step
        return [*found, *self.entries(column + (self.dash if self.is_list else self.step), added)]

    def entries(self, column: int, added: t.Sequence[tuple[str, str]]) -> list[str]:
        indent = " " * column
        if not self.is_list:
            return [f"{indent}{_word(name)}: {quote(value)}" for name, value in added]
        return [
            line
            for name, value in added
            for line in (
                f"{indent}-{' ' * (self.inner - 1)}name: {_word(name)}",
                f"{indent}{' ' * self.inner}value: {quote(value)}",
            )
        ]


def _blocks(node: Node) -> t.Iterator[Node]:
    """The maps in it that are written as blocks, from the outside to the inside."""
    if node.kind == nodes.MAP and not node.flow:
        yield node
        for _key, value in node.pairs:
            yield from _blocks(value)


def quote(value: str) -> str:
    """The string as YAML, JSON, kubeadm and people read it."""
    return json.dumps(value, ensure_ascii=False)


def _word(name: str) -> str:
    return name if nodes.safe_word(name) else quote(name)


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    """Behind the line break of the line, or the end of the text."""
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1


def _column(text: str, offset: int) -> int:
    return (
        offset - _line_start(text, offset) - (1 if text[_line_start(text, offset) : offset].startswith("\ufeff") else 0)
    )


def _dash(text: str, after: int, before: int) -> int:
    """Where the dash of an item stands, that is between those places; comments may be there as well."""
    position = _line_start(text, after)
    while position <= before:
        end = _line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip(" ")
        dash = position + len(line) - len(stripped)
        if stripped.startswith("-") and after <= dash < before and stripped[1:2] in (" ", "\t", "\r", "\n", ""):
            return dash
        position = end
    raise _Unsafe("An entry of etcd.local.extraArgs does not begin on a line of its own.")


def _new_lines(text: str, offset: int, lines: t.Sequence[str]) -> _Splice:
    """Lines behind the line of that place; the text ends with a line break then if it did before."""
    position = _line_end(text, offset)
    above = text[:position]
    first = text.find("\n")
    broken = above.endswith("\n")
    here = above if broken else text[: first + 1]
    line_break = "\r\n" if here.endswith("\r\n") else "\n"
    joined = line_break.join(lines)
    return _Splice(position, position, joined + line_break if broken else line_break + joined)


# --- the proof ---


def _meaning(found: Found) -> t.Any:
    """All that the text says but etcd.local.extraArgs; an etcd or local without entries is as good as none."""
    return [
        document.root.shape() if number != found.index else _without(document.root, _PATH)
        for number, document in enumerate(found.documents)
    ]


def _without(node: Node, path: t.Sequence[str]) -> t.Any:
    kept = []
    for key, value in node.pairs:
        if key.text != path[0]:
            kept.append((key.shape(), value.shape()))
        elif len(path) > 1 and value.kind == nodes.MAP:
            inner = _without(value, path[1:])
            if inner:
                kept.append((key.shape(), inner))
        elif len(path) > 1 and not value.empty:
            kept.append((key.shape(), value.shape()))
    return kept


def _arguments(found: Found) -> list[t.Any]:
    return [(entry.name, entry.text, entry.rest()) for entry in _entries(found)]


def _expected(plan: _Plan) -> list[t.Any]:
    left = [fate for fate in plan.fates if fate.stays or fate.value is not None]
    stay = [(f.entry.name, f.entry.text if f.stays else f.value, f.entry.rest()) for f in left]
    return [*stay, *((name, value, ()) for name, value in plan.added)]


# --- what there is to say ---


def _refuse_environment(found: Found, wanted: t.Mapping[str, str]) -> None:
    """etcd ends at once when a flag is set that a variable sets as well (3.4 to 3.7, "conflicting environment variable
    is shadowed by corresponding command-line flag")."""
    variables = _environment(found)
    file = variables.get("ETCD_CONFIG_FILE") if wanted else None
    if file:
        raise ConfigRefused(
            f"etcd.local.extraEnvs in line {found.line(file.start)} sets ETCD_CONFIG_FILE, which makes etcd"
            " ignore every argument.",
            "Set it in that file.",
        )
    for name in wanted:
        node = variables.get(_variable(name))
        if node:
            raise ConfigRefused(
                f"etcd.local.extraEnvs in line {found.line(node.start)} sets {_variable(name)}, and etcd does not start"
                f" when {name} is set as well.",
                f"Take {_variable(name)} out of extraEnvs first, from the ConfigMap kubeadm-config too.",
            )


def _refuse_unreadable(found: Found) -> None:
    """Refuse to leave a file behind that kubeadm does not read because of its extraArgs or its kubernetesVersion."""
    version = found.document.root.get("kubernetesVersion")
    if version is not None and version.reads_as not in ("string", "null"):
        shown = version.resolved.value
        written = f", {shown}," if shown else ""
        example = f"{shown}.0" if re.fullmatch(r"\d+\.\d+", shown, re.ASCII) else "1.33.0"
        raise ConfigRefused(
            f"kubernetesVersion{written} in line {found.line(version.start)} is a {version.reads_as} and no string:"
            " kubeadm refuses the whole file.",
            f'Write the whole version, in quotes, such as "{example}".',
        )
    local = _local(found)
    args = local.get(_EXTRA_ARGS) if local else None
    if args is not None and args.empty and args.reads_as not in ("null", nodes.LIST if found.is_list else nodes.MAP):
        empty = "[]" if found.is_list else "{}"
        raise ConfigRefused(
            f"etcd.local.extraArgs in line {found.line(args.start)} is an empty {args.reads_as}, and {found.version}"
            f" wants {empty} there: kubeadm refuses it.",
            "Take the line away.",
        )
    for entry in _entries(found):
        if entry.text is None and entry.value is not None:
            shown = entry.value.resolved.value if entry.value.resolved.kind == nodes.SCALAR else ""
            written = f", {shown}," if shown else ""
            raise ConfigRefused(
                f"{entry.name}{written} in line {found.line(entry.value.start)} is a {entry.value.reads_as} and no"
                " string: kubeadm refuses the whole file.",
                f"Put it in quotes{': ' + quote(shown) if shown else ''}, or set it in extra_args.",
            )


def _findings(found: Found, after: Args, wanted: t.Mapping[str, str]) -> list[str]:
    said = values.problems(after)
    names = [entry.name for entry in _entries(found)]
    said += [
        f"{name} is given more than once: the last one counts"
        f"{', with older versions of kubeadm the one that sorts last.' if found.is_list else '.'}"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    said += [
        f"etcd.local.extraEnvs sets {_variable(name)} and extraArgs {name}: etcd does not start with both."
        for name in after
        if name not in wanted and _variable(name) in _environment(found)
    ]
    local = _local(found)
    said += [
        f"etcd.local.{key.text} in line {found.line(key.start)} is not known to kubeadm, which leaves it out;"
        " extraArgs is its name."
        for key, _value in (local.pairs if local else ())
        if key.text and key.text != _EXTRA_ARGS and re.fullmatch("extra[-_]?args?", key.text, re.IGNORECASE)
    ]
    version = found.document.root.get("kubernetesVersion")
    if version is not None and version.text and not _WHOLE_VERSION.fullmatch(version.text):
        said.append(
            f"kubernetesVersion is {version.text!r}, which is no whole version such as v1.33.0: kubeadm refuses it, or"
            " looks it up on the internet, else takes its own, and the image of etcd with it."
        )
    elif version is None or not version.text:
        said.append(
            "No kubernetesVersion is given: kubeadm looks one up on the internet, else takes its own, and the image of"
            " etcd with it."
        )
    return said


def _lines_by_hand(found: Found, plan: _Plan) -> str:
    """All of etcd.local.extraArgs as it should be, for somebody who edits the file."""
    left = [fate for fate in plan.fates if fate.stays or fate.value is not None]
    wanted = [(fate.entry.name, fate.entry.shown if fate.value is None else fate.value) for fate in left]
    wanted += plan.added
    if not wanted:
        return "Take etcd.local.extraArgs away by hand."
    more = [fate.entry.name for fate in left if fate.entry.rest()]
    keep = f" Keep the other keys of {', '.join(more)}." if more else ""
    local = _local(found)
    etcd = found.document.root.get("etcd")
    if any(key.text not in _PATH for node in (etcd, local) if node for key, _value in node.resolved.pairs):
        keep = f" Leave what else etcd and etcd.local hold.{keep}"
    if found.document.root.flow:
        listed = [{"name": name, "value": value} for name, value in wanted] if found.is_list else dict(wanted)
        made = json.dumps({"etcd": {"local": {_EXTRA_ARGS: listed}}}, ensure_ascii=False)
        return f"{keep} Make it say, by hand: {made}".lstrip()
    return f"{keep} {_in_lines(found.is_list, wanted)}".lstrip()


def _in_lines(is_list: bool, args: t.Sequence[tuple[str, str]]) -> str:
    return "\n".join(["Make it say, by hand:", *_Style(is_list).lines(_PATH, 0, args)]) if args else ""


__all__ = ("Args", "Edited", "edit", "quote", "read")
