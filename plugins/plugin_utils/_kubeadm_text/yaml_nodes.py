# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""YAML as PyYAML reads it, with the places in the text: what is to be edited, and what the edit has to leave alone."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from functools import lru_cache

import yaml as pyyaml

yaml: t.Any = pyyaml  # for mypy: parts of it have no types

SCALAR, MAP, LIST, ALIAS = "scalar", "map", "list", "alias"
_STR_TAG = "tag:yaml.org,2002:str"

# How the YAML library of kubeadm (go-yaml 2) reads plain words. PyYAML reads several of them otherwise: "08" and "1e9"
# are numbers and "y" is a boolean for kubeadm only, "1:30" and "2026-01-01" are strings for kubeadm only.
_BOOLEAN = re.compile(r"y|Y|[yY]es|YES|n|N|[nN]o|NO|[tT]rue|TRUE|[fF]alse|FALSE|[oO]n|ON|[oO]ff|OFF")
_NULL = re.compile(r"|~|null|Null|NULL")
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO]?[0-7_]+|[-+]?0[bB][-+]?[01_]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


@dataclass(frozen=True)
class YamlNode:
    """A part of the text: `text[start:end]`. The end of a block is that of its last leaf: comments and blank lines
    after it are not part of it."""

    kind: str
    start: int
    end: int
    value: str = ""  # of a scalar
    style: str = ""  # of a scalar: "" is plain, else its first character
    flow: bool = False  # of a map or list
    tag: str = ""
    anchor: str = ""  # its own, or that of which it is the alias
    target: YamlNode | None = None  # of an alias
    items: tuple[YamlNode, ...] = ()
    pairs: tuple[tuple[YamlNode, YamlNode], ...] = ()

    def all(self, key: str) -> list[tuple[YamlNode, YamlNode]]:
        """The entries of a map under this key; more than one if it is given twice."""
        return [pair for pair in self.pairs if pair[0].text == key]

    def get(self, key: str) -> YamlNode | None:
        """The value under this key, of several the last, as kubeadm takes it."""
        found = self.all(key)
        return found[-1][1] if found else None

    @property
    def resolved(self) -> YamlNode:
        return self.target if self.target else self

    @property
    def reads_as(self) -> str:
        """The kind that kubeadm takes it for: a string, number, boolean, null, map or list."""
        node = self.resolved
        if node.kind != SCALAR:
            return node.kind
        if node.tag:
            return "string" if node.tag == _STR_TAG else "value with a tag"
        return "string" if node.style else word(node.value)

    @property
    def text(self) -> str | None:
        """The string it is for kubeadm, None if it is something else."""
        return self.resolved.value if self.reads_as == "string" else None

    @property
    def empty(self) -> bool:
        """Whether it is null, or a map or list without entries."""
        return self.reads_as == "null" or (self.kind in (MAP, LIST) and not self.items and not self.pairs)

    def shape(self) -> t.Any:
        """The content without its place: two texts that say the same have the same shape."""
        if self.kind == ALIAS:
            return (ALIAS, self.anchor)
        if self.kind == SCALAR:
            return (self.reads_as, self.value, self.anchor)
        if self.kind == LIST:
            return (LIST, self.anchor, self.tag, tuple(item.shape() for item in self.items))
        return (MAP, self.anchor, self.tag, tuple((key.shape(), value.shape()) for key, value in self.pairs))

    def aliases(self) -> t.Iterator[str]:
        """The names of the anchors that are used somewhere in it."""
        if self.kind == ALIAS:
            yield self.anchor
        for item in self.items:
            yield from item.aliases()
        for key, value in self.pairs:
            yield from key.aliases()
            yield from value.aliases()


def word(plain: str) -> str:
    """The kind that kubeadm takes a plain word for."""
    if _NULL.fullmatch(plain):
        return "null"
    if _BOOLEAN.fullmatch(plain):
        return "boolean"
    return "number" if _NUMBER.fullmatch(plain) else "string"


