# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that switches a gateway off."""

from __future__ import annotations

import pytest

from lab.docker.installations import INSTALLATIONS
from lab.docker.installations.base import GatewayOff
from lab.errors import DockerError


@pytest.mark.parametrize(
    ("after", "text", "expected"),
    [
        pytest.param("", "a\nb\n", "a\nb\nx: off\n", id="at the end"),
        pytest.param("a", "a\nb\n", "a\nx: off\nb\n", id="behind a line"),
        pytest.param("a", "a\nb\nx: off\n", "a\nx: off\nb\n", id="once"),
    ],
)
def test_the_line_has_its_place_and_is_taken_away_again(after: str, text: str, expected: str) -> None:
    off = GatewayOff("/etc/x", "x: off", after)
    assert off.edited(text, on=False) == expected
    assert off.edited(expected, on=True) == "a\nb\n"


def test_without_its_place_nothing_is_written() -> None:
    with pytest.raises(DockerError, match="/etc/x has no line 'c'"):
        GatewayOff("/etc/x", "x: off", "c").edited("a\nb\n", on=False)


@pytest.mark.parametrize("installation", INSTALLATIONS.values(), ids=INSTALLATIONS)
def test_every_etcd_of_an_installation_has_its_line(installation: object) -> None:
    assert len(installation.gateways_off) == len(installation.etcds)  # type: ignore[attr-defined]
