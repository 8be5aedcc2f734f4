# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line."""

from __future__ import annotations

import pytest

import lab.__main__
from lab import cli, programs
from lab.errors import ProgramMissingError


@pytest.mark.parametrize(("missing", "code"), [("3.4.23", 0), ("3.6.16", 1)], ids=["Debian's", "one that is built"])
def test_only_what_is_debians_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str, code: int
) -> None:
    def obtain(version: str) -> str:
        if version == missing:
            raise ProgramMissingError("it cannot be had")
        return version

    monkeypatch.setattr(cli, "exit_on_signals", lambda: None)
    monkeypatch.setitem(lab.__main__._PROGRAM_SETS, "etcd", (obtain, programs.pinned_versions))
    assert lab.__main__.main(["programs", "etcd"]) == code
    said = capsys.readouterr()
    assert set(said.out.split()) == {*programs.pinned_versions()} - {missing}
    assert f"going on without etcd {missing}: it cannot be had" in said.err
