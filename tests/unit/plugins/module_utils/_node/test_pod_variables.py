# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in a command line, as the kubelet puts them in."""

from __future__ import annotations

import pytest
from unit.builders import Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.pod_variables import (
    expanded,
    unknown,
    variables,
    words,
    written,
)

KNOWN = {"A": "b", "EMPTY": "", "NODE": None}

# The cases of Kubernetes' own test of it that are not about names with brackets in them.
TEXTS: list[tuple[str, str, str, list[str]]] = [
    ("alone", "$(A)", "b", []),
    ("in the middle", "x-$(A)-y-$(A)", "x-b-y-b", []),
    ("empty", "x$(EMPTY)", "x", []),
    ("nothing of that name", "$(B)", "$(B)", []),
    ("known to the kubelet alone", "$(NODE)", "$(NODE)", ["NODE"]),
    ("escaped", "$$(A)", "$(A)", []),
    ("escaped and not known", "$$(NODE)", "$(NODE)", []),
    ("an escaped sign before it", "$$$(A)", "$b", []),
    ("twice escaped", "$$$$(A)", "$$(A)", []),
    ("of a shell", "$A ${A}", "$A ${A}", []),
    ("not closed", "$(A", "$(A", []),
    ("at the end", "A$", "A$", []),
    ("no name", "$()", "$()", []),
]


@pytest.mark.parametrize(("text", "expected", "not_known"), table(TEXTS))
def test_expanded(text: str, expected: str, not_known: list[str]) -> None:
    assert expanded(text, KNOWN) == expected
    assert unknown(text, KNOWN) == not_known


def test_variables_know_those_before_them() -> None:
    node = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    env: list[Json] = [
        {"name": "LATE", "value": "$(A)"},
        {"name": "A", "value": "b"},
        {"name": "SECOND", "value": "$(A)-$(LATE)"},
        node,
        {"name": "THIRD", "value": "$(NODE)"},
        {"name": "NOTHING"},
    ]
    expected = {"LATE": "$(A)", "A": "b", "SECOND": "b-$(A)", "NODE": None, "THIRD": None, "NOTHING": ""}
    assert variables({"env": env}) == expected


def test_words() -> None:
    container: Json = {"command": ["etcd", 1], "args": ["$(A)"], "env": [{"name": "A", "value": "b"}]}
    assert words(container) == ["etcd", "1", "b"]
    assert written(container) == ["etcd", "1", "$(A)"]
    assert words({"command": None}) == []
