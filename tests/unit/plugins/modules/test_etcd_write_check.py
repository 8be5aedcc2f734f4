# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_write_check: what it returns, and how it fails."""

from __future__ import annotations

import pytest
from unit.builders import MIB, member, table, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.hashes import Comparison
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import Baseline, Write, WriteCheck
from ansible_collections.controlplane.etcd.plugins.modules import etcd_write_check

SILENT = view(member(1), member(2, error="down"))

CHECKS: list[tuple[str, bool, list[str], list[str]]] = [
    ("run", False, ["cp1"], ["cp2 does not answer (down)."]),
    ("check mode: nothing is said again", True, [], []),
]


@pytest.mark.parametrize(("check", "writes", "findings"), table(CHECKS))
def test_check(monkeypatch: pytest.MonkeyPatch, check: bool, writes: list[str], findings: list[str]) -> None:
    asked: list[float] = []

    def check_writes(
        _inspect: object, _connect: object, *, settle_seconds: float, baseline: Baseline | None
    ) -> WriteCheck:
        assert baseline is None
        asked.append(settle_seconds)
        return WriteCheck(
            (Write("cp1", True, ""), Write("cp3", False, "no")), Baseline.of(SILENT), SILENT, 10.0, Comparison(None), ()
        )

    monkeypatch.setattr(etcd_write_check, "check_writes", check_writes)
    module, member_ = FakeModule(check=check, settle_seconds=7.0, baseline=None), FakeMember(SILENT)
    result = etcd_write_check.check(module, member_)  # type: ignore[arg-type]  # both are made
    assert asked == ([] if check else [7.0])
    assert (result["changed"], result["writes"], result["findings"]) == (False, writes, findings)
    assert (result["baseline"] is None) is check
    assert (result["growth_bytes_per_minute"], result["minutes_to_full"], result["hashes_agree"]) == (0.0, None, None)


def test_check_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = WriteCheck((), Baseline.of(SILENT), SILENT, 0.0, Comparison(None), ("there is no leader", "and more"))
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: failed)
    with pytest.raises(errors.WriteRefused, match=r"^there is no leader; and more$"):
        etcd_write_check.check(FakeModule(settle_seconds=0.0, baseline=None), FakeMember(SILENT))  # type: ignore[arg-type]  # both are made


def test_growth_is_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = view(member(1)), view(member(1, in_use=100 * MIB + 100))
    done = WriteCheck((), Baseline.of(before), after, 7.0, Comparison(True), ())
    monkeypatch.setattr(etcd_write_check, "check_writes", lambda *_arguments, **_options: done)
    result = etcd_write_check.check(FakeModule(settle_seconds=7.0, baseline=None), FakeMember(after))  # type: ignore[arg-type]  # both are made
    assert (result["growth_bytes_per_minute"], result["minutes_to_full"]) == (857.1, 611669.3)
    assert result["hashes_agree"] is True
