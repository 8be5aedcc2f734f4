# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for systemd where there is none: it starts the real etcd of a node as a unit of its own does, or a server
of RKE2 or k3s. Real units are tried on nodes, in scenarios.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from integration.support.module_calls import call_module
from lab import programs
from lab.docker.on_nodes import rke2
from lab.loopback import manifest
from lab.loopback.member import MemberProcess
from lab.loopback.process import Process

ROOT = "ansible_collections.controlplane.etcd.plugins.module_utils"


class StandIn:
    """systemd with one unit, whose etcd it starts and ends."""

    unit = "etcd.service"

    def __init__(self, node: MemberProcess) -> None:
        """Take over the node's etcd, with the flags of its manifest."""
        self._node = node
        self._etcd: Process | None = None
        self.program = str(programs.etcd(node.version) / "etcd")
        self.restarts = 0
        words = manifest.read_container(node.manifest).command[1:]
        self.flags = dict(word.removeprefix("--").split("=", 1) for word in words) | {"name": node.name}
        node.stop()

    @property
    def pid(self) -> int:
        """That of its etcd, also after it has exited."""
        assert self._etcd
        return self._etcd.pid

    @property
    def running(self) -> bool:
        """Whether its etcd runs."""
        return self._etcd is not None and self._etcd.running

    @property
    def log(self) -> Path:
        """Where its etcd writes."""
        return self._node.log

    def start(self) -> None:
        """Start what the unit starts."""
        raise NotImplementedError

    def restart(self) -> None:
        """Restart the unit, as it is configured by now."""
        self.end()
        self.start()

    def end(self) -> None:
        """End etcd."""
        if self._etcd:
            self._etcd.terminate()
            self._etcd.wait(15.0)

    def shown(self) -> dict[str, object]:
        """What ``systemctl show`` prints, beside what is so for all of them."""
        raise NotImplementedError

    def run(self, argv: list[str], _timeout: float) -> Any:
        """Do what the library asks of systemd."""
        result = importlib.import_module(f"{ROOT}._core.command").CommandResult
        if argv[:2] == ["systemctl", "show"]:
            usual = {"Id": self.unit, "LoadState": "loaded", "NRestarts": 0, "NeedDaemonReload": "no"}
            usual |= {"Result": "success", "UnitFileState": "enabled", "Type": "notify"}
            return result(0, "".join(f"{name}={value}\n" for name, value in {**usual, **self.shown()}.items()))
        if argv[:2] == ["systemctl", "restart"]:
            assert "--no-block" in argv
            self.restarts += 1
            self.restart()
        if argv[0] == "journalctl":
            return result(0, "\n".join(self.log.read_text("utf-8").splitlines()[-20:]))
        return result(0, "")


class OwnUnit(StandIn):
    """A unit of `Restart=on-abnormal` with this node's etcd, which stays down when it exits, as Debian's does.
    `variables` says where its settings are: in an environment file, else in a configuration file."""

    def __init__(self, node: MemberProcess, directory: Path, *, variables: bool) -> None:
        """Write its settings into the directory, and start it."""
        super().__init__(node)
        self.file = directory / ("etcd.env" if variables else "etcd.conf.yml")
        self._variables = variables
        lines = "# Settings of etcd\n" + yaml.safe_dump(configuration(self.flags))
        self.file.write_text(_environment(self.flags) if variables else lines, "utf-8")
        self.file.chmod(0o640)
        self.start()
        node.await_answer()

    def start(self) -> None:
        """Start etcd."""
        env, arguments = {}, []
        if self._variables:  # plain lines, which everybody reads alike
            lines = self.file.read_text("utf-8").splitlines()
            env = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        else:
            arguments = [f"--config-file={self.file}"]
        self._etcd = Process((self.program, *arguments), env, self.log)

    def shown(self) -> dict[str, object]:
        """What it is started with, and how it is."""
        argument = "" if self._variables else f" --config-file={self.file}"
        return {
            "Restart": "on-abnormal",
            "MainPID": self.pid if self.running else 0,
            "EnvironmentFiles": f"{self.file} (ignore_errors=no)" if self._variables else "",
            "ExecStart": _command(f"{self.program}{argument}"),
            "ActiveState": "active" if self.running else "failed",
            "Result": "success" if self.running else "exit-code",
            "FragmentPath": "/etc/systemd/system/etcd.service",
        }


