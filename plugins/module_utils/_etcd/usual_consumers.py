# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Advice on what fills a database of etcd: what each consumer usually is, and what cures it."""

from __future__ import annotations

import re
import typing as t

from .._core.records import Json
from .known_consumers import USUAL, Usual
from .kubernetes_keys import OTHERS

_PAGE = "docs/usage.md"

# A name goes into a command that people paste into a shell, and anybody who may make a CRD chooses some of them.
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_HELM = re.compile(r"/secrets/[^/]+/sh\.helm\.release\.v1\.")
_MUCH_HISTORY = 1.0  # times the live bytes
_MUCH_OF_MANAGED_FIELDS = 0.3  # of the live bytes

_BY_OWNER = {owner: usual for usual in USUAL for owner in usual.owners}
_BY_ANCHOR = {usual.anchor: usual for usual in USUAL}


def advice_for(resources: t.Iterable[Json], *, keys: t.Iterable[str] = ()) -> list[Json]:
    """Advice on the resources of a usage record, in their order, and then on all of them together.

    `resources` are consumers as `etcd_usage_info` returns them; `keys` are its largest and hottest keys, if they are
    known: only by them old releases of Helm are told from other secrets. Each advice has `group`, `resource`, `what`
    and `remedy` (sentences), `command` and `setting` (empty if there is none), `anchor` (of the page for users).
    """
    consumers = list(resources)
    releases = any(_HELM.search(key) for key in keys)
    return [*(_advice(each, releases) for each in consumers), *_of_all(consumers)]


def kubectl_name(group: str, resource: str) -> str:
    """The name for `kubectl`, empty if it is none that a resource can have."""
    name = f"{resource}.{group}" if group else resource
    return name if _NAME.fullmatch(name) else ""


def _advice(consumer: Json, releases: bool) -> Json:
    group, resource = consumer["group"], consumer["resource"]
    name = kubectl_name(group, resource)
    usual = _usual(name, group, resource)
    what = "Old releases of Helm, each with the whole chart in it." if releases and usual.anchor == "secrets" else ""
    return _as_result(usual, group, resource, name=name, what=what)


def _usual(name: str, group: str, resource: str) -> Usual:
    if not group and ("/" in resource or resource == OTHERS):
        return _BY_ANCHOR["other-keys"]
    domain = ".".join(group.split(".")[-2:])
    return _BY_OWNER.get(name) or _BY_OWNER.get(f"*.{domain}") or _BY_ANCHOR["anything-else"]


def _of_all(consumers: t.Sequence[Json]) -> list[Json]:
    live = sum(each["live_bytes"] for each in consumers)
    history = sum(each["history_bytes"] for each in consumers)
    managed = sum(each.get("managed_fields_bytes") or 0 for each in consumers)
    found = []
    if history > live * _MUCH_HISTORY:
        found.append("history")
    if managed > live * _MUCH_OF_MANAGED_FIELDS:
        found.append("managed-fields")
    return [_as_result(_BY_ANCHOR[anchor], OTHERS, OTHERS) for anchor in found]


def _as_result(usual: Usual, group: str, resource: str, *, name: str = "", what: str = "") -> Json:
    # Not of what has no name for kubectl.
    command = usual.command if name or "{name}" not in usual.command else ""
    return {
        "group": group,
        "resource": resource,
        "what": what or usual.what,
        "remedy": usual.remedy,
        "command": command.replace("{name}", name),
        "setting": usual.setting,
        "anchor": f"{_PAGE}#{usual.anchor}",
    }


__all__ = ("advice_for", "kubectl_name")
