# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upkeep of a member as a record."""

from __future__ import annotations

import pytest
from unit.builders import as_json

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import Fields, plain
from ansible_collections.controlplane.etcd.plugins.module_utils._node.upkeep import (
    CertificateReport,
    SnapshotReport,
    Upkeep,
)

KNOWN = Upkeep(
    certificates=(CertificateReport("server", "/s.crt", 20.5), CertificateReport("peer", "/p.crt", -1.0)),
    db_size_bytes=4096,
    quota_bytes=-1,
    auto_compaction=True,
    version="3.6.16",
    scheduled=True,
    last_run=100.0,
    last_run_seconds=5.0,
    last_run_success=False,
    last_snapshot=SnapshotReport("/x.db", 1.0, 2.0),
    defrag_bytes_per_second=9.5,
)
UNKNOWN = Upkeep((), None, None, False, "", False, None, None, None, None, None)


@pytest.mark.parametrize("upkeep", [KNOWN, UNKNOWN], ids=["known", "unknown"])
def test_what_is_written_is_read(upkeep: Upkeep) -> None:
    assert Upkeep.read(Fields(as_json(plain(upkeep)), "upkeep")) == upkeep


def test_the_first_certificate_that_expires_counts() -> None:
    assert KNOWN.days_left == -1.0
    assert KNOWN._replace(certificates=()).days_left is None
