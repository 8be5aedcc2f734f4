# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the entries of a configuration file are."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node.config_file_places import json_places, yaml_places

YAML = """\
# name: no entry
name: 'a'  # so
"data-dir":
inner:
  name: b
list:
- c
text: d
  e
tail: f"""
JSON = '{ "name": "a",\n  "inner": {"name": "b"}, "tail": [1, 2] }'


@pytest.mark.parametrize(
    ("places", "text", "expected"),
    [
        (
            yaml_places,
            YAML,
            [
                ("name", 2, "'a'"),
                ("data-dir", 3, ""),
                ("inner", 4, None),
                ("list", 6, None),
                ("text", 8, None),
                ("tail", 10, "f"),
            ],
        ),
        (json_places, JSON, [("name", 1, '"a"'), ("inner", 2, None), ("tail", 2, "[1, 2]")]),
        (yaml_places, "", []),
        (json_places, "{}", []),
    ],
)
def test_places(places: object, text: str, expected: list[tuple[str, int, str | None]]) -> None:
    found = places(text)  # type: ignore[operator]
    assert [(each.key, each.line, each.raw) for each in found] == expected
    for each in found:
        if each.raw is not None:
            assert text[each.start : each.end] == each.raw
        assert text[each.entry_start : each.entry_end].lstrip(', "').startswith(each.key)
