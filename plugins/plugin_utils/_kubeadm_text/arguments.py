# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The arguments and environment variables of etcd that a kubeadm configuration has."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from . import yaml_nodes
from .documents import Found, no_merge
from .yaml_nodes import YamlNode
from .yaml_style import PATH, in_lines

Args = t.Dict[str, t.Optional[str]]  # evaluated, also on Python 3.8

EXTRA_ARGS = PATH[-1]


@dataclass(frozen=True)
class Entry:
    """One argument: `whole` is the key of a map, or the item of a list, `value` None if a list's item has none."""

    name: str
    value: YamlNode | None
    whole: YamlNode

    @property
    def text(self) -> str | None:
        """The value as kubeadm hands it to etcd, None if kubeadm would not read it; null becomes an empty one."""
        return "" if self.value is None or self.value.reads_as == "null" else self.value.text

    @property
    def shown(self) -> str:
        """The value for people, also if kubeadm would not read it."""
        return self.value.resolved.value if self.value and self.text is None else self.text or ""

    def rest(self) -> t.Any:
        """The other keys of a list's item."""
        return tuple(
            (key.shape(), value.shape()) for key, value in self.whole.pairs if key.text not in ("name", "value")
        )


def local_etcd(found: Found) -> YamlNode | None:
    """etcd.local, None if there is no such map."""
    node: YamlNode | None = found.document.root
    for key in PATH[:2]:
        child = node.get(key) if node else None
        node = child.resolved if child and child.reads_as == yaml_nodes.MAP else None
    return node


def entries_of(found: Found) -> list[Entry]:
    """All arguments, in their order. Raises Refused for the shape of another version of the API, and for what kubeadm
    would not read."""
    local = local_etcd(found)
    value = local.get(EXTRA_ARGS) if local else None
    if value is None or value.reads_as == "null":
        return []
    line, args = found.line(value.start), value.resolved
    wanted = yaml_nodes.LIST if found.is_list else yaml_nodes.MAP
    if value.reads_as != wanted:
        if value.empty:  # replaced if anything is set; see refuse_unreadable
            return []
        how = "a list of name and value" if found.is_list else "a map"
        raise Refused(
            "kubeadm_file_invalid",
            f"etcd.local.extraArgs in line {line} is a {value.reads_as}, but {found.version} expects {how}:"
            " kubeadm refuses it.",
            f"Write it as {how}, or correct the apiVersion. {keep_the_rest(found)}"
            + in_lines(found.is_list, _any_shape(args)),
        )
    no_merge(found, args)
    return [_item(found, item) for item in args.items] if found.is_list else [_pair(*pair) for pair in args.pairs]


def keep_the_rest(found: Found) -> str:
    """The advice to keep the other keys of etcd and etcd.local, before lines that do not have them. Empty if there are
    none."""
    above = (found.document.root.get(PATH[0]), local_etcd(found))
    others = [key.text or "" for node in above if node for key, _value in node.resolved.pairs if key.text not in PATH]
    return f"Leave everything else in etcd and etcd.local ({', '.join(others)}). " if others else ""


def _any_shape(args: YamlNode) -> list[tuple[str, str]]:
    """Names and values of a map or list that should be the other one."""
    pairs = list(args.pairs) + [
        (name, value)
        for item in args.items
        for name, value in ((item.resolved.get("name"), item.resolved.get("value")),)
        if name is not None and value is not None
    ]
    return [(name.resolved.value, value.resolved.value) for name, value in pairs]


def _pair(key: YamlNode, value: YamlNode) -> Entry:
    name = key.text
    return Entry(key.resolved.value if name is None else name, value, key)  # kubeadm makes text of a number


def _item(found: Found, item: YamlNode) -> Entry:
    line = found.line(item.start)
    if item.reads_as != yaml_nodes.MAP:
        raise Refused(
            "kubeadm_file_invalid",
            f"Line {line} holds an entry of etcd.local.extraArgs that is a {item.reads_as}, but {found.version} expects"
            " name and value: kubeadm refuses it.",
            'Write it as {name: "...", value: "..."}, on two lines and without the braces.',
        )
    entry = item.resolved
    no_merge(found, entry)
    for key in ("name", "value"):
        if len(entry.all(key)) > 1:
            raise Refused(
                "kubeadm_file_invalid",
                f"The entry of etcd.local.extraArgs in line {line} specifies its {key} twice: it is not clear"
                " which one counts.",
                "Leave only the one that counts.",
            )
    name = entry.get("name")
    if name is None or not name.text:
        raise Refused(
            "kubeadm_file_invalid",
            f"The entry of etcd.local.extraArgs in line {line} has no name: kubeadm refuses it (argument has no name).",
            "Give it one, or remove the entry.",
        )
    return Entry(name.text, entry.get("value"), item)


def environment(found: Found) -> dict[str, YamlNode]:
    """The variables of etcd's container: a second way to set its flags, from v1beta4 on."""
    local = local_etcd(found)
    envs = local.get("extraEnvs") if local else None
    if envs is None or envs.reads_as != yaml_nodes.LIST:
        return {}
    named = [item.resolved.get("name") for item in envs.resolved.items if item.reads_as == yaml_nodes.MAP]
    return {name.text: name for name in named if name is not None and name.text}


__all__ = ("EXTRA_ARGS", "Args", "Entry", "entries_of", "environment", "keep_the_rest", "local_etcd")
