# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second etcd of Kubernetes on the same hosts, for its events: a cluster of its own, recovered in the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support.ansible_commands import Run
from integration.support.recovery import FOREVER, QUICK, assert_full, assert_recovered, full_cluster, inventory, state
from integration.support.unit_hosts import python_with_units
from lab.client import Alarm
from lab.inventory import GROUP
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

MAIN, EVENTS = "etcd.service", "etcd-events.service"
SECOND = f"cp1/{EVENTS}"


def _inventory(directory: Path, main: Cluster, events: Cluster) -> Path:
    """Hosts named after the members of ``main``, each with one of ``events``, too."""
    path = inventory(directory / "hosts.yml", main)
    content = yaml.safe_load(path.read_text("utf-8"))
    for node, second in zip(main.nodes, events.nodes, strict=True):
        own = content[GROUP]["hosts"][node.name]
        python = python_with_units(directory / "units" / node.name, {MAIN: node, EVENTS: second})
        own["ansible_python_interpreter"] = str(python)
        del own["recover_manifest"]  # so that they are searched for
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


def _outcomes(path: Path) -> dict[str, Any]:
    clusters = json.loads(path.read_text("utf-8"))["clusters"]
    return {name: each["outcome"] for name, each in clusters.items()}


def test_both_are_recovered(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    main, events = full_cluster(make_cluster), full_cluster(make_cluster, prefix="events")
    hosts, path = _inventory(tmp_path, main, events), tmp_path / "result.json"
    variables = {**QUICK, "recover_result_file": str(path), "recover_report": str(tmp_path / "report.html")}
    before = state(main, events)

    run = playbook(hosts, check=True, extra_vars=variables)
    assert run.rc == 0, run.out
    assert state(main, events) == before
    assert _outcomes(path) == {"cp1": "recovered", SECOND: "recovered"}

    run = playbook(hosts, extra_vars=variables)
    assert run.rc == 0, run.out
    assert_recovered(main, events)
    assert _outcomes(path) == {"cp1": "recovered", SECOND: "recovered"}
    first, second = run.flat.index("Recovered in"), run.flat.rindex("Recovered in")
    assert first < run.flat.index(f"{EVENTS} of cp1, cp2, cp3, the second etcd of Kubernetes") < second
    page = (tmp_path / "report.html").read_text("utf-8")
    assert all(page.count(f'-name">{name} ') == 1 for name in ("cp1", SECOND))

    run = playbook(hosts, extra_vars=variables)
    assert run.rc == 0, run.out
    assert [each["changed"] for each in run.recap.values()] == [0, 0, 0]
    assert _outcomes(path) == {"cp1": "nothing_to_do", SECOND: "nothing_to_do"}


def _make_corrupt(main: Cluster) -> None:
    with main.leader().client() as client:
        client.arm(Alarm(client.status().member_id, "CORRUPT"))


def _fill_with_live_data(main: Cluster) -> None:
    fill(main, live_fraction=0.97, keys_per_txn=8, event_ttl=FOREVER)


@pytest.mark.parametrize(("harm", "outcome"), [(_make_corrupt, "refused"), (_fill_with_live_data, "failed")])
def test_the_second_one_does_not_depend_on_the_first(
    make_cluster: MakeCluster,
    playbook: Playbook,
    tmp_path: Path,
    harm: Callable[[Cluster], None],
    outcome: str,
) -> None:
    main, events = make_cluster(members=1), full_cluster(make_cluster, prefix="events", members=1)
    harm(main)
    hosts, path = _inventory(tmp_path, main, events), tmp_path / "result.json"

    run = playbook(hosts, extra_vars={**QUICK, "recover_result_file": str(path)})
    assert run.rc == 2, run.out
    assert _outcomes(path) == {"cp1": outcome, SECOND: "recovered"}
    assert_recovered(events)
    assert "The work on the first etcd of this cluster ended with the failure above." in run.flat
    assert "Recovered in" in run.flat


def test_one_that_is_named_is_the_only_one(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    main = full_cluster(make_cluster, members=1)
    events = full_cluster(make_cluster, prefix="events", members=1)
    hosts, path = _inventory(tmp_path, main, events), tmp_path / "result.json"

    run = playbook(hosts, extra_vars={**QUICK, "recover_result_file": str(path), "recover_manifest": EVENTS})
    assert run.rc == 0, run.out
    assert _outcomes(path) == {SECOND: "recovered"}
    assert_recovered(events)
    assert_full(main)
