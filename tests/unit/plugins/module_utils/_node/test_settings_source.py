# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the settings of a node's member are, if it is named, and if it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import settings_source as source
from ansible_collections.controlplane.etcd.plugins.module_utils._node import unit_choice
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import DEFAULT_PATH
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EnvironmentFile, EtcdUnit
from ansible_collections.controlplane.etcd.plugins.module_utils._node.unit_choice import Candidate

KUBESPRAY = Candidate(
    EtcdUnit("etcd.service", ("/usr/bin/etcd",), {}, (EnvironmentFile("/etc/etcd.env", False),)), None
)


def test_what_is_named_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_choice, "candidates", lambda: [KUBESPRAY])
    manifest = str(tmp_path / "etcd.yaml")
    assert source.find_source(manifest).name == manifest
    assert source.find_source("other.service").name == "other.service"
    with pytest.raises(FileNotFoundError):
        source.read_settings(manifest)


ELSEWHERE: list[tuple[str, str, str]] = [
    ("RKE2", "RKE2_MANIFEST", "manifest"),
    ("k3s", "_K3S_DATA", "k3s.service"),
    ("units", "", "etcd.service"),
]


@pytest.mark.parametrize(("what", "expected"), table(ELSEWHERE))
def test_found_without_the_manifest_of_kubeadm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, expected: str
) -> None:
    there = tmp_path / "manifest"
    there.mkdir()
    monkeypatch.setattr(unit_choice, "candidates", lambda: [KUBESPRAY])
    monkeypatch.setattr(source, "RKE2_MANIFEST", str(tmp_path / "none"))
    if what:
        monkeypatch.setattr(source, what, str(there))
    assert Path(source.find_source(DEFAULT_PATH).name).name == expected
