# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starts the tool, what differs on a node, and what is done about it."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest
from unit.builders import DATA, FakeRun, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import FileError, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import install, unit_files, zipapp
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install.install import Place

TOOL = "/usr/local/sbin/etcd-maintenance"
CRON = "/etc/cron.d/etcd-maintenance"
METRICS = "/var/lib/prometheus/node-exporter"
TIMER_RUNS = CommandResult(0, "LoadState=loaded\nActiveState=active\nUnitFileState=enabled")

CHOICES: list[tuple[str, str, bool, bool, str]] = [
    ("cron before systemd", "auto", True, True, "cron"),
    ("no cron", "auto", False, True, "systemd"),
    ("no systemd", "auto", True, False, "cron"),
    ("as told", "systemd", True, True, "systemd"),
    ("neither", "auto", False, False, "Neither a cron daemon that reads /etc/cron.d nor systemd runs"),
    ("no cron, which was told", "cron", False, True, "There is no cron daemon that reads /etc/cron.d"),
    ("no systemd, which was told", "systemd", True, False, "There is no systemd on this node"),
]


@pytest.mark.parametrize(("wanted", "cron", "systemd", "expected"), table(CHOICES))
def test_backend(wanted: str, cron: bool, systemd: bool, expected: str) -> None:
    if expected in ("cron", "systemd"):
        assert install.choose_backend(wanted, cron=cron, systemd=systemd) == expected
    else:
        with pytest.raises(Refused, match=expected):
            install.choose_backend(wanted, cron=cron, systemd=systemd)


OURS = unit_files.MARKER.encode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(str(tmp_path), FakeRun({"systemctl show": TIMER_RUNS}))


def write(place: Place, path: str, data: bytes, mode: int = 0o644) -> Path:
    found = Path(place.at(path))
    found.parent.mkdir(parents=True, exist_ok=True)
    found.write_bytes(data)
    found.chmod(mode)
    return found


def test_what_differs_and_then_nothing(place: Place) -> None:
    wanted = {TOOL: zipapp.build("/usr/bin/python3"), CRON: OURS + b"new\n"}
    write(place, CRON, OURS + b"old\n")
    write(place, unit_files.paths()[1], OURS)
    plan = install.make_plan(place, TOOL, wanted, "/srv/metrics")
    assert plan.paths == [CRON, TOOL, unit_files.paths()[1], "/srv/metrics"]
    assert [change.mode for change in plan.changes] == [0o644, 0o755, 0o644]
    assert plan.changes[0].diff()["before"] == unit_files.MARKER + "old\n"
    assert plan.changes[1].diff()["after"].startswith(f"the node tool, {len(wanted[TOOL])} bytes, SHA-256 ")
    assert plan.changes[2].diff()["after"] == ""
    install.apply(place, plan)
    assert place.read(CRON) == wanted[CRON]
    assert place.read(unit_files.paths()[1]) is None
    assert Path(place.at("/srv/metrics")).stat().st_mode & 0o777 == 0o755
    assert install.make_plan(place, TOOL, wanted, "/srv/metrics").paths == []


def test_somebody_elses_file(place: Place) -> None:
    write(place, TOOL, b"#!/bin/sh\n")
    with pytest.raises(Refused) as caught:
        install.make_plan(place, TOOL, {TOOL: b""}, "")
    assert caught.value.as_result() == {
        "code": "foreign_file",
        "text": f"{TOOL} exists and was not written by this module. Move it away, or choose another path.",
    }
    plan = install.make_plan(place, TOOL, {}, "")
    assert (plan.paths, plan.warnings) == ([], [f"{TOOL} was not written by this module, and is left as it is."])


