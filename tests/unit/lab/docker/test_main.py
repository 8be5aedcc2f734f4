# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of nodes in Docker."""

from __future__ import annotations

import pytest

from lab.docker import __main__ as command_line
from lab.errors import DockerError


@pytest.mark.parametrize(("ran", "released"), [(True, 0), (False, 1)], ids=["of others", "its own"])
def test_nodes_that_cannot_be_made_take_no_engine_of_others_along(
    monkeypatch: pytest.MonkeyPatch, ran: bool, released: int
) -> None:
    calls: list[str] = []

    def up(*_arguments: object, **_options: object) -> None:
        raise DockerError("cp1 does not boot")

    monkeypatch.setattr(command_line.engine, "find", lambda: ran)
    monkeypatch.setattr(command_line.engine, "obtain", lambda: None)
    monkeypatch.setattr(command_line.engine, "release", lambda: calls.append("release"))
    monkeypatch.setattr(command_line.cluster, "up", up)
    monkeypatch.setattr(command_line.cluster, "down", lambda _name: None)
    assert command_line.main(["up"]) == 1
    assert len(calls) == released
