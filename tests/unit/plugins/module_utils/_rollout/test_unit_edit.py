# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of an etcd that systemd runs: changed where they are, and nowhere else."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EnvironmentFile, EtcdUnit
from ansible_collections.controlplane.etcd.plugins.module_utils._node.unit_settings import settings_of_unit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import server
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_edit import Source, edit, file_of

QUOTA, MODE, RETENTION = "quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention"
UNIT = "/etc/systemd/system/etcd.service"
DROP_IN = "/etc/systemd/system/etcd.service.d/99-controlplane-etcd.conf"
HEAD = "# Written by the Ansible collection controlplane.etcd.\n[Service]\n"

KUBESPRAY = """\
# Environment file for etcd 3.5.21
ETCD_DATA_DIR=/var/lib/etcd
ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.1:2380
ETCD_AUTO_COMPACTION_RETENTION=8
ETCD_SNAPSHOT_COUNT=100000

ETCDCTL_ENDPOINTS=https://127.0.0.1:2379
"""
DEBIAN = 'ETCD_NAME="cp2"\nETCD_QUOTA_BACKEND_BYTES="33554432"\n'
KUBEASZ = """\
[Service]
Type=notify
# --quota-backend-bytes=1 was too little
ExecStart=/opt/bin/etcd \\
  --name=etcd-10.0.0.1 \\
  --data-dir=/var/lib/etcd \\
  --quota-backend-bytes=4294967296 \\
  --auto-compaction-retention 12
Restart=always
"""
YAML = "name: a\ndata-dir: /var/lib/etcd\nquota-backend-bytes: 0\n"


def source(
    words: str = "/usr/bin/etcd",
    environment: dict[str, str] | None = None,
    files: dict[str, str] | None = None,
    fragment: str = UNIT,
    texts: dict[str, str] | None = None,
) -> Source:
    unit = EtcdUnit(
        "etcd.service",
        tuple(words.split()),
        environment or {},
        tuple(EnvironmentFile(path, True) for path in files or {}),
        fragment=fragment,
        active="active",
    )
    found = {path: text for path, text in {**(files or {}), **(texts or {})}.items() if text}

    def read(path: str) -> str:
        if path not in found:
            raise FileNotFoundError(2, "No such file", path)
        return found[path]

    return Source(unit, settings_of_unit(unit, read), found)


SOURCES = {
    "kubespray": source(files={"/etc/etcd.env": KUBESPRAY}),
    "debian": source(
        "/usr/bin/etcd $DAEMON_ARGS",
        {"ETCD_DATA_DIR": "/var/lib/etcd/default", "DAEMON_ARGS": ""},
        {"/etc/default/etcd": DEBIAN},
        "/usr/lib/systemd/system/etcd.service",
    ),
    "debian-arguments": source(
        "/usr/bin/etcd $DAEMON_ARGS",
        {"ETCD_DATA_DIR": "/var/lib/etcd/default"},
        {"/etc/default/etcd": 'DAEMON_ARGS="--quota-backend-bytes=5000000 --max-wals 5"\n'},
    ),
    "contrib": source(environment={"ETCD_DATA_DIR": "/var/lib/etcd", "ETCD_SNAPSHOT_COUNT": "5"}),
    "contrib-again": source(
        environment={"ETCD_DATA_DIR": "/var/lib/etcd", "ETCD_QUOTA_BACKEND_BYTES": "5000000", "ETCD_MAX_WALS": "9"},
        texts={
            DROP_IN: f'{HEAD}Environment="ETCD_QUOTA_BACKEND_BYTES=5000000"\nEnvironment="ETCD_MAX_WALS=9"\n',
        },
    ),
    "kubeasz": source(
        "/opt/bin/etcd --name=etcd-10.0.0.1 --data-dir=/var/lib/etcd --quota-backend-bytes=4294967296"
        " --auto-compaction-retention 12",
        texts={UNIT: KUBEASZ},
    ),
    "package": source(
        "/usr/bin/etcd --data-dir=/d --quota-backend-bytes=4294967296",
        fragment="/usr/lib/systemd/system/etcd.service",
        texts={"/usr/lib/systemd/system/etcd.service": "ExecStart=/usr/bin/etcd --quota-backend-bytes=4294967296\n"},
    ),
    "yaml": source("/usr/bin/etcd --config-file /etc/etcd/etcd.conf.yml", texts={"/etc/etcd/etcd.conf.yml": YAML}),
    "two files": source(
        files={"/etc/a": "ETCD_DATA_DIR=/d\nETCD_QUOTA_BACKEND_BYTES=5000000\n", "/etc/b": "ETCD_MAX_WALS=5\n"}
    ),
    "shell": source(
        '/bin/bash -c exec_etcd_--quota-backend-bytes="$QUOTA" /usr/bin/etcd',
        {"ETCD_DATA_DIR": "/d"},
    ),
}


