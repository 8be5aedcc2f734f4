# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the keys in etcd's configuration file."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node.config_file_keys import (
    BOOLEAN,
    DURATION,
    INTEGER,
    LIST,
    STRING,
    UNKNOWN,
    canonical,
    kind_of,
    written,
)

QUOTA, RETENTION, CHECK = "quota-backend-bytes", "auto-compaction-retention", "corrupt-check-time"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (QUOTA, INTEGER),
        (RETENTION, STRING),
        (CHECK, DURATION),
        (f"experimental-{CHECK}", DURATION),
        ("pre-vote", BOOLEAN),
        ("cipher-suites", LIST),
        ("quota-backend-byte", UNKNOWN),
    ],
)
def test_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("name", "value", "in_file", "expected"),
    [
        (QUOTA, "0x10", False, "16"),
        (QUOTA, "1.5e1", True, "15"),
        (QUOTA, "8G", False, "8G"),
        ("pre-vote", "Yes", True, "true"),
        ("pre-vote", "maybe", True, "maybe"),
        (CHECK, "1m30s", False, "90s"),
        (CHECK, "1500000000", True, "1500ms"),
        (CHECK, "1500", True, "1500ns"),
        (CHECK, "0", False, "0s"),
        (CHECK, "5s", True, "5s"),  # fatal there, and left for etcd to say
        (RETENTION, "01", True, "01"),
    ],
)
def test_canonical(name: str, value: str, in_file: bool, expected: str) -> None:
    assert canonical(name, value, in_file=in_file) == expected


@pytest.mark.parametrize(
    ("name", "value", "old", "expected"),
    [
        (QUOTA, "5", None, "5"),
        (QUOTA, "5", "0x5", "0x5"),
        (QUOTA, "5", '"5"', "5"),
        (RETENTION, "1h", None, '"1h"'),
        (RETENTION, "1h", "'2h'", "'1h'"),
        (RETENTION, "1h", "'1h'", "'1h'"),
        ("name", "true", "a", '"true"'),
        ("name", "b", "a", "b"),
        ("name", "it's", "'a'", '"it\'s"'),
        (CHECK, "1.5s", None, "1500000000"),
        ("pre-vote", "true", "yes", "yes"),
        ("cipher-suites", "A, B", None, '["A", "B"]'),
    ],
)
def test_written(name: str, value: str, old: str | None, expected: str) -> None:
    assert written(name, value, old) == expected


@pytest.mark.parametrize(("name", "value"), [(QUOTA, "8G"), (CHECK, "5"), ("pre-vote", "1"), ("unknown", "1")])
def test_value_that_its_type_cannot_hold(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is "):
        written(name, value, None)
