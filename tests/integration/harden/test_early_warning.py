# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules and dashboard before the real promtool, and how they get to their directory."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from integration.support import needed
from integration.support.ansible_commands import Run
from integration.support.settings import REPOSITORY

FILES = REPOSITORY / "roles/harden/files"
RULES = FILES / "etcd-maintenance.rules.yml"
DASHBOARD = FILES / "etcd-maintenance.dashboard.json"
CASES = sorted((REPOSITORY / "tests/alerts").glob("*.yml"))

# The labels that some metrics have beside node-exporter's own.
RESOURCE = 'group="",resource="pods"'
LABELS = {
    "etcd_maintenance_alarm": 'type="NOSPACE"',
    "etcd_maintenance_version_info": 'version="3.5.24"',
    "etcd_maintenance_resource_live_bytes": RESOURCE,
    "etcd_maintenance_resource_history_bytes": RESOURCE,
    "etcd_maintenance_resource_live_growth_bytes_per_hour": RESOURCE,
}

INSTALL = """\
- name: Only the early warning
  hosts: all
  gather_facts: false
  tasks:
    - name: Install it
      ansible.builtin.include_role:
        name: controlplane.etcd.harden
        tasks_from: monitoring
"""


@pytest.fixture(scope="module")
def promtool() -> str:
    return needed.promtool()


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rules(promtool: str) -> None:
    run(promtool, "check", "rules", str(RULES))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(promtool: str, path: Path) -> None:
    run(promtool, "test", "rules", str(path))


def test_there_are_cases() -> None:
    assert len(CASES) >= 7


def test_every_query_of_the_dashboard_finds_something(promtool: str, tmp_path: Path) -> None:
    text = DASHBOARD.read_text("utf-8")
    panels = json.loads(text)["panels"]
    series = []
    for name in sorted(set(re.findall(r"etcd_maintenance_\w+", text))):
        labels = ", ".join(filter(None, ['job="node"', 'instance="cp1"', LABELS.get(name)]))
        # All of it grows, far below the quota, so that no panel is empty.
        values = "1000000000+0x120" if name == "etcd_maintenance_quota_bytes" else "1000+1x120"
        series.append({"series": f"{name}{{{labels}}}", "values": values})
    found = [
        {
            "expr": f"count({expression.replace('$instance', '.*')}) > bool 0",
            "eval_time": "2h",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for expression in (target["expr"] for panel in panels for target in panel["targets"])
    ]
    assert len(found) >= 20
    case = {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": found}]}
    written = tmp_path / "dashboard.yml"
    written.write_text(yaml.safe_dump(case), "utf-8")
    run(promtool, "test", "rules", str(written))


def test_installing(playbook: Callable[..., Run], tmp_path: Path) -> None:
    play = tmp_path / "install.yml"
    play.write_text(INSTALL, "utf-8")
    rules, dashboards = tmp_path / "rules", tmp_path / "dashboards"
    rules.mkdir()
    dashboards.mkdir()
    hosts = tmp_path / "hosts.yml"
    hosts.write_text("all: {vars: {ansible_connection: local}, hosts: {cp1: {}, cp2: {}}}", "utf-8")

    def install(*, check: bool = False, where: Path | str = rules, panels: Path | str = dashboards) -> int:
        settings = {
            "harden_rules_dir": str(where),
            "harden_dashboard_dir": str(panels),
            "harden_monitoring_host": "localhost",
        }
        done = playbook(hosts, check=check, extra_vars=settings, name=str(play))
        assert done.rc == 0, done.out
        return sum(host["changed"] for host in done.recap.values())

    assert install(where="", panels="") == 0
    assert install(check=True) == 2
    assert not list(rules.iterdir()) + list(dashboards.iterdir())
    assert install() == 2
    assert (rules / RULES.name).read_bytes() == RULES.read_bytes()
    assert (dashboards / DASHBOARD.name).read_bytes() == DASHBOARD.read_bytes()
    assert install(check=True) == 0
    assert install() == 0
    # What somebody made of the limits is kept, under a name that no Prometheus reads.
    (rules / RULES.name).write_text("groups: []\n", "utf-8")
    assert install() == 1
    assert (rules / RULES.name).read_bytes() == RULES.read_bytes()
    (kept,) = [path for path in rules.iterdir() if path.name != RULES.name]
    assert kept.read_text("utf-8") == "groups: []\n"
    assert not kept.name.endswith(".yml")
