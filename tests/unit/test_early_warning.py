# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules and dashboard hold together: with the metrics there are, with their page of the docs, with themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import metrics

ROOT = Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((ROOT / "roles/harden/files/etcd-maintenance.rules.yml").read_text("utf-8"))
DASHBOARD = json.loads((ROOT / "roles/harden/files/etcd-maintenance.dashboard.json").read_text("utf-8"))
DOCS = ROOT / "docs/early-warning.md"
CASES = sorted((ROOT / "tests/alerts").glob("*.yml"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
IDS = [f"{alert['alert']}-{alert['labels']['severity']}" for alert in ALERTS]

METRICS = {metrics.PREFIX + name for name in metrics.HELP}
METRIC = re.compile(r"\betcd_maintenance_\w+")


def strings(value: Any) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def metrics_in(value: Any) -> set[str]:
    return {name for text in strings(value) for name in METRIC.findall(text)}


def datasources(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "datasource" in value:
            yield value["datasource"]
        for each in value.values():
            yield from datasources(each)
    elif isinstance(value, list):
        for each in value:
            yield from datasources(each)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")


@pytest.mark.parametrize("shipped", [RULES, DASHBOARD, [yaml.safe_load(path.read_text("utf-8")) for path in CASES]])
def test_only_metrics_that_there_are(shipped: Any) -> None:
    assert metrics_in(shipped)
    assert metrics_in(shipped) <= METRICS


def test_every_metric_is_shown() -> None:
    assert metrics_in(DASHBOARD) == METRICS


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_an_alert_says_what_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"EtcdMaintenance([A-Z][a-z]+)+", alert["alert"])
    assert set(alert["labels"]) == {"severity"}
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    # The summary is the same for all that fires together, so that notifications can be grouped.
    assert "{{" not in alert["annotations"]["summary"]
    # What speaks of one node names it.
    of_a_node = not alert["expr"].startswith(("absent(", "max by (cluster) ("))
    assert ("$labels.instance" in alert["annotations"]["description"]) == of_a_node


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_an_alert_has_its_place_in_the_docs(alert: dict[str, Any]) -> None:
    repository = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["repository"]
    url, _hash, place = alert["annotations"]["runbook_url"].partition("#")
    assert url == f"{repository}/blob/main/{DOCS.relative_to(ROOT)}"
    headings = re.findall(r"^#+ (.+)$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert place == anchor(alert["alert"])
    assert place in map(anchor, headings)


def test_the_docs_know_no_other_alert() -> None:
    assert set(re.findall(r"EtcdMaintenance\w+", DOCS.read_text("utf-8"))) == {alert["alert"] for alert in ALERTS}


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    fires = set()
    for path in CASES:
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for check in case.get("alert_rule_test", []):
                fires |= {(check["alertname"], alert["exp_labels"]["severity"]) for alert in check["exp_alerts"]}
    assert fires == {(alert["alert"], alert["labels"]["severity"]) for alert in ALERTS}


def test_every_case_reads_the_rules_that_are_shipped() -> None:
    for path in CASES:
        (rules,) = yaml.safe_load(path.read_text("utf-8"))["rule_files"]
        assert yaml.safe_load((path.parent / rules).read_text("utf-8")) == RULES


def test_the_dashboard_asks_the_chosen_data_source_only() -> None:
    (chosen,) = [each for each in DASHBOARD["templating"]["list"] if each["type"] == "datasource"]
    assert chosen["query"] == "prometheus"
    asked = list(datasources(DASHBOARD))
    assert len(asked) > len(DASHBOARD["panels"])
    assert all(each == {"type": "prometheus", "uid": f"${{{chosen['name']}}}"} for each in asked)
    # An export "for sharing externally" would want inputs that provisioning does not fill in.
    assert "__inputs" not in DASHBOARD
    assert "${DS_" not in json.dumps(DASHBOARD)


def test_the_dashboard_uses_every_variable_and_no_other() -> None:
    defined = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = {name for text in strings(DASHBOARD) for name in re.findall(r"\$\{?([a-z]\w*)", text)}
    assert used == defined


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x + place["x"], y + place["y"]) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_the_dashboard_is_one_that_provisioning_takes() -> None:
    assert DASHBOARD["schemaVersion"] >= 38
    assert DASHBOARD["uid"]
    # Grafana sets it; one from elsewhere would collide.
    assert "id" not in DASHBOARD


def test_the_limits_are_the_same_on_the_dashboard() -> None:
    levels = {float(limit) for alert in ALERTS for limit in re.findall(r">= (0\.\d+)", alert["expr"])}
    shown = {
        step["value"]
        for panel in DASHBOARD["panels"]
        for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        if step["value"] and step["value"] < 1
    }
    assert levels == shown
