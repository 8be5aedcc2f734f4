# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_schedule: what it writes and for whom, what it refuses, and that it takes all of it away again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from unit.builders import DATA, FakeRun, Json, main_of

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.member import DEFAULTS
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import install, unit_files, zipapp
from ansible_collections.controlplane.etcd.plugins.modules import etcd_schedule

TOOL = "/usr/local/sbin/etcd-maintenance"
CRON = "/etc/cron.d/etcd-maintenance"
METRICS = "/var/lib/prometheus/node-exporter"
UNITS = tuple(path for path in unit_files.paths() if path != CRON)

OPTIONS: Json = {
    "allow_unsafe_version": False,
    "backend": "auto",
    "fragmented_percent": 45.0,
    "full_gain_mib": 32.0,
    "full_percent": 80.0,
    "heal": False,
    "lock_path": "/run/etcd-maintenance.lock",
    **DEFAULTS,
    "min_free_mib": 100.0,
    "schedule": "H */3 * * *",
    "single_member": True,
    "state": "present",
    "textfile_dir": None,
    "tool_path": TOOL,
    "metrics": True,
}

TIMER_RUNS = CommandResult(0, "LoadState=loaded\nActiveState=active\nUnitFileState=enabled")


class Host:
    """A directory that is a host's root, with what runs on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.run = FakeRun({"systemctl show": TIMER_RUNS})
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(etcd_schedule, "ROOT", str(root))
        monkeypatch.setattr(command, "run", self.run)
        self.has(cron=True, systemd=True)
        (root / METRICS[1:]).mkdir(parents=True)

    def has(self, *, cron: bool, systemd: bool) -> None:
        for there, directory in ((cron, "etc/cron.d"), (systemd, "run/systemd/system")):
            if there:
                (self.root / directory).mkdir(parents=True, exist_ok=True)
        self._monkeypatch.setattr(
            process, "running", lambda program, *, of_host: of_host and cron and program == "cron"
        )
        if not systemd and (self.root / "run/systemd/system").is_dir():
            (self.root / "run/systemd/system").rmdir()

    def __call__(self, *, check: bool = False, **changes: object) -> Json:
        self.run.calls.clear()
        result = main_of(etcd_schedule, {**OPTIONS, **changes}, self._monkeypatch, check=check)
        return {"failed": False, "warnings": [], **result}

    def files(self) -> set[str]:
        return {f"/{path.relative_to(self.root)}" for path in self.root.rglob("*") if not path.is_dir()}

    def read(self, path: str) -> str:
        return (self.root / path[1:]).read_bytes().decode("utf-8", "replace")

    def write(self, path: str, text: str) -> None:
        (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path[1:]).write_text(text)

    @property
    def systemctl(self) -> list[str]:
        """What systemd was told to do."""
        return [" ".join(call[1:]) for call in self.run.calls if call[0] == "systemctl" and call[1] != "show"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


@pytest.mark.parametrize(("backend", "files"), [("cron", {CRON}), ("systemd", set(UNITS))])
def test_check_run_check_again_run_again(host: Host, backend: str, files: set[str]) -> None:
    wanted = {TOOL, *files}
    would = host(check=True, backend=backend)
    assert (would["changed"], set(would["files"])) == (True, wanted)
    assert host.files() == set()
    assert host.systemctl == []
    done = host(backend=backend)
    assert (done["changed"], done["backend"], set(done["files"])) == (True, backend, wanted)
    assert done["diff"] == would["diff"]
    assert host.files() == wanted
    for check in (True, False):
        again = host(check=check, backend=backend)
        assert (again["changed"], again["files"], again["diff"]) == (False, [], [])
        assert host.systemctl == []
    for path in wanted:
        assert (host.root / path[1:]).stat().st_mode & 0o777 == (0o755 if path == TOOL else 0o644)

    gone = host(check=True, state="absent")
    assert (gone["changed"], set(gone["files"])) == (True, wanted)
    assert host.files() == wanted
    assert host(state="absent")["changed"] is True
    assert host.files() == set()
    assert host(state="absent")["changed"] is False


def test_each_cluster_has_a_minute_of_its_own(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "cluster_minute", lambda _place, manifest: len(manifest))
    assert host(backend="cron")["changed"] is True
    assert f"\n{len(OPTIONS['manifest'])} */3 * * * root {TOOL} run" in host.read(CRON)
    assert host(backend="systemd", schedule="30 2 * * *")["changed"] is True
    assert "OnCalendar=*-*-* 02:30:00\n" in host.read("/etc/systemd/system/etcd-maintenance.timer")


def test_what_systemd_is_told(host: Host) -> None:
    host(backend="systemd")
    timers = ["etcd-maintenance-watch.timer", "etcd-maintenance.timer"]
    started = [f"{verb} {timer}" for timer in timers for verb in ("enable", "restart")]
    assert host.systemctl == ["daemon-reload", *started]
    # The moments of a timer that runs change only when it is started again.
    assert host(backend="systemd", schedule="30 2 * * *")["files"] == ["/etc/systemd/system/etcd-maintenance.timer"]
    assert host.systemctl == ["daemon-reload", "enable etcd-maintenance.timer", "restart etcd-maintenance.timer"]
    assert "OnCalendar=*-*-* 02:30:00\n" in host.read("/etc/systemd/system/etcd-maintenance.timer")
    # Somebody has stopped them.
    host.run.replies = {
        "systemctl show": CommandResult(0, "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled")
    }
    assert host(check=True, backend="systemd", schedule="30 2 * * *")["changed"] is True
    assert host(backend="systemd", schedule="30 2 * * *")["files"] == []
    assert host.systemctl == started
    host(state="absent")
    assert host.systemctl == [f"disable --now {timer}" for timer in timers] + ["daemon-reload"]


def test_the_other_backend_goes(host: Host) -> None:
    host(backend="systemd")
    assert host()["backend"] == "cron"
    assert host.files() == {TOOL, CRON}
    assert [call for call in host.systemctl if call.startswith("disable --now")] == [
        "disable --now etcd-maintenance-watch.timer",
        "disable --now etcd-maintenance.timer",
    ]
    host(backend="systemd", metrics=False)
    assert host.files() == {TOOL, *(path for path in UNITS if "watch" not in path)}


def test_a_tool_that_was_elsewhere_goes(host: Host) -> None:
    host(tool_path="/opt/bin/etcd-maintenance")
    assert "/opt/bin/etcd-maintenance run" in host.read(CRON)
    host()
    assert host.files() == {TOOL, CRON}
    host(tool_path="/opt/bin/etcd-maintenance", backend="systemd")
    host(state="absent")
    assert host.files() == set()


def test_nobody_to_start_it(host: Host) -> None:
    host.has(cron=False, systemd=False)
    result = host()
    assert result["failed"]
    assert result["msg"].startswith("Installing the node tool was refused. Neither a cron daemon")
    assert result["msg"].endswith(" Nothing was changed. Install cron, or run the tool some other way.")
    assert result["code"] == "no_scheduler"
    assert host.files() == set()


@pytest.mark.parametrize("path", [TOOL, CRON])
def test_the_files_of_others_are_theirs(host: Host, path: str) -> None:
    host.write(path, "#!/bin/sh\necho mine\n")
    result = host()
    assert result["failed"]
    assert f"{path} exists and was not written by this module" in result["msg"]
    assert host.files() == {path}
    gone = host(state="absent")
    assert gone["changed"] is False
    assert gone["warnings"] == [f"{path} was not written by this module, and is left as it is."]
    assert "mine" in host.read(path)


def test_a_link_is_not_followed(host: Host) -> None:
    host()
    target = host.root / "elsewhere"
    (host.root / TOOL[1:]).rename(target)
    (host.root / TOOL[1:]).symlink_to(target)
    assert host()["failed"]
    assert target.exists()


def test_what_has_been_changed_by_hand_comes_back(host: Host) -> None:
    host()
    before = host.read(CRON)
    host.write(CRON, before.replace("*/3", "*/4"))
    (host.root / TOOL[1:]).chmod(0o700)
    result = host()
    assert set(result["files"]) == {TOOL, CRON}
    assert "*/4" in next(each for each in result["diff"] if each["after_header"] == CRON)["before"]
    assert host.read(CRON) == before
    assert (host.root / TOOL[1:]).stat().st_mode & 0o777 == 0o755


def test_absent_takes_memory_and_metrics_along(host: Host) -> None:
    host()
    for name in ("state.json", "lock", ".state.json.4711.part"):
        host.write(f"/var/lib/etcd-maintenance/{name}", "{}")
    host.write("/var/lib/prometheus/node-exporter/etcd_maintenance.prom", "")
    host.write("/var/lib/prometheus/node-exporter/other.prom", "")
    assert set(host(check=True, state="absent")["files"]) == {
        TOOL,
        CRON,
        *(f"/var/lib/etcd-maintenance/{name}" for name in ("state.json", "lock", ".state.json.4711.part")),
        "/var/lib/etcd-maintenance",
        "/var/lib/prometheus/node-exporter/etcd_maintenance.prom",
    }
    host(state="absent")
    assert host.files() == {"/var/lib/prometheus/node-exporter/other.prom"}
    assert not (host.root / "var/lib/etcd-maintenance").exists()
    host.write("/srv/metrics/etcd_maintenance.prom", "")
    host(state="absent", textfile_dir="/srv/metrics")
    assert "/srv/metrics/etcd_maintenance.prom" not in host.files()


def test_absent_leaves_what_others_have_put_there(host: Host) -> None:
    """Also if nothing was ever installed."""
    host.write("/var/lib/etcd-maintenance/backup.db", "dear")
    for again in range(2):
        gone = host(state="absent")
        assert gone["warnings"] == [
            "/var/lib/etcd-maintenance holds something that the node tool did not write, and is left there."
        ]
        assert (gone["changed"], gone["files"]) == (False, []), again
    host()
    host.write("/var/lib/etcd-maintenance/state.json", "{}")
    assert "/var/lib/etcd-maintenance/state.json" in host(state="absent")["files"]
    assert host.files() == {"/var/lib/etcd-maintenance/backup.db"}


def test_a_memory_that_is_a_link_is_not_removed(host: Host) -> None:
    host.write("/srv/elsewhere/state.json", "{}")
    (host.root / "var/lib/etcd-maintenance").symlink_to(host.root / "srv/elsewhere")
    assert host(state="absent")["warnings"]
    assert (host.root / "srv/elsewhere").is_dir()


def test_metrics_that_nobody_writes_any_more_go(host: Host) -> None:
    """Old ones would be served for ever."""
    host.write(f"{METRICS}/etcd_maintenance.prom", "")
    would = host(check=True, textfile_dir="/srv/metrics")
    assert {"/srv/metrics", f"{METRICS}/etcd_maintenance.prom"} <= set(would["files"])
    assert not (host.root / "srv").exists()
    assert host(textfile_dir="/srv/metrics")["files"] == would["files"]
    assert (host.root / "srv/metrics").stat().st_mode & 0o777 == 0o755
    assert f"{METRICS}/etcd_maintenance.prom" not in host.files()
    host.write("/srv/metrics/etcd_maintenance.prom", "")
    host.write("/srv/metrics/other.prom", "")
    assert host(textfile_dir="/srv/metrics")["changed"] is False
    # Back to the usual directories: those of the old one go.
    assert "/srv/metrics/etcd_maintenance.prom" in host()["files"]
    host.write(f"{METRICS}/etcd_maintenance.prom", "")
    assert host()["changed"] is False
    # And if nobody says again which one it was.
    host(textfile_dir="/srv/metrics", backend="systemd")
    host.write("/srv/metrics/etcd_maintenance.prom", "")
    host(state="absent")
    assert host.files() == {"/srv/metrics/other.prom"}


def test_no_directory_for_metrics(host: Host) -> None:
    (host.root / METRICS[1:]).rmdir()
    (warning,) = host()["warnings"]
    assert warning.startswith(f"No metrics are written: none of node-exporter's usual folders ({METRICS}, ")
    for options in ({"metrics": False}, {"textfile_dir": "/srv/metrics"}, {"state": "absent"}):
        assert host(**options)["warnings"] == []


@pytest.mark.parametrize(("version", "never"), [("1.20", True), ("1.22", True), ("1.30", False), ("1.37", False)])
def test_probes_that_would_refuse_every_healing(host: Host, version: str, never: bool) -> None:
    host.write("/etc/kubernetes/manifests/etcd.yaml", (DATA / "manifests" / version / "plain.manifest").read_text())
    warnings = host(heal=True)["warnings"]
    assert ["a full etcd is never healed by itself: its liveness probe (/health)" in each for each in warnings] == [
        True
    ] * never
    assert host()["warnings"] == []


def test_no_manifest_is_no_warning(host: Host) -> None:
    assert host(heal=True)["warnings"] == []
    host.write("/etc/kubernetes/manifests/etcd.yaml", "{")
    assert host(heal=True)["warnings"] == []


def test_other_jobs_are_named(host: Host) -> None:
    host.write("/etc/cron.d/etcd-defrag", "# etcdctl defrag\n\n0 4 * * * root etcdctl --user=root:secret defrag\n")
    host.write("/var/spool/cron/crontabs/root", "0 4 * * * /root/defrag.sh\n")
    host.write("/etc/systemd/system/e.service", "[Service]\nExecStart=/bin/etcd-defrag --cluster\n")
    host.write("/var/spool/cron/tabs/root", "0 4 * * * etcdctl defrag\n")
    host.write("/usr/lib/systemd/system/etcd-defrag.timer", "[Timer]\nOnCalendar=daily\n")
    host.write("/etc/cron.daily/etcd_defrag", "#!/bin/sh\n/opt/tidy\n")
    host.write("/etc/cron.daily/etcd-defrag-off", "# not any more\n")
    host.write("/etc/cron.daily/disks", "btrfs filesystem defragment /\ne4defrag /\n")
    result = host()
    assert result["other_jobs"] == [
        {"path": "/etc/cron.d/etcd-defrag", "line": 3},
        {"path": "/etc/cron.daily/etcd_defrag", "line": 1},
        {"path": "/var/spool/cron/crontabs/root", "line": 1},
        {"path": "/var/spool/cron/tabs/root", "line": 1},
        {"path": "/etc/systemd/system/e.service", "line": 2},
        {"path": "/usr/lib/systemd/system/etcd-defrag.timer", "line": 1},
    ]
    assert "/etc/cron.d/etcd-defrag line 3" in result["warnings"][0]
    assert "secret" not in str(result)
    # Its own files, which a second call finds, are none of them.
    assert len(host()["other_jobs"]) == 6


def test_the_python_that_runs_it(host: Host) -> None:
    host()
    assert host.read(TOOL).startswith("#!/usr/bin/python3 -I\n")
    host.run.replies = {"/usr/bin/python3": CommandResult(1, "")}
    assert host()["files"] == [TOOL]
    first = host.read(TOOL).partition("\n")[0]
    # This one, which Ansible was told to use.
    assert first != "#!/usr/bin/python3 -I"
    done = subprocess.run([str(host.root / TOOL[1:]), "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:24]) == (0, "usage: etcd-maintenance ")
    assert zipapp.is_ours((host.root / TOOL[1:]).read_bytes())


def test_systemd_that_refuses(host: Host) -> None:
    host.run.replies = {"systemctl show": TIMER_RUNS, "systemctl enable": CommandResult(1, "Access denied.")}
    result = host(backend="systemd")
    assert result["failed"]
    assert "systemctl enable etcd-maintenance-watch.timer failed: Access denied. What was done before" in result["msg"]
