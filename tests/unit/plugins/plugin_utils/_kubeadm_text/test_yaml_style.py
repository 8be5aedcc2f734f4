# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New lines are indented and quoted like the rest."""

from __future__ import annotations

import json

import pytest
import yaml
from unit.builders import table
from unit.kubeadm_texts import QUOTA, V3, V4

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.yaml_style import quote

INDENTED: list[tuple[str, str, str]] = [
    (
        "four blanks",
        f"{V3}networking:\n    dnsDomain: x\n",
        'etcd:\n    local:\n        extraArgs:\n            quota-backend-bytes: "8589934592"\n',
    ),
    (
        "lists deeper than their key",
        f"{V4}apiServer:\n  certSANs:\n    - a\n",
        'etcd:\n  local:\n    extraArgs:\n      - name: quota-backend-bytes\n        value: "8589934592"\n',
    ),
    (
        "wide dashes",
        f"{V4}apiServer:\n  extraArgs:\n  -   name: a\n      value: b\n",
        'etcd:\n  local:\n    extraArgs:\n    -   name: quota-backend-bytes\n        value: "8589934592"\n',
    ),
]


@pytest.mark.parametrize(("before", "added"), table(INDENTED))
def test_indented_as_the_rest(before: str, added: str) -> None:
    assert edit(before, QUOTA).text == before + added


@pytest.mark.parametrize("text", ["", "a", 'a"b\\', "\u00fc \U0001f600", "- a: b # c", "'"])
def test_quote(text: str) -> None:
    assert yaml.safe_load(quote(text)) == text
    assert json.loads(quote(text)) == text
