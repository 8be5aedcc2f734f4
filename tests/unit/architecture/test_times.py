# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times in roles."""

from __future__ import annotations

import re

from unit.architecture.sources import ROOT


def test_no_time_of_utc_is_taken_for_one_of_here() -> None:
    """What `now(utc=true)` returns has no zone, so its `timestamp()` is wrong by the zone of the controller."""
    files = [*ROOT.glob("roles/**/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    assert len(files) > 50
    assert [file.name for file in files if re.search(r"now\(utc=true\)\.timestamp", file.read_text("utf-8"))] == []
