# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.tables import Cell, Column, table


def test_columns_of_which_nothing_is_known_are_named() -> None:
    drawn = table("Members", (Column("Name"), Column("Size"), Column("Lag")), [("cp1", "1.0 MiB", "unknown")]).known()
    assert [each.title for each in drawn.columns] == ["Name", "Size"]
    assert drawn.rows == ((Cell("cp1"), Cell("1.0 MiB")),)
    assert drawn.unknown == ("Lag",)


def test_the_heading_of_a_row_stays_and_so_does_what_is_known_of_one() -> None:
    rows = [("unknown", "1"), ("unknown", Cell("unknown", note="why"))]
    drawn = table("Members", (Column("Name"), Column("Size")), rows).known()
    assert len(drawn.columns) == 2
    assert drawn.unknown == ()
