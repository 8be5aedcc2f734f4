# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Which directories of keys may be deleted from etcd itself, past the API server: a resource, or a namespace of it."""

from __future__ import annotations

import re
import typing as t

from .._core.failures import Refused
from .known_consumers import REPORTS_OF_POLICIES, REPORTS_OF_SCANNERS
from .kubernetes_keys import DEFAULT_PREFIX, owner_of
from .usual_consumers import kubectl_name

# Written again by whoever wrote it, or read by nobody after an hour. Not what holds settings beside its results, as
# clustercompliancereports do, and not leases: nodes would count as lost.
SAFE_TO_LOSE = frozenset({"events", "events.events.k8s.io", *REPORTS_OF_POLICIES, *REPORTS_OF_SCANNERS})

_SEGMENT = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_SHARED = ("services",)  # a directory of two resources: /registry/services/specs/, /registry/services/endpoints/
_UNCHANGED = "Nothing was deleted."


def deletable(directories: t.Iterable[str], *, prefix: str = DEFAULT_PREFIX, anything: bool = False) -> tuple[str, ...]:
    """The directories, sorted and without those that are inside of others; `prefix` is the API server's
    `--etcd-prefix`. `anything` allows also what is not safe to lose. Raises Refused."""
    names = sorted(set(directories))
    for name in names:
        refusal = refusal_of(name, prefix=prefix, anything=anything)
        if refusal:
            raise refusal
    return tuple(name for name in names if not any(name != other and name.startswith(other) for other in names))


def refusal_of(name: str, *, prefix: str = DEFAULT_PREFIX, anything: bool = False) -> Refused | None:
    """Refuse to delete the keys in a directory, None if they may be."""
    root = f"/{prefix.strip('/')}/"
    problem = _problem(name, root)
    if problem:
        return Refused(
            "not_a_directory_of_keys",
            f"The keys below {name!r:.200} are not deleted: {problem}.",
            f"Name a resource, or one namespace of it, such as {root}events/ or {root}events/default/.",
            unchanged=_UNCHANGED,
        )
    if anything or safe_to_lose(name, prefix=prefix):
        return None
    return Refused(
        "not_safe_to_delete",
        f"The keys below {name} are not among what is safe to lose (events, reports of policies and of scanners): they"
        " would vanish under their controllers, without their finalizers.",
        "Delete them through the API server, or, if you know that nothing depends on them, allow it by name (module"
        " option allow_anything, variable recover_delete_anything of the role recover).",
        unchanged=_UNCHANGED,
    )


def safe_to_lose(name: str, *, prefix: str = DEFAULT_PREFIX) -> bool:
    """Whether all that is in a directory is written again, or read by nobody for long."""
    owner = owner_of(name.rstrip("/").encode(), prefix)
    return kubectl_name(owner.group, owner.resource) in SAFE_TO_LOSE


def _problem(name: str, root: str) -> str:
    """Why a name is no directory of a resource, empty if it is one."""
    if root == "//":
        return "without a prefix nothing tells them from others"
    if not name.endswith("/"):
        return "the name of a directory ends in a slash, and only directories are deleted"
    if not name.startswith(root):
        return f"they are not the API server's, whose keys begin with {root}"
    parts = name[len(root) : -1].split("/")
    if parts == [""]:
        return "that is all there is"
    if not all(_SEGMENT.fullmatch(part) and ".." not in part for part in parts):
        return "that is no path of plain names, and nothing in it stands for anything else"
    first = 2 if "." in parts[0] or parts[0] in _SHARED else 1
    if len(parts) < first:
        return "that is more than one resource"
    if len(parts) > first + 1:
        return "that is deeper than a namespace"
    return ""


__all__ = ("SAFE_TO_LOSE", "deletable", "refusal_of", "safe_to_lose")
