# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Signs that a manifest of kubeadm's was cut off, by a full disk or an interrupted copy.

Each function returns the advice, as the end of a message, or nothing.
"""

from __future__ import annotations

import typing as t

from .yaml_scanner import Unreadable


def no_end(text: str) -> str:
    """kubeadm's own manifests (1.20 to 1.37) begin with the kind and end with the status."""
    lines = _lines(text)
    if lines[:2] != ["apiVersion: v1", "kind: Pod"] or lines[-1] == "status: {}":
        return ""
    return f". The file ends in line {len(lines)} as if it had been cut off: put the whole manifest back first"


def unreadable_end(text: str, error: ValueError) -> str:
    """Only if it is the last line that cannot be read."""
    return no_end(text) if isinstance(error, Unreadable) and error.line >= len(_lines(text)) else ""


def missing_end(text: str, pod: t.Any) -> str:
    """Only if the volumes are not all there, which come last but for the status."""
    try:
        whole = all(volume.get("name") for volume in pod["spec"]["volumes"])
    except (KeyError, TypeError, AttributeError):
        whole = False
    return "" if whole else no_end(text)


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


__all__ = ("missing_end", "no_end", "unreadable_end")
