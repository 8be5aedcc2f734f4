# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration from which kubeadm writes the manifest of one node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.manifest_render import Facts
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.node_configuration import configuration

NODE = Facts("vm", "192.0.2.2", "registry.k8s.io", "3.5.24-0")

SOURCE = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: abcdef.0123456789abcdef
localAPIEndpoint:
  advertiseAddress: 198.51.100.1
nodeRegistration:
  name: another
patches:
  directory: /etc/kubernetes/patches
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.31.0  # of last year
apiServer:
  extraVolumes:
  - name: audit
    readOnly: yes
dns: ~
"""


def documents(text: str) -> list[Any]:
    return [json.loads(part) for part in text.split("---\n") if part]


def test_configuration() -> None:
    node = Facts(**{**NODE.__dict__, "cri_socket": "unix:///x", "kubernetes_version": "v1.33.13"})
    cluster, init = documents(configuration(SOURCE, node, {"max-wals": 7}, []))
    assert cluster == {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": "v1.33.13",
        "apiServer": {"extraVolumes": [{"name": "audit", "readOnly": True}]},
        "dns": None,
        "etcd": {
            "local": {
                "extraArgs": [{"name": "max-wals", "value": "7"}],
                "imageRepository": "registry.k8s.io",
                "imageTag": "3.5.24-0",
            }
        },
    }
    # Of another node's InitConfiguration only what is for all of them, and no token.
    assert init == {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": "192.0.2.2"},
        "nodeRegistration": {"name": "vm", "criSocket": "unix:///x"},
        "patches": {"directory": "/etc/kubernetes/patches"},
    }


@pytest.mark.parametrize("path", sorted((DATA / "kubeadm/configs").glob("*-multi.config")), ids=lambda path: path.stem)
def test_configurations_of_all_versions(path: Path) -> None:
    text = path.read_text("utf-8")
    old = next(each for each in yaml.safe_load_all(text) if each["kind"] == "ClusterConfiguration")
    cluster, init = documents(configuration(text, NODE, {"auto-compaction-retention": "8h"}, []))
    image = {"imageRepository": "registry.k8s.io", "imageTag": "3.5.24-0"}
    old["etcd"]["local"].update(image)
    assert cluster == old
    assert init["apiVersion"] == old["apiVersion"]
    assert init["nodeRegistration"] == {"name": "vm"}


BAD = [
    ("merged", "dns: ~", "dns: {<<: {a: b}}", "keys that are not plain words"),
    ("tagged", "dns: ~", "dns: !x y", "value with a tag that is not understood"),
    ("a float", "dns: ~", "dns: 1.5", "'1.5', a number that is not understood"),
]


@pytest.mark.parametrize(("old", "new", "expected"), table(BAD))
def test_configuration_that_is_not_seen_through(old: str, new: str, expected: str) -> None:
    with pytest.raises(Failure, match=expected):
        configuration(SOURCE.replace(old, new), NODE, {}, [])


def test_external_etcd_is_refused() -> None:
    text = (DATA / "kubeadm/configs/v1beta4-external.config").read_text("utf-8")
    with pytest.raises(Refused, match="etcd is external here"):
        configuration(text, NODE, {"max-wals": "7"}, [])
