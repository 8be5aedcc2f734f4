# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What settings are read from, wherever they are written."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import go_int, is_unit, parse_flags

# As etcd 3.4.23, 3.5.1, 3.5.35, 3.6.16 and 3.7.3 take them for their quota, and exit with the others.
NUMBERS: list[tuple[str, int | None]] = [
    ("0", 0),
    ("00", 0),
    ("+5", 5),
    ("-1", -1),
    ("-0x1", -1),
    ("0x_5", 5),
    ("0X1f", 31),
    ("0b11", 3),
    ("0o17", 15),
    ("017", 15),
    ("0_7", 7),
    ("5_368", 5368),
    ("9223372036854775807", 2**63 - 1),
    ("9223372036854775808", None),
    ("08", None),
    ("0_8", None),
    ("_5", None),
    ("5_", None),
    ("5__0", None),
    ("0x", None),
    ("1e9", None),
    (" 5", None),
    ("\u0668", None),
    ("", None),
    ("-", None),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers_as_go_reads_them(text: str, expected: int | None) -> None:
    assert go_int(text) == expected


FLAGS: list[tuple[str, list[str], dict[str, str]]] = [
    ("equals", ["--a=b"], {"a": "b"}),
    ("word", ["--a", "b"], {"a": "b"}),
    ("bool", ["--a", "--b=c"], {"a": "true", "b": "c"}),
    ("bool at the end", ["--a"], {"a": "true"}),
    ("negative number", ["--a", "-1", "--b=c"], {"a": "-1", "b": "c"}),
    ("equals in the value", ["--a=b=c"], {"a": "b=c"}),
    ("empty value", ["--a="], {"a": ""}),
    ("twice", ["--a=b", "--a", "c"], {"a": "c"}),
    ("one dash", ["-a=b"], {"a": "b"}),
    ("none", [], {}),
]


@pytest.mark.parametrize(("given", "expected"), table(FLAGS))
def test_flags(given: list[str], expected: dict[str, str]) -> None:
    assert parse_flags(given) == expected


def test_names_of_units() -> None:
    assert is_unit("etcd@main.service")
    assert not is_unit("/etc/systemd/system/etcd.service")
    assert not is_unit("/etc/kubernetes/manifests/etcd.yaml")