def always_string(node: YamlNode) -> bool:
    """Whether every reader of YAML takes it for a string."""
    if node.kind != SCALAR or node.reads_as != "string":
        return False
    if node.style or node.tag:
        return True
    return bool(yaml.resolver.Resolver().resolve(yaml.ScalarNode, node.value, (True, False)) == _STR_TAG)


def safe_word(text: str) -> bool:
    """Whether it may stand in YAML without quotes, as a name."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9._/-]*", text)) and always_string(YamlNode(SCALAR, 0, 0, text))


# An edit reads most documents several times.
@lru_cache(maxsize=64)
def read(text: str) -> tuple[YamlNode, ...]:
    """The documents in the text. Raises ValueError with the reason and the line."""
    readable = _without_odd_tabs(text)
    events = yaml.parse(readable, Loader=yaml.SafeLoader)
    try:
        return tuple(
            _node(readable, next(events), events, {}) for event in events if isinstance(event, yaml.DocumentStartEvent)
        )
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{exc.problem or exc.context}") from exc
    except yaml.YAMLError as exc:  # a character that YAML does not allow
        raise ValueError(" ".join(str(exc).split())) from exc


def _without_odd_tabs(text: str) -> str:
    """The text with blanks for the tabs that PyYAML alone minds. Every character stays in its place."""
    if text.lstrip("\ufeff \t\n").startswith("{"):  # what is in brackets may be indented with them
        text = re.sub(r"(?m)^[ \t]+", lambda match: " " * len(match.group()), text)
    while "\t" in text:
        odd = _odd_tab(text)
        if not odd:
            break
        text = text[: odd.start()] + " " * len(odd.group()) + text[odd.end() :]
    return text


def _odd_tab(text: str) -> re.Match[str] | None:
    """The first tabs that PyYAML stumbles over, if they part two words or end a line: in a word a tab belongs to the
    word, and at the beginning of a line kubeadm minds it, too."""
    try:
        for _event in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as exc:
        at = exc.problem_mark.index if exc.problem_mark else len(text)
        before = text[text.rfind("\n", 0, at) + 1 : at].strip(" \t-?\ufeff")
        ends = re.compile(r"\s*(?:#|[,}\]]|\n|\Z)").match(text, at)
        if before and (ends or before.endswith((":", ",", "[", "{"))):
            return re.compile("\t+").match(text, at)
    except yaml.YAMLError:
        pass
    return None


def _node(text: str, event: t.Any, events: t.Iterator[t.Any], anchors: dict[str, YamlNode]) -> YamlNode:
    start, end, anchor = event.start_mark.index, event.end_mark.index, event.anchor or ""
    if isinstance(event, yaml.AliasEvent):
        if anchor not in anchors:
            raise ValueError(f"line {event.start_mark.line + 1}: found undefined alias {anchor}")
        return YamlNode(ALIAS, start, end, anchor=anchor, target=anchors[anchor])
    if isinstance(event, yaml.ScalarEvent):
        if event.style in ("|", ">"):  # PyYAML counts the blank lines after it
            end = max(start, len(text[:end].rstrip()))
        found = YamlNode(SCALAR, start, end, event.value, event.style or "", tag=_tag(event), anchor=anchor)
    else:
        children = []
        event_after = next(events)
        while not isinstance(event_after, yaml.CollectionEndEvent):
            children.append(_node(text, event_after, events, anchors))
            event_after = next(events)
        if event.flow_style:
            end = event_after.end_mark.index
        elif children:
            end = max(child.end for child in children)
        if isinstance(event, yaml.SequenceStartEvent):
            found = YamlNode(
                LIST, start, end, flow=event.flow_style, tag=_tag(event), anchor=anchor, items=tuple(children)
            )
        else:
            pairs = tuple(zip(children[::2], children[1::2]))
            found = YamlNode(MAP, start, end, flow=event.flow_style, tag=_tag(event), anchor=anchor, pairs=pairs)
    if anchor:
        anchors[anchor] = found
    return found


def _tag(event: t.Any) -> str:
    return str(event.tag or "")


__all__ = ("ALIAS", "LIST", "MAP", "SCALAR", "YamlNode", "always_string", "read", "safe_word", "word")