@pytest.mark.parametrize(
    ("name", "wanted", "remove", "path", "new"),
    [
        (
            "kubespray",
            {QUOTA: "8589934592"},
            [],
            "/etc/etcd.env",
            KUBESPRAY.replace("=100000\n", "=100000\nETCD_QUOTA_BACKEND_BYTES=8589934592\n"),
        ),
        (
            "kubespray",
            {RETENTION: "1h", MODE: "periodic"},
            [],
            "/etc/etcd.env",
            KUBESPRAY.replace("RETENTION=8", "RETENTION=1h"),
        ),
        ("kubespray", {}, ["snapshot-count"], "/etc/etcd.env", KUBESPRAY.replace("ETCD_SNAPSHOT_COUNT=100000\n", "")),
        ("debian", {QUOTA: "8589934592"}, [], "/etc/default/etcd", DEBIAN.replace("33554432", "8589934592")),
        ("debian", {RETENTION: "1h"}, [], "/etc/default/etcd", DEBIAN + "ETCD_AUTO_COMPACTION_RETENTION=1h\n"),
        (
            "debian-arguments",
            {QUOTA: "8589934592"},
            ["max-wals"],
            "/etc/default/etcd",
            'DAEMON_ARGS="--quota-backend-bytes=8589934592"\n',
        ),
        ("contrib", {QUOTA: "5000000"}, [], DROP_IN, f'{HEAD}Environment="ETCD_QUOTA_BACKEND_BYTES=5000000"\n'),
        ("contrib", {"snapshot-count": "7"}, [], DROP_IN, f'{HEAD}Environment="ETCD_SNAPSHOT_COUNT=7"\n'),
        ("contrib-again", {}, [QUOTA], DROP_IN, f'{HEAD}Environment="ETCD_MAX_WALS=9"\n'),
        ("kubeasz", {QUOTA: "8589934592"}, [], UNIT, KUBEASZ.replace("4294967296", "8589934592")),
        ("kubeasz", {RETENTION: "1h"}, [], UNIT, KUBEASZ.replace("retention 12", "retention 1h")),
        ("kubeasz", {}, [QUOTA], UNIT, KUBEASZ.replace("  --quota-backend-bytes=4294967296 \\\n", "")),
        ("kubeasz", {"max-wals": "9"}, [], DROP_IN, f'{HEAD}Environment="ETCD_MAX_WALS=9"\n'),
        (
            "yaml",
            {QUOTA: "8589934592", RETENTION: "1h"},
            [],
            "/etc/etcd/etcd.conf.yml",
            YAML.replace("bytes: 0", "bytes: 8589934592") + f'{RETENTION}: "1h"\n{MODE}: periodic\n',
        ),
    ],
)
def test_edit(name: str, wanted: dict[str, str], remove: list[str], path: str, new: str) -> None:
    found = edit(SOURCES[name], wanted, remove, "3.5.21")
    assert (found.path, found.new) == (path, new)
    assert found.old == SOURCES[name].texts.get(path)
    for flag, value in wanted.items():
        assert found.settings.setting(flag, "periodic" if flag == MODE else "") == value


@pytest.mark.parametrize(
    ("name", "wanted", "remove"),
    [
        ("kubespray", {RETENTION: "8", MODE: "periodic"}, [QUOTA]),
        ("kubespray", {RETENTION: "8h"}, []),
        ("debian", {QUOTA: "0x2000000"}, []),
        ("kubeasz", {QUOTA: "4294967296"}, ["max-wals"]),
        ("yaml", {QUOTA: "0"}, []),
    ],
)
def test_what_means_the_same_stays(name: str, wanted: dict[str, str], remove: list[str]) -> None:
    found = edit(SOURCES[name], wanted, remove, "3.5.21")
    assert not found.changes
    assert not found.before
    assert not found.after


@pytest.mark.parametrize(
    ("name", "wanted", "remove", "code", "text"),
    [
        ("package", {QUOTA: "8589934592"}, [], "unit_not_editable", "belongs to a package"),
        ("two files", {QUOTA: "1", "max-wals": "6"}, [], "settings_scattered", "max-wals in /etc/b"),
        ("kubeasz", {QUOTA: "1", "max-wals": "6"}, [], "settings_scattered", "max-wals would go into"),
        ("kubeasz", {RETENTION: "1 h"}, [], "unit_not_editable", "without quotes"),
        ("shell", {QUOTA: "1"}, [], "unit_not_editable", "a shell runs"),
        ("contrib", {}, ["snapshot-count"], "unit_not_editable", "in the unit itself"),
        ("yaml", {"no-such": "1"}, [], "unit_not_editable", "knows no key no-such"),
    ],
)
def test_what_is_refused(name: str, wanted: dict[str, str], remove: list[str], code: str, text: str) -> None:
    with pytest.raises(Refused, match=text) as caught:
        edit(SOURCES[name], wanted, remove)
    assert caught.value.code == code


