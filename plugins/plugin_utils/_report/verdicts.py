# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Verdicts and findings, the worst first."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .links import documentation
from .reading import Part

# From the worst to the best. What is not known is no reason to be calm.
_ORDER = ("critical", "warning", "unknown", "note", "ok")


@dataclass(frozen=True)
class Finding:
    severity: str
    text: str
    hosts: str
    href: str


def verdict_of(part: Part, key: str = "verdict") -> str:
    """One of critical, warning, note, ok; unknown for anything else."""
    found = part.text(key)
    return found if found in _ORDER else "unknown"


def rank(verdict: str) -> int:
    """0 for the worst."""
    return _ORDER.index(verdict)


def findings(cluster: Part) -> list[Finding]:
    found = [
        Finding(
            severity=verdict_of(each, "severity"),
            text=each.text("text") or each.text("code") or "A finding without words.",
            hosts=", ".join(each.texts("hosts")),
            href=documentation(each.text("anchor")),
        )
        for each in cluster.parts("findings")
    ]
    return sorted(found, key=lambda each: rank(each.severity))


def worst_first(clusters: t.Iterable[Part]) -> list[Part]:
    """The clusters by verdict, then by how full they are."""
    return sorted(clusters, key=lambda each: (rank(verdict_of(each)), -each.amount("full_percent"), each.text("name")))


__all__ = ("Finding", "findings", "rank", "verdict_of", "worst_first")
