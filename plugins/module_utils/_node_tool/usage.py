# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The command usage: what fills a database, for people as tables, for programs as JSON."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .._core.failures import Failure, message
from .._core.records import Json, plain
from .._core.text import printable, table
from .._core.units import mib
from .._etcd.usage import look_at
from .._etcd.usage_count import USUAL, Usage, Wanted
from .._etcd.usage_growth import Growth
from .._node.settings_source import read_settings
from .._snapshot.usage_since import grown_since
from .context import FAILED, OK, Context, say, write


@dataclass(frozen=True)
class Options:
    """`path` is the file to read, empty for the database of this node's member; `since` an earlier look or empty."""

    path: str = ""
    since: str = ""
    wanted: Wanted = USUAL
    as_json: bool = False


def usage(context: Context, options: Options) -> int:
    """Print what fills the file; the exit code is that of a failure if it cannot be read."""
    try:
        path = options.path or read_settings(context.paths.manifest).database
        look = look_at(path, options.wanted)
        growth = None
        if options.since:
            growth = grown_since(options.since, path, look.levels, options.wanted)
    except Failure as exc:
        say(message("Reading the database", exc, unchanged="Nothing was changed."))
        return FAILED
    except OSError as exc:
        say(f"Reading the database failed: {exc}. Nothing was changed.")
        return FAILED
    if options.as_json:
        write(json.dumps(result(path, look.usage, growth), indent=2))
    else:
        write("\n".join(lines(path, look.usage, growth)))
    return OK


def result(path: str, found: Usage, growth: Growth | None) -> Json:
    """The usage for programs, in the shape that the module etcd_usage_info gives it."""
    return {"path": path, **plain(found), "growth": plain(growth)}


def lines(path: str, found: Usage, growth: Growth | None) -> list[str]:
    """The lines of the usage, for people."""
    file = found.file
    rest = (
        ("live", file.live_bytes),
        ("history", file.history_bytes),
        ("free", file.free_bytes),
        ("overhead", file.overhead_bytes + file.other_buckets_bytes),
    )
    shares = ", ".join(f"{name} {mib(size)}" for name, size in rest)
    shown = [f"{printable(path)}: {mib(file.size_bytes)} ({shares}), revision {found.revision}"]
    if not found.consistent:
        shown.append("etcd wrote to it while it was read, so the numbers may be off by what it wrote.")
    managed = found.total.managed_fields_bytes
    if managed is not None:
        shown.append(f"managedFields take {mib(managed)} of what is live")
    for head, listed in (("resource", found.resources), ("resource in a namespace", found.consumers)):
        shown += _listed(
            (head, "live keys", "live", "history", "revisions", *(() if managed is None else ("managedFields",))),
            (
                (
                    _name(each.group, each.resource, each.namespace),
                    str(each.live_keys),
                    mib(each.live_bytes),
                    mib(each.history_bytes),
                    str(each.live_keys + each.history_revisions),
                    *(() if each.managed_fields_bytes is None else (mib(each.managed_fields_bytes),)),
                )
                for each in listed
            ),
        )
    shown += _listed(("largest objects", "size"), ((each.key, mib(each.bytes)) for each in found.largest))
    shown += _listed(("hottest keys", "revisions"), ((each.key, str(each.revisions)) for each in found.hottest))
    return shown + (_grown(growth) if growth else [])


def _grown(growth: Growth) -> list[str]:
    hours = growth.seconds / 3600
    return [
        "",
        f"in {hours:.1f} h: file {_signed(growth.size_bytes_per_hour)}/h, {growth.revisions_per_hour:+d} revisions/h",
        *_listed(
            ("change per hour", "live keys", "live", "kept revisions"),
            (
                (
                    _name(each.group, each.resource, each.namespace),
                    f"{each.live_keys_per_hour:+d}",
                    _signed(each.live_bytes_per_hour),
                    f"{each.revisions_per_hour:+d}",
                )
                for each in (*growth.resources, *growth.namespaces)
            ),
        ),
    ]


def _signed(size: int) -> str:
    return f"{'-' if size < 0 else '+'}{mib(abs(size))}"


def _name(group: str, resource: str, namespace: str) -> str:
    """A resource as kubectl has it, in its namespace if that is told apart; or a namespace."""
    if resource == "*" and namespace != "*":
        return f"namespace {namespace or '(none)'}"
    name = f"{resource}.{group}" if group and group != "*" else resource
    return name if namespace in ("", "*") else f"{name} in {namespace}"


def _listed(head: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> list[str]:
    """An empty line and a table; nothing without rows."""
    # Names come from whoever may write keys.
    cells = [tuple(map(printable, row)) for row in rows]
    return ["", *table([head, *cells])] if cells else []


__all__ = ("Options", "lines", "result", "usage")
