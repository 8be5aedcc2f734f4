# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What the modules which edit a kubeadm configuration return of an edit."""

from __future__ import annotations

import re

from ...module_utils._core.records import Json
from . import edits
from .edits import Edited

_ENVS = re.compile(r"([ -]*)extraEnvs:\s*([^\s#])?")
_NAME = re.compile(r"(- +)?name:")
_VALUE = re.compile(r"^( *(?:- +)?(?:[\w]+: *)?)[^\r\n]+")


def edit_result(edited: Edited, place: str) -> Json:
    """The result of an edit; the diff shows no other document of `place`."""
    before = edits.read(edited.before)
    return {
        "extra_args": edited.extra_args,
        "replaced": {name: value for name, value in before.items() if edited.extra_args.get(name) != value},
        "diff": {
            "before": masked(edited.before),
            "after": masked(edited.after),
            "before_header": f"{place} (ClusterConfiguration)",
            "after_header": f"{place} (ClusterConfiguration)",
        },
    }


def masked(text: str) -> str:
    """A configuration for people, without the values of any extraEnvs, which may be secret."""
    lines: list[str] = []
    depth: int | None = None
    for line in text.splitlines(keepends=True):
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if depth is not None and bare.strip() and (indent, bare[0] == "-") <= (depth, False):
            depth = None
        if depth is not None and not _NAME.match(bare):
            line = _VALUE.sub(r'\1"***"', line)
        found = _ENVS.match(line)
        if found:
            depth = len(found[1])
            line = _VALUE.sub(r'\1"***"', line) if found[2] else line
        lines.append(line)
    return "".join(lines)


__all__ = ("edit_result", "masked")
