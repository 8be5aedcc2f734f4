# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what was done to one member to its line."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._hardening_line import FilterModule, hardening_line

ROLLED = {
    "changed": True,
    "method": "patch",
    "reason": "",
    "seconds": 13.2,
    "differences": [],
    "flags": {"before": {}, "after": {}},
    "failed": False,
}


def test_line() -> None:
    assert hardening_line(ROLLED, "host1") == "host1 runs with its new flags, and was down for 13.2 s (patch)."
    assert hardening_line(ROLLED, "host1", check=True) == "host1 would be restarted with its new flags (patch)."
    assert hardening_line({**ROLLED, "changed": False}, "host1") == "host1 already runs with these flags."


def test_filter() -> None:
    assert FilterModule().filters() == {"_hardening_line": hardening_line}
