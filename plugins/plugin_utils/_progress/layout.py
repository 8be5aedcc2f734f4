# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Lines in the form that people read: when, where, what."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

_INDENT = "  "


@dataclass(frozen=True)
class Columns:
    """The columns before the text: a cluster's name by host, if there is more than one, and the width of hosts."""

    clusters: t.Mapping[str, str] = field(default_factory=dict)
    host_width: int = 0

    def line(self, seconds: float, host: str, text: str) -> str:
        """One line; `seconds` is how long the run has taken so far."""
        parts = [f"{seconds:7.1f} s", host.ljust(self.host_width), text]
        names = set(self.clusters.values())
        if len(names) > 1:
            parts.insert(1, self.clusters.get(host, "").ljust(max(map(len, names))))
        return _INDENT.join(parts).rstrip()


def message_lines(msg: object) -> list[str] | None:
    """The lines of what a task says, None if that is neither text nor a list of texts."""
    texts = msg.splitlines() if isinstance(msg, str) else msg
    if not isinstance(texts, (list, tuple)) or not all(isinstance(each, str) for each in texts):
        return None
    return [line.rstrip() for each in texts for line in each.splitlines() or [""]]


def failure_text(result: t.Mapping[str, t.Any], *, code_needed: bool, ignored: bool) -> str | None:
    """The words for an expected failure, None if it is another: then every detail of it counts. Those of modules have a
    code."""
    msg, named = result.get("msg"), result.get("code")
    if not isinstance(msg, str) or not msg or (code_needed and not isinstance(named, str)):
        return None
    head = f"FAILED ({named})" if isinstance(named, str) else "FAILED"
    error = result.get("error")
    more = f" ({error})" if isinstance(error, str) and error and error not in msg else ""
    return f"{head}{', but the run goes on' if ignored else ''}: {msg}{more}"


__all__ = ("Columns", "failure_text", "message_lines")
