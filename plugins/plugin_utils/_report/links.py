# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Links from the report to the documentation of this collection, which is public."""

from __future__ import annotations

import re

# As in galaxy.yml; a unit test compares them.
REPOSITORY = "https://github.com/controlplane-etcd/controlplane.etcd"
_ANCHOR = re.compile(r"(docs/[a-z-]+\.md|README\.md)(#[A-Za-z0-9_-]+)?", re.ASCII)


def documentation(anchor: str) -> str:
    """The address of a page such as docs/runbook.md#corrupt_alarm; empty for anything else, so that no document can
    lead elsewhere."""
    return f"{REPOSITORY}/blob/main/{anchor}" if _ANCHOR.fullmatch(anchor) else ""


__all__ = ("REPOSITORY", "documentation")
