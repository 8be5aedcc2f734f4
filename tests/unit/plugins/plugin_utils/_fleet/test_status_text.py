# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status in words and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.plugins.plugin_utils._fleet.test_status import NOW, USAGE, results

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status import status_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import Status, Usage
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_text import (
    WIDTH,
    ago,
    size,
    status_lines,
    usage_bar,
)


def status() -> Status:
    return status_of(results(), {"good2": USAGE}, now=NOW)


def one(name: str) -> Status:
    found = status()
    return Status(found.taken_at, tuple(each for each in found.clusters if each.name == name))


def test_one_cluster() -> None:
    lines = status_lines(one("good1"))
    assert lines[17] == ""
    advice = " ".join(lines[18:])
    assert advice.startswith("policyreports.kyverno.io: ")
    assert advice.endswith("docs/usage.md#anything-else.")
    assert lines[:17] == [
        "good1: OK. All 3 members answer, and the fullest uses 50.0 % of its quota.",
        "good1, good2, good3; etcd 3.6.16; leader: cp1; alarms: none; growth: 100.0 MiB per hour since",
        "2026-11-30T00:02:03Z, full in 5 h",
        "",
        "member  role      size       in use     quota       used                frag.  lag  alarm",
        "cp1     leader    500.0 MiB  500.0 MiB  1000.0 MiB  #####.....  50.0 %  0 %    0    none",
        "cp2     follower  500.0 MiB  500.0 MiB  1000.0 MiB  #####.....  50.0 %  0 %    0    none",
        "cp3     follower  500.0 MiB  500.0 MiB  1000.0 MiB  #####.....  50.0 %  0 %    0    none",
        "",
        "node   cert.  probes kill                  kubelet  schedule   last run          last snapshot",
        "good1  200 d  80 s, kubeadm 1.31 or newer  running  installed  2026-11-23 10:00  60 min ago",
        "good2  200 d  80 s, kubeadm 1.31 or newer  running  installed  2026-11-23 10:00  60 min ago",
        "good3  200 d  80 s, kubeadm 1.31 or newer  running  installed  2026-11-23 10:00  60 min ago",
        "",
        "In the database of good2 (500.0 MiB): live 90.0 MiB, history 10.0 MiB, free 400.0 MiB.",
        "what fills it             namespace  live      keys  history  revisions",
        "policyreports.kyverno.io  shop       50.0 MiB  700   1.0 MiB  9",
    ]


def test_a_cluster_that_is_down() -> None:
    lines = status_lines(one("down1"))
    assert lines[:2] == [
        "down1: CRITICAL. No member of this cluster answers (down1: host1 is down).",
        "down1; etcd 3.6.16; leader: none; alarms: none",
    ]
    assert "cp1     down  500.0 MiB  -       1000.0 MiB  #####.....  50.0 %  -      -    -" in lines
    assert "cp1: host1 is down" in lines
    assert lines[-1] == "  [docs/runbook.md#no_member_answers]"


def test_a_fleet_has_one_line_each_and_details_of_what_is_not_well() -> None:
    lines = status_lines(status())
    assert lines[:5] == [
        "cluster  verdict   up   etcd    used                in short",
        "full1    critical  1/1  3.6.16  ##########  99.0 %  The NOSPACE alarm is armed (by cp1).",
        "down1    critical  0/1  3.6.16  #####.....  50.0 %  No member of this cluster answers (down1: hos...",
        "lost     critical  -    -       -                   lost cannot be reached.",
        "good1    ok        3/3  3.6.16  #####.....  50.0 %  All 3 members answer, and the fullest uses 50...",
    ]
    details = [line.partition(":")[0] for line in lines if ": CRITICAL." in line or ": OK." in line]
    assert details == ["full1", "down1", "lost"]
    assert lines[-1] == "Without etcd, and left out: worker."


def test_three_clusters_have_all_details() -> None:
    found = status()
    lines = status_lines(Status(found.taken_at, found.clusters[1:]))
    assert not any(line.startswith("cluster ") for line in lines)
    assert any(line.startswith("good1: OK.") for line in lines)


def test_consumers_are_only_those_that_are_wanted() -> None:
    assert not any("policyreports" in line for line in status_lines(one("good1"), top=0))


HOSTILE = "\x1b[31m\u202eetcd\r\n\x07{{ 1 }}" + "x" * 200


def test_names_of_others_are_text() -> None:
    cluster = one("good1").clusters[0]
    consumer: dict[str, Any] = {**USAGE["consumers"][0], "resource": HOSTILE, "namespace": HOSTILE}
    advice = {
        "resource": HOSTILE,
        "what": HOSTILE,
        "remedy": "",
        "command": "",
        "setting": "",
        "anchor": "docs/usage.md#x",
    }
    finding = replace(status().clusters[0].findings[0], text=HOSTILE)
    member = replace(cluster.members[0], name=HOSTILE, host=HOSTILE, cause=HOSTILE)
    odd = replace(
        cluster,
        name=HOSTILE,
        hosts=(HOSTILE,),
        headline=HOSTILE,
        leader=HOSTILE,
        members=(member,),
        findings=(finding,),
        usage=Usage(HOSTILE, {**USAGE, "consumers": [consumer]}, (advice,)),
    )
    for clusters in ((odd,), (odd,) * 5):
        for line in status_lines(Status("x", clusters, (HOSTILE,))):
            assert line.isprintable()
            assert len(line) <= WIDTH


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (None, "-"),
        (0.0, "..........   0.0 %"),
        (49.9, "#####.....  49.9 %"),
        (100.0, "########## 100.0 %"),
        (250.0, "########## 250.0 %"),
    ],
)
def test_bar(percent: float | None, expected: str) -> None:
    assert usage_bar(percent) == expected


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (None, "-"),
        (0, "0.0 KiB"),
        (20480, "20.0 KiB"),
        (5 << 20, "5.0 MiB"),
        (8 << 30, "8192.0 MiB"),
        (20 << 30, "20.0 GiB"),
    ],
)
def test_size(size_bytes: float | None, expected: str) -> None:
    assert size(size_bytes) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "0 s"), (119.0, "119 s"), (7199.0, "120 min"), (7200.0, "2 h"), (864000.0, "10 d")]
)
def test_ago(seconds: float, expected: str) -> None:
    assert ago(seconds) == expected
