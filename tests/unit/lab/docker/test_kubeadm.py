# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubeadm is told."""

from __future__ import annotations

import pytest
import yaml

from lab.docker.generations import GENERATIONS
from lab.docker.kubeadm import Keys, discovery, init_configuration

KEYS = Keys("abcdef.0123456789abcdef", "00" * 32)


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=lambda generation: str(generation.name))
def test_the_quota_reaches_etcd_in_each_api_of_kubeadm(generation) -> None:  # type: ignore[no-untyped-def]
    text = init_configuration(
        generation,
        name="cp1",
        address="192.0.2.11",
        endpoint="cp",
        etcd={"local": {"extraArgs": generation.arguments({"quota-backend-bytes": "1"})}},
        api_server_arguments={},
        keys=KEYS,
    )
    init, cluster, kubelet = yaml.safe_load_all(text)
    flags = {
        "v1beta3": {"quota-backend-bytes": "1"},
        "v1beta4": [{"name": "quota-backend-bytes", "value": "1"}],
    }[generation.kubeadm_api]
    assert cluster["etcd"]["local"]["extraArgs"] == flags
    assert cluster["kubernetesVersion"] == f"v{generation.kubernetes}"
    assert init["apiVersion"] == cluster["apiVersion"] == f"kubeadm.k8s.io/{generation.kubeadm_api}"
    assert kubelet["kind"] == "KubeletConfiguration"


def test_a_joining_node_is_told_the_authority_and_nothing_secret() -> None:
    (cluster,) = yaml.safe_load(discovery(endpoint="cp", ca="certificate"))["clusters"]
    assert cluster["cluster"] == {"server": "https://cp:6443", "certificate-authority-data": "Y2VydGlmaWNhdGU="}
