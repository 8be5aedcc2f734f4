# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs without which a test cannot run: it is skipped, and fails in CI if every machine can have them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from lab import programs
from lab.errors import ProgramMissingError

T = TypeVar("T")


def etcd(version: str) -> Path:
    """Return the directory of this version's programs; an old one is a package of one distribution alone."""
    return _needed(lambda: programs.etcd(version), f"etcd {version}", everywhere=programs.can_be_built(version))


def kubernetes(version: str) -> Path:
    """Return the directory of this version's programs."""
    return _needed(lambda: programs.kubernetes(version), f"Kubernetes {version}")


def promtool() -> str:
    """Return Prometheus' own tool."""
    return str(_needed(programs.promtool, "promtool"))


def node_exporter() -> str:
    """Return Prometheus' own program."""
    return str(_needed(programs.node_exporter, "node-exporter"))


def _needed(obtain: Callable[[], T], name: str, *, everywhere: bool = True) -> T:
    try:
        return obtain()
    except ProgramMissingError as error:
        told = f"{name} cannot be had here: {error}"
    if everywhere and os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)
