# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Files on the controller that a run writes: which are meant, and how one is changed by several clusters at once."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError

from ..module_utils._core.files import alone, put, text


def paths_of(terms: t.Iterable[t.Any]) -> list[str]:
    """The paths that a lookup was given, whole; empty ones are left out."""
    return [os.path.abspath(os.path.expanduser(str(term))) for term in terms if term]


def rewrite(path: str, change: t.Callable[[str], str], *, what: str) -> None:
    """Replace what is in the file, empty if there is none, one process at a time. `what` begins the sentence that says
    why not. Raises AnsibleError."""
    try:
        with alone(os.path.dirname(path)):
            put(path, change(_written(path)).encode(), 0o644)
    except OSError as exc:
        raise AnsibleError(f"{what} cannot be written to {path}: {exc}") from exc


def why_not_writable(path: str) -> str:
    """Why the file could not be written in the end, empty if nothing is known to be in the way."""
    directory = os.path.dirname(path)
    if os.path.isdir(path):
        return f"{path} is a directory, and not a file that a report could be written to. Name a file in it."
    if not os.path.isdir(directory):
        return f"A report cannot be written to {path}: there is no directory {directory}. Make it or name another."
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"A report cannot be written to {path}: {directory} is not writable for you. Name another file."
    return ""


def _written(path: str) -> str:
    try:
        return text(path, errors="replace")
    except FileNotFoundError:
        return ""


__all__ = ("paths_of", "rewrite", "why_not_writable")
