# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when a look at a database is, and the growth since an earlier one."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

import pytest
from unit.bolt_files import Change, database

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage import look_at
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import Wanted
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.usage_since import grown_since, taken_at


def written(path: Path, keys: int, changed: float) -> str:
    path.write_bytes(database([Change(b"/registry/pods/a/%d" % n, b"x" * 100) for n in range(keys)]))
    os.utime(path, (changed, changed))
    return str(path)


def test_from_when_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "a.db", 1, 5000.0)
    assert taken_at(path) == 5000.0
    record = Snapshot(path, "1", "", "cp1", 1, 1, "", "file", 4000.0)._asdict()
    (tmp_path / "a.db.json").write_text(json.dumps(record))
    assert taken_at(path) == 4000.0
    (tmp_path / "a.db.json").write_text(json.dumps({**record, "path": "/elsewhere"}))
    assert taken_at(path) == 5000.0
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as etcd does
        assert abs(taken_at(path) - time.time()) < 60


def test_growth(tmp_path: Path) -> None:
    before, after = written(tmp_path / "a.db", 3, 1000.0), written(tmp_path / "b.db", 7, 4600.0)
    found = grown_since(before, after, look_at(after).levels, Wanted(top=5))
    assert (found.seconds, found.resources[0].live_keys_per_hour) == (3600.0, 4)
    with pytest.raises(Failure, match=r"b\.db cannot be an earlier look at .*a\.db: it is not older") as caught:
        grown_since(after, before, look_at(before).levels, Wanted(top=5))
    assert caught.value.code == "invalid_option"
