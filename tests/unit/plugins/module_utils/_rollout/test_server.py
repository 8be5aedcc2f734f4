# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of RKE2 and k3s: what they are told of etcd, and whether an etcd runs with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EtcdUnit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.server import (
    Server,
    config_path,
    differing,
    files_of,
    make,
)

QUOTA, RETENTION = "quota-backend-bytes", "auto-compaction-retention"
CONFIG = "/etc/rancher/rke2/config.yaml"
PID = 4711
OWN = {"name": "a", "snapshot-count": "10000"}


def unit_of(words: str = "/usr/local/bin/rke2 server") -> EtcdUnit:
    return EtcdUnit("rke2-server.service", tuple(words.split()), {}, ())


def member(flags: dict[str, str], config_file: str = "/c", path: str = "/m/etcd.yaml") -> MemberSettings:
    return MemberSettings(path, "", flags, {}, (), config_file=config_file)


@pytest.mark.parametrize(
    ("kind", "words", "env", "path"),
    [
        ("rke2", "rke2 server", {}, CONFIG),
        ("k3s", "k3s server", {"RKE2_CONFIG_FILE": "/no"}, "/etc/rancher/k3s/config.yaml"),
        ("k3s", "k3s server --config=/srv/k3s.yaml", {}, "/srv/k3s.yaml"),
        ("k3s", "k3s server -c /srv/k3s.yaml", {}, "/srv/k3s.yaml"),
        ("rke2", "rke2 server --config /srv/a.yaml", {"RKE2_CONFIG_FILE": "/srv/b.yaml"}, "/srv/b.yaml"),
    ],
)
def test_its_configuration_file(kind: str, words: str, env: dict[str, str], path: str) -> None:
    assert config_path(kind, words.split(), env) == path


def test_configuration_from_elsewhere() -> None:
    with pytest.raises(Refused, match="from https://a/config, which is no whole path") as caught:
        config_path("k3s", ["k3s", "server"], {"K3S_CONFIG_FILE": "https://a/config"})
    assert caught.value.code == "unit_not_editable"


def test_files_in_the_order_in_which_they_are_read(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    assert files_of(str(config)) == [str(config)]
    directory = tmp_path / "config.yaml.d"
    directory.mkdir()
    for name in ("50-b.yaml", "10-a.YML", "README", "60.yaml.bak"):
        (directory / name).touch()
    (directory / "70.yaml").mkdir()
    assert files_of(str(config)) == [str(config), f"{directory}/10-a.YML", f"{directory}/50-b.yaml"]


def test_what_it_writes_of_itself_and_what_it_is_told() -> None:
    texts = {CONFIG: f"etcd-arg: [{QUOTA}=5, {RETENTION}=1h]\n", "/etc/other": "etcd-arg: [a=1]\n"}
    written = member({**OWN, QUOTA: "5", RETENTION: "1h0m0s"})
    found = make("rke2", unit_of(), written, [CONFIG, f"{CONFIG}.d/a.yaml"], texts)
    assert (found.own, found.name, found.in_pod) == (OWN, "RKE2", True)
    assert found.settings(written, texts).flags == {**OWN, QUOTA: "5", RETENTION: "1h"}
    # With another text, of which nothing is written yet.
    after = found.settings(written, {CONFIG: "etcd-arg: [snapshot-count=5]\n"})
    assert after.flags == {"name": "a", "snapshot-count": "5"}
    assert found.asked_for(after) == {"snapshot-count": "5"}


@pytest.mark.parametrize("words", [f"rke2 server --etcd-arg={QUOTA}=7", f"rke2 server --etcd-arg {QUOTA}=7 --debug"])
def test_its_command_counts_instead_of_files(words: str) -> None:
    texts = {CONFIG: f"etcd-arg: {QUOTA}=5\n"}
    found = make("rke2", unit_of(words), member({}), [CONFIG], texts)
    assert found.arguments(texts) == {QUOTA: "7"}
    assert found.lists(texts)[0].path == ""


def test_configuration_that_cannot_be_read() -> None:
    with pytest.raises(Refused, match=f"The configuration of RKE2 cannot be read: {CONFIG}: line 1") as caught:
        make("rke2", unit_of(), member({}), [CONFIG], {CONFIG: "a: [b\n"})
    assert caught.value.code == "unit_not_editable"


POD = """\
spec:
  containers:
    - name: etcd
      command: [etcd]
      args: [--config-file={config}]
      env:
        - name: FILE_HASH
          value: {digest}
  volumes:
    - name: dir0
      hostPath: {{path: /var/lib}}
"""


def pod(directory: Path, written: str, digest: str = "abc") -> MemberSettings:
    config = directory / "config"
    config.write_text(written)
    manifest = directory / "etcd.yaml"
    manifest.write_text(POD.format(config=config, digest=digest))
    return member({**OWN, QUOTA: "5", RETENTION: "1h"}, str(config), str(manifest))


RKE2 = Server("rke2", (CONFIG,), (), OWN)
K3S = Server("k3s", (CONFIG,), (), OWN)
WRITTEN = f"name: other\n{QUOTA}: 5\n{RETENTION}: 1h0m0s\n"


@pytest.mark.parametrize(
    ("written", "digest", "env", "expected"),
    [
        # Of what is its own nothing counts, such as the cluster at birth.
        (WRITTEN, "abc", {"FILE_HASH": "abc"}, []),
        (WRITTEN, "abc", {"FILE_HASH": "old"}, ["--config-file="]),
        (WRITTEN, "abc", {}, ["--config-file="]),
        (WRITTEN, "abc", None, []),
        (WRITTEN, '""', {}, []),
        (f"{QUOTA}: 6\n", "abc", {"FILE_HASH": "abc"}, [f"--{RETENTION}", f"--{QUOTA}"]),
        ("[", "abc", {"FILE_HASH": "abc"}, ["--config-file="]),
    ],
)
def test_etcd_in_a_pod(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: str,
    digest: str,
    env: dict[str, str] | None,
    expected: Sequence[str],
) -> None:
    monkeypatch.setattr(process, "environment", lambda _pid: env)
    found = differing(RKE2, pod(tmp_path, written, digest), PID)
    assert [flag.replace(str(tmp_path / "config"), "") for flag in found] == expected


def test_pod_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "environment", lambda _pid: {"FILE_HASH": "abc"})
    settings = pod(tmp_path, WRITTEN)
    (tmp_path / "etcd.yaml").write_text("spec:\n")
    assert differing(RKE2, settings, PID) == [f"--config-file={tmp_path}/config"]
    (tmp_path / "etcd.yaml").unlink()
    assert differing(RKE2, settings, PID) == [f"--config-file={tmp_path}/config"]


def test_etcd_within_k3s(tmp_path: Path) -> None:
    """The process that runs is the one that has written the file."""
    settings = pod(tmp_path, WRITTEN)
    assert differing(K3S, settings, PID) == []
    (tmp_path / "config").write_text(f"{QUOTA}: 6\n{RETENTION}: 1h0m0s\n")
    assert differing(K3S, settings, PID) == [f"--{QUOTA}"]
    (tmp_path / "config").unlink()
    assert differing(K3S, settings, PID) == [f"--config-file={tmp_path}/config"]
