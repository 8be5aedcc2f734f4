# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Failures that were expected, and refusals: nothing was tried."""

from __future__ import annotations


class Refused(Exception):
    """A step that was not taken. The text is one or more sentences: why, and what to do next."""


def refuse(reason: str | None) -> None:
    """Raises Refused where there is a reason."""
    if reason:
        raise Refused(reason)


__all__ = (
    "Refused",
    "refuse",
)
