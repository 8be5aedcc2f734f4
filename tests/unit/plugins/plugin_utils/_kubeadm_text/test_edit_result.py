# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of an edit."""

from __future__ import annotations

import pytest
from unit.kubeadm_texts import INIT, LIST, QUOTA

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edit_result import edit_result, masked
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit

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


def test_result_of_an_edit() -> None:
    old = f"{INIT}certificateKey: SECRET\n---\n{LIST}"
    result = edit_result(edit(old, {"quota-backend-bytes": "5GiB", "max-wals": "7"}), "config.yaml")
    assert result["extra_args"] == {"quota-backend-bytes": "5368709120", "max-wals": "7"}
    assert result["replaced"] == {"quota-backend-bytes": "1073741824"}
    assert result["diff"]["before"] == LIST
    assert result["diff"]["before_header"] == result["diff"]["after_header"] == "config.yaml (ClusterConfiguration)"


def test_variables_are_masked_in_both() -> None:
    text = f"{LIST}    extraEnvs:\n    - name: HTTPS_PROXY\n      value: SECRET\n"
    assert "SECRET" not in str(edit_result(edit(text, QUOTA), "config.yaml"))


def test_an_argument_without_a_value_that_goes() -> None:
    text = f"{LIST}    - name: max-wals\n"
    result = edit_result(edit(text, {}, ["max-wals"]), "config.yaml")
    assert result["replaced"] == {"max-wals": ""}
