# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from unit.status_documents import MIB, cluster, full_cluster, usage

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import Part
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.usage import growth_section, usage_section


def test_resources_have_what_helps_beside_them() -> None:
    section = usage_section(Part(usage()))
    assert section is not None
    rows = {row[0].text: row for row in section.resources.rows}
    assert rows["events"][-1].commands == ("kubectl get events --all-namespaces --sort-by=.count", "--event-ttl=30m")
    assert rows["events"][-1].href.endswith("docs/usage.md#events")
    assert rows["secrets"][-1].text == ""
    assert [each.text for each in rows["policyreports.kyverno.io"][1:5]] == [
        "612.4 MiB",
        "488.2 MiB",
        "48\u202f211",
        "49 %",
    ]


def test_advice_on_all_of_it_stands_below_the_table() -> None:
    history = {
        "group": "*",
        "resource": "*",
        "what": "Old revisions.",
        "remedy": "Compact.",
        "command": "",
        "setting": "",
    }
    section = usage_section(Part(usage() | {"advice": [history]}))
    assert section is not None
    assert [each.text for each in section.advice] == ["Old revisions. Compact."]
    assert len(section.resources.columns) == 5


def test_without_advice_and_without_history() -> None:
    used = usage() | {"advice": []}
    used["record"]["total"] |= {"history_bytes": 0, "history_revisions": 0}
    section = usage_section(Part(used))
    assert section is not None
    assert [each.title for each in section.resources.columns] == ["Resource", "Live", "History", "Keys", "Of all"]
    assert "There is no history." in section.summary


def test_lists_that_are_empty_are_not_shown() -> None:
    used = usage()
    used["record"] |= {"largest": [], "hottest": None, "namespaces": []}
    section = usage_section(Part(used))
    assert section is not None
    assert [each.caption for each in section.lists] == ["Resources in one namespace"]


def test_what_moved_meanwhile_is_said() -> None:
    used = usage("cp2")
    used["record"]["consistent"] = False
    used["record"]["total"] |= {"managed_fields_bytes": 100 * MIB, "encrypted_keys": 4_000}
    section = usage_section(Part(used))
    assert section is not None
    assert "on cp2 while etcd wrote to it: the numbers may be off" in section.summary
    assert "managedFields take 100.0 MiB of the live data." in section.summary
    assert "4\u202f000 values are encrypted" in section.summary


@pytest.mark.parametrize("body", [None, {}, {"host": "cp1", "record": None}])
def test_no_section_without_a_file(body: object) -> None:
    assert usage_section(Part(body)) is None


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (
            {"bytes_per_hour": 31 * MIB, "seconds_to_full": 7_200.0, "since": "today"},
            "The database grew by 31.0 MiB per hour since today. At that rate it is full in about 2 hours.",
        ),
        (
            {"bytes_per_hour": MIB, "seconds_to_full": 0, "since": ""},
            "The database grew by 1.0 MiB per hour. It is full.",
        ),
        ({"bytes_per_hour": MIB, "seconds_to_full": None, "since": None}, "The database grew by 1.0 MiB per hour."),
        (
            {"bytes_per_hour": 0, "seconds_to_full": None, "since": "2026-11-29T23:02:03Z"},
            "The database has not grown since 2026-11-29 23:02 UTC.",
        ),
        ({"bytes_per_hour": None, "since": ""}, "How fast the database grows is not known."),
    ],
)
def test_growth_in_a_sentence(growth: dict[str, object], said: str) -> None:
    section = growth_section(Part(cluster("cp", growth=growth)))
    assert section is not None
    assert section.summary == said
    assert section.tables == ()


def test_growth_by_resource() -> None:
    section = growth_section(Part(full_cluster()))
    assert section is not None
    (table,) = section.tables
    assert [each.text for each in table.rows[0]] == ["events", "+12.2 MiB", "+24\u202f110", "+72\u202f330"]


def test_growth_between_two_files_alone() -> None:
    section = growth_section(Part({**full_cluster(), "growth": None}))
    assert section is not None
    assert section.summary == "The database grew by 31.0 MiB per hour over 2 hours."


def test_nothing_is_known_of_growth() -> None:
    assert growth_section(Part(cluster("cp"))) is None
