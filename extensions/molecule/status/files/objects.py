# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print widgets and secrets, as a list that kubectl takes."""

from __future__ import annotations

import json

COUNT = 40


def named(kind: str, version: str, number: int, **body: object) -> dict[str, object]:
    """Return one object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": f"{kind.lower()}-{number}"}, **body}


widgets = [named("Widget", "example.org/v1", number, spec={"text": "x" * 100 * number}) for number in range(COUNT)]
secrets = [named("Secret", "v1", number, stringData={"password": "y" * 50 * number}) for number in range(COUNT)]
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": [*widgets, *secrets]}))
