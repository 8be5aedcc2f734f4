# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what the modules returned to a document and lines."""

from __future__ import annotations

from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from unit.plugins.plugin_utils._fleet.test_status import NOW, USAGE, results

from ansible_collections.controlplane.etcd.plugins.filter._status import FilterModule, status


def test_document_lines_and_failure() -> None:
    found = status(results(), {"good2": USAGE}, now=NOW, top=1, fail="critical")
    assert found["document"]["verdict"] == "critical"
    assert [each["name"] for each in found["document"]["clusters"]] == ["full1", "down1", "lost", "good1"]
    assert found["lines"][0].startswith("cluster ")
    assert found["failure"] == "status_fail=critical: 3 of 4 clusters: full1, down1, lost."
    assert status(results(), now=NOW)["failure"] == ""


def test_keys_of_others_are_no_templates() -> None:
    key = "{{ lookup('ansible.builtin.pipe', 'exit 1') }}"
    usage: dict[str, Any] = {**USAGE, "consumers": [{**USAGE["consumers"][0], "resource": key}]}
    only = {host: each for host, each in results().items() if host.startswith("good")}
    found = status(only, {"good2": usage}, now=NOW)
    templar = Templar(loader=DataLoader(), variables={"found": found})
    (line,) = [line for line in templar.template(found["lines"]) if "lookup" in line]
    assert line.startswith("{{ lookup(")
    (cluster,) = templar.template(found["document"])["clusters"]
    assert cluster["usage"]["record"]["consumers"][0]["resource"] == key


def test_filter() -> None:
    assert FilterModule().filters() == {"_status": status}
