# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of units: of kubespray, Debian and others, in their very files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import (
    EnvironmentFile,
    EtcdUnit,
    parse_shown,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node.unit_settings import settings_of_unit

UNITS = DATA / "units"
FILES = {
    "/etc/etcd.env": (UNITS / "kubespray.env").read_text("utf-8"),
    "/etc/etcd-events.env": (UNITS / "kubespray-events.env").read_text("utf-8"),
    "/etc/default/etcd": (UNITS / "debian.default").read_text("utf-8"),
}
DATA_DIR = {"ETCD_DATA_DIR": "/var/lib/etcd"}
UNIT = EtcdUnit("etcd.service", ("/usr/bin/etcd",), DATA_DIR, ())


def of(unit: EtcdUnit, files: Mapping[str, str] | None = None) -> MemberSettings:
    def read(path: str) -> str:
        there = FILES if files is None else files
        if path not in there:
            raise FileNotFoundError(path)
        return there[path]

    return settings_of_unit(unit, read)


def test_kubespray() -> None:
    main, events = (of(unit) for unit in parse_shown((UNITS / "kubespray.show").read_text("utf-8")))
    assert (main.path, main.unit, main.name) == ("etcd.service", "etcd.service", "etcd2")
    assert (main.data_dir, main.endpoint) == ("/var/lib/etcd", "https://127.0.0.1:2379")
    assert (main.ca_cert, main.quota_bytes) == ("/etc/ssl/etcd/ssl/ca.pem", 33554432)
    assert (events.data_dir, events.endpoint) == ("/var/lib/etcd-events", "https://127.0.0.1:2383")
    assert not any(name.startswith("ETCDCTL") for name in main.env)


def test_client_of_kubespray() -> None:
    main = of(parse_shown((UNITS / "kubespray.show").read_text("utf-8"))[0])
    tls = main.tls_files(lambda path: "/admin-" in path or "/member-" in path)
    assert tls
    assert (tls.client_cert, tls.client_key) == (
        "/etc/ssl/etcd/ssl/admin-cp2.pem",
        "/etc/ssl/etcd/ssl/admin-cp2-key.pem",
    )


def test_debian() -> None:
    (unit,) = parse_shown((UNITS / "debian.show").read_text("utf-8"))
    found = of(unit)
    assert (found.name, found.data_dir) == ("cp2", "/var/lib/etcd/default")
    assert (found.endpoint, found.quota_bytes) == ("https://127.0.0.1:2379", 33554432)


def test_debian_without_its_file() -> None:
    """It is optional there."""
    (unit,) = parse_shown((UNITS / "debian.show").read_text("utf-8"))
    assert of(unit, {}).env == {"ETCD_NAME": "cp2", "ETCD_DATA_DIR": "/var/lib/etcd/default"}


# Words of the unit, its variables, its files; the quota that etcd would have.
QUOTAS: list[tuple[str, tuple[str, ...], dict[str, str], dict[str, str], int | None]] = [
    ("none", (), {}, {}, None),
    ("flag", ("--quota-backend-bytes=5",), {}, {}, 5),
    ("variable", (), {"ETCD_QUOTA_BACKEND_BYTES": "6"}, {}, 6),
    ("file", (), {"ETCD_QUOTA_BACKEND_BYTES": "6"}, {"/a": "ETCD_QUOTA_BACKEND_BYTES=7\n"}, 7),
    ("later file", (), {}, {"/a": "ETCD_QUOTA_BACKEND_BYTES=7\n", "/b": "ETCD_QUOTA_BACKEND_BYTES=8\n"}, 8),
    ("later line", (), {}, {"/a": "ETCD_QUOTA_BACKEND_BYTES=7\nETCD_QUOTA_BACKEND_BYTES='9'\n"}, 9),
    ("lines of DOS", (), {}, {"/a": "ETCD_QUOTA_BACKEND_BYTES=7\r\nX=1\r\n"}, 7),
    ("of a shell", (), {}, {"/a": "export ETCD_QUOTA_BACKEND_BYTES=7\n"}, None),
    ("empty", (), {}, {"/a": "ETCD_QUOTA_BACKEND_BYTES=\n"}, None),
    ("words in a variable", ("$ARGS",), {"ARGS": "--max-wals=5 --quota-backend-bytes=4"}, {}, 4),
    ("part of a word", ("--quota-backend-bytes=${QUOTA}",), {"QUOTA": "3"}, {}, 3),
]


