# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of an edit."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.edit_result import masked

ENVS = """\
etcd:
  local:
    extraEnvs:
    - name: HTTPS_PROXY
      value: http://user:SECRET@192.0.2.1
    - value: SECRET
      name: OTHER
    - name: FOLDED
      value: >-
        SECRET
        SECRET
    - {name: FLOW, value: SECRET}
    extraArgs:
    - name: max-wals
      value: "5"
apiServer:
  extraEnvs: [{name: FLOW, value: SECRET}]
  extraArgs:
  - name: v
    value: "1"
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_no_value_of_a_variable_is_shown(end: str) -> None:
    shown = masked(ENVS.replace("\n", end))
    assert "SECRET" not in shown
    assert len(shown.splitlines()) == len(ENVS.splitlines())
    for kept in ("- name: HTTPS_PROXY", "name: OTHER", "- name: max-wals", 'value: "5"', "- name: v", 'value: "1"'):
        assert kept + end in shown
