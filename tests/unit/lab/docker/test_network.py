# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the nodes."""

from __future__ import annotations

import pytest

from lab.docker import network
from lab.errors import CommandFailedError, DockerError


def test_what_docker_says_against_a_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: str) -> str:
        raise CommandFailedError("could not find an available bridge")

    monkeypatch.setattr(network, "_networks", list)
    monkeypatch.setattr(network, "docker", refuse)
    with pytest.raises(DockerError, match="or is refused: could not find an available bridge"):
        network.create("dev", "label")
