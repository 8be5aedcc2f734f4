# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import yaml
from unit.architecture.sources import ROOT

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.links import REPOSITORY, documentation


@pytest.mark.parametrize(
    ("anchor", "linked"),
    [
        ("docs/runbook.md", True),
        ("docs/usage.md#events", True),
        ("README.md", True),
        ("", False),
        ("https://example.org/docs/runbook.md", False),
        ("docs/../../x.md", False),
        ("docs/runbook.md#a b", False),
        ("docs/runbook.md#a\n", False),
    ],
)
def test_only_pages_of_this_collection_are_linked(anchor: str, linked: bool) -> None:
    assert documentation(anchor) == (f"{REPOSITORY}/blob/main/{anchor}" if linked else "")


def test_the_repository_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["repository"] == REPOSITORY
