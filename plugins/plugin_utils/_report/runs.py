# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The file of a report that the clusters of one run draw one after the other, each when its work is over.

What a page was drawn from is kept in it, where a browser does not show it. So the next cluster of the run adds to it,
and a run that is lost leaves what it had found.
"""

from __future__ import annotations

import html
import json
import re
import typing as t

from ...module_utils._core.records import Json
from .page import render

_KEPT = re.compile(r'<template id="record">(.*?)</template>', re.DOTALL)


def page_with(page: str, *, run: str, document: object, before: object = None) -> str:
    """The page with one more status document, and the one from before if there is one. `page` is what is in the file
    yet; of another run's nothing is kept."""
    kept = _kept(page, run)
    record: Json = {
        "run": run,
        "document": _joined(kept.get("document"), document),
        "before": _joined(kept.get("before"), before),
    }
    return render(record["document"], before=record["before"], record=json.dumps(record))


def _kept(page: str, run: str) -> t.Mapping[str, t.Any]:
    found = _KEPT.search(page)
    try:
        record = json.loads(html.unescape(found[1])) if found else None
    except ValueError:
        record = None
    return record if isinstance(record, dict) and record.get("run") == run else {}


def _joined(kept: object, new: object) -> Json | None:
    """The clusters of both, the newer of those with the same name."""
    bodies: list[t.Mapping[str, t.Any]] = [each for each in (kept, new) if isinstance(each, t.Mapping)]
    if not bodies:
        return None
    clusters = {str(each.get("name")): each for body in bodies for each in body.get("clusters") or ()}
    return {**bodies[-1], "clusters": list(clusters.values())}


__all__ = ("page_with",)