CONFIG = "/etc/rancher/rke2/config.yaml"
DROP_INS = f"{CONFIG}.d"
GENERATED = {"name": "a", "data-dir": "/var/lib/rancher/rke2/server/db/etcd", "snapshot-count": "10000"}


def of_server(words: str = "rke2 server", written: dict[str, str] | None = None, **texts: str) -> Source:
    """A server of RKE2 with these texts: `config`, and drop-ins by their names."""
    unit = EtcdUnit("rke2-server.service", tuple(words.split()), {}, (), active="active")
    member = MemberSettings("/m/etcd.yaml", "", {**GENERATED, **(written or {})}, {}, (), config_file="/c")
    found = {CONFIG if name == "config" else f"{DROP_INS}/{name}.yaml": text for name, text in texts.items()}
    paths = [CONFIG, *(path for path in found if path != CONFIG)]
    made = server.make("rke2", unit, member, paths, found)
    return Source(unit, made.settings(member, found), found, made)


@pytest.mark.parametrize(
    ("texts", "wanted", "path", "new"),
    [
        ({}, {QUOTA: "5000000"}, CONFIG, "etcd-arg:\n  - quota-backend-bytes=5000000\n"),
        (
            {"config": "token: a\n"},
            {RETENTION: "1"},
            CONFIG,
            f"token: a\netcd-arg:\n  - {RETENTION}=1h\n  - {MODE}=periodic\n",
        ),
        ({"config": f"etcd-arg: [{QUOTA}=1]\n"}, {QUOTA: "5"}, CONFIG, f"etcd-arg: [{QUOTA}=5]\n"),
        # Where it is, else behind all that count.
        (
            {"config": f"etcd-arg: [{QUOTA}=1]\n", "a": "etcd-arg+: [max-wals=5]\n"},
            {QUOTA: "5"},
            CONFIG,
            f"etcd-arg: [{QUOTA}=5]\n",
        ),
        (
            {"config": f"etcd-arg: [{QUOTA}=1]\n", "a": "etcd-arg: [max-wals=5]\n"},
            {QUOTA: "5"},
            f"{DROP_INS}/a.yaml",
            f"etcd-arg: [max-wals=5, {QUOTA}=5]\n",
        ),
    ],
)
def test_setting_of_a_server(texts: dict[str, str], wanted: dict[str, str], path: str, new: str) -> None:
    source = of_server(**texts)
    found = edit(source, wanted, [], "3.5.21")
    assert (found.path, found.old, found.new) == (path, source.texts.get(path), new)
    assert found.mode == 0o600
    assert found.settings.flags == {**source.settings.flags, **found.after}
    assert set(found.after) >= set(wanted)


def test_setting_that_a_server_is_told_already() -> None:
    source = of_server(config=f"etcd-arg: [{RETENTION}=60m, {MODE}=periodic]\n", written={RETENTION: "1h0m0s"})
    assert not edit(source, {RETENTION: "1h", MODE: "periodic"}, [], "3.5.21").changes
    assert file_of(source, [RETENTION]) == CONFIG


def test_setting_is_taken_from_a_server() -> None:
    source = of_server(config="etcd-arg: [max-wals=9, max-snapshots=9]\n", written={"max-wals": "9"})
    found = edit(source, {}, ["max-wals"], "3.5.21")
    assert (found.new, found.before, found.after) == ("etcd-arg: [max-snapshots=9]\n", {"max-wals": "9"}, {})
    with pytest.raises(Refused, match="it does not give snapshot-count: that is of the server itself") as caught:
        edit(source, {}, ["snapshot-count"], "3.5.21")
    assert caught.value.code == "unit_not_editable"


@pytest.mark.parametrize(
    ("source", "wanted", "code", "problem"),
    [
        (of_server(), {RETENTION: "1000", MODE: "revision"}, "unit_not_editable", "etcd-arg of RKE2 cannot give it"),
        (of_server(), {"quota": "5"}, "unit_not_editable", "knows no key quota"),
        (of_server(f"rke2 server --etcd-arg={QUOTA}=1"), {QUOTA: "5"}, "unit_not_editable", "in its command"),
        (
            of_server("rke2 server --etcd-arg=a=1"),
            {QUOTA: "5"},
            "unit_not_editable",
            f"Move what is there into {CONFIG}",
        ),
        (of_server(r='{"etcd-arg": ["a=1"]}'), {QUOTA: "5"}, "unit_not_editable", "machineGlobalConfig"),
        (
            of_server(config="etcd-arg: max-wals=5\n", a="etcd-arg+: max-snapshots=5\n"),
            {"max-wals": "6", "max-snapshots": "6"},
            "settings_scattered",
            "only one file is changed at a time",
        ),
    ],
)
def test_setting_that_a_server_is_not_told(source: Source, wanted: dict[str, str], code: str, problem: str) -> None:
    with pytest.raises(Refused) as caught:
        edit(source, wanted, [], "3.5.21")
    assert caught.value.code == code
    assert problem in caught.value.text
