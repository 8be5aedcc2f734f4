# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the node tool."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import (
    cli,
)


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the status would say that there never was a run."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError

    monkeypatch.setattr("builtins.open", refuse)
    assert cli.main(["status", "--manifest=/m"]) == 1
    assert capsys.readouterr().out == "etcd-maintenance needs root: /m cannot be read. Nothing was done.\n"
