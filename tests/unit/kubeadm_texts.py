# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeadm configurations as texts, and how an edit of one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit

MANDATORY = "kubeadm takes that for an empty document and refuses the whole file (kind and apiVersion is mandatory)."
OURS = {"quota-backend-bytes": "8GiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}
QUOTA = {"quota-backend-bytes": "8589934592"}


def head(version: str) -> str:
    return f"apiVersion: kubeadm.k8s.io/{version}\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.0\n"


V3, V4 = head("v1beta3"), head("v1beta4")
LOCAL = "etcd:\n  local:\n    dataDir: /var/lib/etcd\n"
LIST = V4 + LOCAL + '    extraArgs:\n    - name: quota-backend-bytes\n      value: "1073741824"\n'
MAP = V3 + LOCAL + '    extraArgs:\n      quota-backend-bytes: "1073741824"\n'
INIT = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"
KUBELET = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def refused(text: str, wanted: Mapping[str, Any], remove: tuple[str, ...] = ()) -> tuple[str, str]:
    """The reason and the advice."""
    with pytest.raises(Refused) as caught:
        edit(text, wanted, remove)
    return str(caught.value), caught.value.advice


def check_bad_form(text: str, sentence: str, advice: str) -> None:
    """It is refused whatever is wanted, with this piece of the reason and of the advice."""
    for wanted in ({}, QUOTA):
        reason, told = refused(text, wanted)
        assert sentence in reason
        assert advice in told
        assert bool(told) == bool(advice) or not wanted