@pytest.mark.parametrize(("words", "env", "files", "expected"), table(QUOTAS))
def test_quota(words: tuple[str, ...], env: dict[str, str], files: dict[str, str], expected: int | None) -> None:
    unit = replace(
        UNIT,
        words=("/usr/bin/etcd", *words),
        environment={**DATA_DIR, **env},
        environment_files=tuple(EnvironmentFile(path, False) for path in files),
    )
    assert of(unit, files).quota_bytes == expected


def test_configuration_file() -> None:
    text = "name: a\ndata-dir: /srv/etcd\nclient-transport-security:\n  trusted-ca-file: /ca.pem\n"
    for words, env in ((("--config-file=/etc/etcd.yml", "--name=b"), {}), ((), {"ETCD_CONFIG_FILE": "/etc/etcd.yml"})):
        unit = replace(UNIT, words=("/usr/bin/etcd", *words), environment={**DATA_DIR, **env})
        found = of(unit, {"/etc/etcd.yml": text})
        assert (found.name, found.data_dir, found.ca_cert) == ("a", "/srv/etcd", "/ca.pem")
        assert (found.config_file, found.env) == ("/etc/etcd.yml", {})


def test_etcd_within_k3s() -> None:
    unit = replace(UNIT, name="k3s.service", words=("/usr/local/bin/k3s", "server", "--data-dir=/srv/k3s"))
    found = of(unit, {"/srv/k3s/server/db/etcd/config": "name: a\ndata-dir: /srv/k3s/server/db/etcd\n"})
    assert (found.unit, found.data_dir) == ("k3s.service", "/srv/k3s/server/db/etcd")


def test_started_by_a_shell() -> None:
    """What it makes flags of is in the variables as well (RHEL 7)."""
    command = '/usr/bin/etcd --name="${ETCD_NAME}" --data-dir="${ETCD_DATA_DIR}"'
    unit = replace(UNIT, words=("/bin/bash", "-c", command))
    assert of(unit).data_dir == "/var/lib/etcd"


BOTH = replace(UNIT, words=("/usr/bin/etcd", "--data-dir=/var/lib/etcd"))
FILE = (EnvironmentFile("/etc/etcd.env", False),)

REFUSED: list[tuple[str, EtcdUnit, dict[str, str], str]] = [
    ("flag and variable", BOTH, {}, "gives data-dir both as a flag and as a variable (ETCD_DATA_DIR): etcd exits on"),
    ("no data directory", replace(UNIT, environment={}), {}, "names no data directory with a whole path"),
    ("a relative one", replace(UNIT, environment={"ETCD_DATA_DIR": "x.etcd"}), {}, "names no data directory"),
    ("no file", replace(UNIT, environment_files=FILE), {}, "/etc/etcd.env, which etcd.service needs"),
    ("no configuration", replace(UNIT, words=("etcd", "--config-file=/x")), {}, "/x, from which etcd is to read its"),
    ("no YAML", replace(UNIT, words=("etcd", "--config-file=/x")), {"/x": "a: [\n"}, "/x, from which etcd reads its"),
]


@pytest.mark.parametrize(("unit", "files", "message"), table(REFUSED))
def test_settings_that_cannot_be_told(unit: EtcdUnit, files: dict[str, str], message: str) -> None:
    with pytest.raises(Failure) as caught:
        of(unit, files)
    assert caught.value.code == "manifest_unusable"
    assert message in caught.value.text


def test_flag_and_variable_of_one_that_runs() -> None:
    """It was started before somebody wrote the other one: there is something to ask."""
    assert of(replace(BOTH, active="active")).data_dir == "/var/lib/etcd"
