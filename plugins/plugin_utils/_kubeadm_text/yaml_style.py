# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The indentation of a kubeadm configuration, and new lines that are written like the rest of it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from . import yaml_nodes
from .documents import Found
from .yaml_nodes import YamlNode

PATH = ("etcd", "local", "extraArgs")


@dataclass(frozen=True)
class Style:
    """The indentation of a text: blanks per level, and of a list's dash below its key."""

    is_list: bool
    step: int = 2
    dash: int = 0
    inner: int = 2

    @classmethod
    def of(cls, found: Found) -> Style:
        body, root = found.body, found.document.root
        etcd = root.get("etcd")
        step, dash, inner = None, None, None
        for node in [*(_blocks(etcd) if etcd else ()), *_blocks(root)]:
            for key, value in node.pairs:
                column = column_of(body, key.start)
                if value.kind == yaml_nodes.MAP and value.pairs and not value.flow:
                    step = step or column_of(body, value.pairs[0][0].start) - column
                if value.kind == yaml_nodes.LIST and value.items and not value.flow and body[value.start] == "-":
                    found_dash = column_of(body, value.start)
                    dash = found_dash - column if dash is None else dash
                    inner = inner or column_of(body, value.items[0].start) - found_dash
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
            return [f"{indent}{word(name)}: {quote(value)}" for name, value in added]
        return [
            line
            for name, value in added
            for line in (
                f"{indent}-{' ' * (self.inner - 1)}name: {word(name)}",
                f"{indent}{' ' * self.inner}value: {quote(value)}",
            )
        ]


def _blocks(node: YamlNode) -> t.Iterator[YamlNode]:
    """The maps in it that are written as blocks, from the outside to the inside."""
    if node.kind == yaml_nodes.MAP and not node.flow:
        yield node
        for _key, value in node.pairs:
            yield from _blocks(value)


def in_lines(is_list: bool, args: t.Sequence[tuple[str, str]]) -> str:
    return "\n".join(["Write these lines by hand:", *Style(is_list).lines(PATH, 0, args)]) if args else ""


def quote(value: str) -> str:
    """The string as YAML, JSON, kubeadm and people read it."""
    return json.dumps(value, ensure_ascii=False)


def word(name: str) -> str:
    return name if yaml_nodes.safe_word(name) else quote(name)


def line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """The place behind the line break of the line, or the end of the text."""
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1


def column_of(text: str, offset: int) -> int:
    return (
        offset - line_start(text, offset) - (1 if text[line_start(text, offset) : offset].startswith("\ufeff") else 0)
    )


__all__ = ("PATH", "Style", "column_of", "in_lines", "line_end", "line_start", "quote", "word")
