# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of extraArgs that kubeadm refuses, with what it says of them."""

from __future__ import annotations

import pytest
from unit.builders import DATA, table
from unit.kubeadm_texts import LOCAL, QUOTA, V3, V4, check_bad_form, refused

MAPPED_IN_LIST = f'{V4}{LOCAL}    extraArgs:\n      quota-backend-bytes: "1"\n'
LISTED_IN_MAP = f'{V3}{LOCAL}    extraArgs:\n    - name: quota-backend-bytes\n      value: "1"\n'

BAD_FORMS: list[tuple[str, str, str, str]] = [
    # json: cannot unmarshal object into Go struct field LocalEtcd.etcd.local.extraArgs of type []v1beta4.Arg
    (
        "map in v1beta4",
        MAPPED_IN_LIST,
        "etcd.local.extraArgs in line 8 is a map, but v1beta4 expects a list of name and value: kubeadm refuses it.",
        '    - name: quota-backend-bytes\n      value: "1"',
    ),
    (
        "map in v1",
        MAPPED_IN_LIST.replace("v1beta4", "v1"),
        "etcd.local.extraArgs in line 8 is a map, but v1 expects a list of name and value",
        "correct the apiVersion",
    ),
    # json: cannot unmarshal array into Go struct field LocalEtcd.etcd.local.extraArgs of type map[string]string
    (
        "list in v1beta3",
        LISTED_IN_MAP,
        "etcd.local.extraArgs in line 8 is a list, but v1beta3 expects a map: kubeadm refuses it.",
        '      quota-backend-bytes: "1"',
    ),
    (
        "text for extraArgs",
        f"{V4}{LOCAL}    extraArgs: a\n",
        "etcd.local.extraArgs in line 7 is a string, but v1beta4 expects a list",
        "Write it as",
    ),
    # json: cannot unmarshal string into Go struct field LocalEtcd.etcd.local.extraArgs of type v1beta4.Arg
    (
        "entry is a string",
        f"{V4}{LOCAL}    extraArgs:\n    - max-wals=7\n",
        "Line 8 holds an entry of etcd.local.extraArgs that is a string, but v1beta4 expects name and value",
        "Write it as",
    ),
    # etcd.local.extraArgs: Invalid value: "index 0": argument has no name
    (
        "entry without name",
        f"{V4}{LOCAL}    extraArgs:\n    - value: a\n",
        "The entry of etcd.local.extraArgs in line 8 has no name: kubeadm refuses it",
        "Give it one",
    ),
    ("entry with an empty name", f"{V4}{LOCAL}    extraArgs:\n    - name:\n", "in line 8 has no name", "Give it one"),
    (
        "entry with two values",
        f"{V4}{LOCAL}    extraArgs:\n    - name: a\n      value: b\n      value: c\n",
        "in line 8 specifies its value twice",
        "Leave only",
    ),
]


def test_advice_keeps_what_stands_beside_them() -> None:
    """Who pastes three levels over etcd: would lose the data directory."""
    text = (DATA / "cases/configs/map-in-v1beta4-beside-dataDir.config").read_text("utf-8")
    _reason, advice = refused(text, QUOTA)
    assert advice.startswith(
        "Write it as a list of name and value, or correct the apiVersion. Leave everything else in etcd and etcd.local"
        " (dataDir). Write these lines by hand:\n"
    )
    _reason, advice = refused(text.replace("    dataDir: /srv/ring\n", ""), QUOTA)
    assert "Leave" not in advice


@pytest.mark.parametrize(("text", "sentence", "advice"), table(BAD_FORMS))
def test_bad_form(text: str, sentence: str, advice: str) -> None:
    check_bad_form(text, sentence, advice)