class Rke2(StandIn):
    """The service of RKE2, whose etcd is the static pod that it writes, and lives on while it is restarted. What it
    writes comes from the program that stands for RKE2 on nodes."""

    unit = "rke2-server.service"

    def __init__(self, node: MemberProcess, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Configure it in the directory, and start it."""
        super().__init__(node)
        self.file = directory / "etc/config.yaml"
        data = directory / "rke2"
        self.manifest = data / "agent/pod-manifests/etcd.yaml"
        places = {"CONFIGURATION": self.file, "DATA": data, "MANIFEST": self.manifest, "KNOWN": directory / "rke2.json"}
        places |= {"ETCD": data / "server/db/etcd", "TLS": data / "server/tls/etcd"}
        for name, path in places.items():
            monkeypatch.setattr(rke2, name, path)
            (path if name in ("ETCD", "TLS") else path.parent).mkdir(parents=True, exist_ok=True)
        self.generated = rke2.ETCD / "config"
        own = configuration({name: value for name, value in self.flags.items() if name != "quota-backend-bytes"})
        rke2.KNOWN.write_text(json.dumps({"settings": own, "image": "etcd", "initial": "{}"}), "utf-8")
        quota = self.flags["quota-backend-bytes"]
        self.file.write_text(f"token: secret\netcd-arg:\n- quota-backend-bytes={quota}  # ours\n", "utf-8")
        self.file.chmod(0o640)
        self._started = 0
        self._hash = ""
        self.start()
        node.await_answer()

    @property
    def log(self) -> Path:
        """That of the pod that runs."""
        return self._node.log.with_name(f"pod-{self._started}.log")

    def start(self) -> None:
        """Write its files, and let the kubelet start etcd if that is down, or another pod by then."""
        rke2.write_files()
        wanted = yaml.safe_load(self.manifest.read_text("utf-8"))["spec"]["containers"][0]["env"][0]["value"]
        if wanted == self._hash and self.running:
            return
        self.end()
        self._hash = wanted
        self._started += 1
        self._etcd = Process((self.program, f"--config-file={self.generated}"), {"FILE_HASH": wanted}, self.log)

    def restart(self) -> None:
        """Leave etcd alone, unless it is to be another one."""
        self.start()

    def shown(self) -> dict[str, object]:
        """A service that is up, of which etcd is no process."""
        return {
            "Environment": f"RKE2_CONFIG_FILE={self.file}",
            "ExecStart": _command("/usr/local/bin/rke2 server"),
            "ActiveState": "active",
            "MainPID": os.getpid(),
            "TimeoutStartUSec": "infinity",
        }


class K3s(StandIn):
    """The service of k3s, which has etcd within itself: here its program is etcd by another name."""

    unit = "k3s.service"

    def __init__(
        self, node: MemberProcess, directory: Path, monkeypatch: pytest.MonkeyPatch, *, gateway: bool = False
    ) -> None:
        """Start it with a configuration that does not exist yet, with ``gateway`` with a port of its own for HTTP: the
        one that the lab asks."""
        super().__init__(node)
        if gateway:
            self.flags["listen-client-http-urls"] = self.flags["listen-client-urls"]
            self.flags["listen-client-urls"] = f"https://{node.address}:2383"
        self.file = directory / "etc/config.yaml"
        monkeypatch.setattr(rke2, "CONFIGURATION", self.file)
        self._data = directory / "k3s"
        self.generated = self._data / "server/db/etcd/config"
        for path in (self.file, self.generated):
            path.parent.mkdir(parents=True)
        self._k3s = directory / "bin/k3s"
        self._k3s.parent.mkdir()
        self._k3s.symlink_to(self.program)
        self.start()
        node.await_answer()

    def start(self) -> None:
        """Write etcd's configuration, and start it."""
        told = rke2.arguments() if self.file.exists() else {}
        self.generated.write_text(rke2.yaml({**configuration(self.flags), **told}), "utf-8")
        self._etcd = Process((str(self._k3s), f"--config-file={self.generated}"), {}, self.log)

    def shown(self) -> dict[str, object]:
        """A service that systemd starts again and again if it exits."""
        return {
            "Environment": f"K3S_CONFIG_FILE={self.file}",
            "ExecStart": _command(f"{self._k3s} server --data-dir={self._data}"),
            "ActiveState": "active" if self.running else "activating",
            "MainPID": self.pid if self.running else 0,
            "NRestarts": 0 if self.running else 2,
            "TimeoutStartUSec": "infinity",
        }


def _command(words: str) -> str:
    return f"{{ path={words.split()[0]} ; argv[]={words} ; ignore_errors=no ; pid=0 }}"


def _environment(flags: dict[str, str]) -> str:
    lines = [f"ETCD_{name.upper().replace('-', '_')}={value}\n" for name, value in flags.items()]
    return "# Settings of etcd\n" + "".join(lines) + "\nETCDCTL_ENDPOINTS=https://127.0.0.1:2379\n"


def configuration(flags: dict[str, str]) -> dict[str, Any]:
    """Return flags as etcd's configuration file has them."""
    found: dict[str, Any] = {}
    for name, value in flags.items():
        bare = name.removeprefix("peer-")
        if bare in ("cert-file", "key-file", "client-cert-auth", "trusted-ca-file"):
            section = "client-transport-security" if bare == name else "peer-transport-security"
            found.setdefault(section, {})[bare] = value == "true" if bare == "client-cert-auth" else value
        elif not name.startswith("experimental-") and name not in ("feature-gates", "watch-progress-notify-interval"):
            found[name] = int(value) if value.isdigit() else {"true": True, "false": False}.get(value, value)
    found["enable-grpc-gateway"] = True  # off in a file up to 3.4
    return found


@contextmanager
def believed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[StandIn], None]]:
    """Let the library believe in a stand-in that it is given; all of them are ended afterwards."""
    made: list[StandIn] = []

    def believe(stand_in: StandIn) -> None:
        made.append(stand_in)
        monkeypatch.setattr(importlib.import_module(f"{ROOT}._core.command"), "run", stand_in.run)

        def cgroup(directory: str) -> str:
            return f"0::/system.slice/{stand_in.unit}\n" if os.path.basename(directory) == str(stand_in.pid) else ""

        def logs(since: float, _pods: str) -> list[str]:
            return [str(stand_in.log)] if stand_in.log.stat().st_mtime >= since else []

        monkeypatch.setattr(importlib.import_module(f"{ROOT}._node.process"), "_cgroup", cgroup)
        monkeypatch.setattr(importlib.import_module(f"{ROOT}._node.pod_log"), "_logs", logs)

    try:
        yield believe
    finally:
        for stand_in in made:
            stand_in.end()


def change_unit(name: str, directory: Path, *, check: bool, **options: Any) -> dict[str, Any]:
    """Call etcd_unit for the settings that this names, with what keeps it in a directory."""
    given = {
        "manifest": name,
        "backup_dir": str(directory / "backups"),
        "lock_path": str(directory / "lock"),
        "wait_timeout": 30.0,
        **options,
    }
    return dict(call_module("etcd_unit", given, check=check))


def quota_metric(node: MemberProcess) -> float:
    """Return the quota that the etcd of this node runs with, as its metrics say without TLS."""
    lines = requests.get(f"{node.metrics_url}/metrics", timeout=5).text.splitlines()
    return float(next(line for line in lines if line.startswith("etcd_server_quota_backend_bytes")).split()[1])