@pytest.mark.parametrize(
    ("shown", "idle"),
    table(
        [
            ("it runs", TIMER_RUNS, False),
            ("not after a reboot", CommandResult(0, TIMER_RUNS.out.replace("=enabled", "=disabled")), True),
            ("stopped", CommandResult(0, TIMER_RUNS.out.replace("=active", "=inactive")), True),
            ("systemd cannot be asked", CommandResult(1, "", "Failed to connect to bus"), True),
        ]
    ),
)
def test_timers_that_do_not_run(tmp_path: Path, shown: CommandResult, idle: bool) -> None:
    run = FakeRun({"systemctl show": shown})
    place = Place(str(tmp_path), run)
    path = f"{unit_files.UNITS}/etcd-maintenance.timer"
    write(place, path, OURS)
    plan = install.make_plan(place, TOOL, {path: OURS}, "")
    assert (plan.paths, plan.idle_timers) == ([], ["etcd-maintenance.timer"] if idle else [])
    run.calls.clear()
    install.apply(place, plan)
    assert run.verbs == ["enable etcd-maintenance.timer", "restart etcd-maintenance.timer"] * idle


def test_what_fails_in_the_middle_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {CRON: OURS}
    plan = install.make_plan(place, TOOL, wanted, "")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(install, "put", full)
    with pytest.raises(FileError, match="No space left") as caught:
        install.apply(place, plan)
    assert caught.value.unchanged == "What was done before stays; run this again."


def test_metrics_of_earlier_calls_go(place: Place) -> None:
    write(place, CRON, OURS + f"* * * * * root {TOOL} watch --textfile-dir=/srv/old\n".encode())
    for directory in ("/srv/old", "/srv/new", METRICS):
        write(place, f"{directory}/etcd_maintenance.prom", b"")
    wanted = {CRON: OURS}
    assert install.make_plan(place, TOOL, wanted, "/srv/new").leftovers == [
        "/srv/old/etcd_maintenance.prom",
        f"{METRICS}/etcd_maintenance.prom",
    ]
    assert install.make_plan(place, TOOL, wanted, "").leftovers == ["/srv/old/etcd_maintenance.prom"]
    assert len(install.make_plan(place, TOOL, {}, "/srv/new").leftovers) == 3


def test_the_tools_own_state_goes(place: Place) -> None:
    state = write(place, "/var/lib/etcd-maintenance/state.json", b"{}").parent
    aside = write(place, "/run/etcd-maintenance/watch.lock", b"").parent
    write(place, "/run/etcd-maintenance/foreign", b"")
    plan = install.make_plan(place, TOOL, {}, "")
    assert plan.leftovers == [
        "/var/lib/etcd-maintenance/state.json",
        "/var/lib/etcd-maintenance",
        "/run/etcd-maintenance/watch.lock",
    ]
    (warning,) = plan.warnings
    assert warning.startswith("/run/etcd-maintenance holds something that the node tool did not write")
    install.apply(place, plan)
    assert not state.exists()
    assert [path.name for path in aside.iterdir()] == ["foreign"]
    install.apply(place, plan)  # the tool was at work, and what it wrote is gone already


def test_the_distributions_python(place: Place) -> None:
    assert place.interpreter() == "/usr/bin/python3"
    old = Place(place.root, FakeRun({"/usr/bin/python3": CommandResult(1, "")}))
    assert old.interpreter() == sys.executable


def test_the_minute_of_a_cluster(place: Place) -> None:
    manifest = "/etc/kubernetes/manifests/etcd.yaml"
    assert install.cluster_minute(place, manifest) == 0
    write(place, manifest, (DATA / "manifests/1.33/quota.manifest").read_bytes())
    assert install.cluster_minute(place, manifest) == 0
    minutes = set()
    for content in ("AAAA", "AAAB"):
        pem = f"-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n"
        write(place, "/etc/kubernetes/pki/etcd/ca.crt", pem.encode())
        minutes.add(install.cluster_minute(place, manifest))
        assert install.cluster_minute(place, manifest) in minutes
    digest = hashlib.sha256(base64.b64decode("AAAA")).hexdigest()
    assert int(digest, 16) % 60 in minutes
    assert len(minutes) == 2
