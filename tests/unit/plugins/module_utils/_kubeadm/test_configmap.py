# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with kubectl's answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table
from unit.kubectl_program import OBJECT, TEXT, WHERE, prepare_node

from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.configmap import read, stored
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.kubectl import (
    Kubectl,
    KubectlFailed,
)

ANSWERS: list[tuple[str, str, str]] = [
    ("no JSON", "<html>", "is not a ConfigMap."),
    ("a list", "[]", "is not a ConfigMap."),
    ("another kind", '{"kind": "Secret", "metadata": {"resourceVersion": "1"}}', "is not a ConfigMap."),
    ("no version", '{"kind": "ConfigMap", "metadata": {}}', "is not a ConfigMap."),
    ("no data", '{"kind": "ConfigMap", "metadata": {"resourceVersion": "1"}}', "(it has nothing)"),
    (
        "another key",
        '{"kind": "ConfigMap", "metadata": {"resourceVersion": "1"}, "data": {"b": "", "a": ""}}',
        "The ConfigMap kubeadm-config in kube-system has no key ClusterConfiguration (it has a, b).",
    ),
]


@pytest.mark.parametrize(("answer", "reason"), table(ANSWERS))
def test_answers_that_cannot_be_used(answer: str, reason: str) -> None:
    with pytest.raises(KubectlFailed) as caught:
        stored(answer, WHERE)
    assert reason in str(caught.value)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return prepare_node(tmp_path)


def test_read_is_what_others_need(node: Path) -> None:
    kubectl = Kubectl(kubeconfig=str(node / "admin.conf"), program=str(node / "kubectl"), server=WHERE)
    found = read(kubectl)
    assert (found.text, found.whole) == (TEXT, OBJECT)
