# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files of units: read as systemd reads them, edited without a change of any other byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._node.environment_file import (
    Assignment,
    assignments,
    edit,
    values,
)

QUOTA = "ETCD_QUOTA_BACKEND_BYTES"
# As kubespray 2.28 writes it, shortened.
KUBESPRAY = """\
# Environment file for etcd 3.5.21
ETCD_DATA_DIR=/var/lib/etcd
ETCD_INITIAL_CLUSTER_STATE=existing

ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.1:2380,etcd2=https://10.0.0.2:2380
ETCD_AUTO_COMPACTION_RETENTION=8
ETCD_SNAPSHOT_COUNT=100000

# Flannel need etcd v2 API
ETCD_ENABLE_V2=true
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("  A = 1  \n", {"A": "1"}),
        ("A=\n", {"A": ""}),
        ("#A=1\n;A=2\n", {}),
        ("# and so on \\\nA=1\n", {"A": "1"}),  # since systemd 254
        ("export A=1\n", {}),
        ("A\nB=1\n", {"B": "1"}),
        ("1A=1\nA-B=2\n", {}),
        ('A="1 2"\n', {"A": "1 2"}),
        ("A='1 $2 \\n'\n", {"A": "1 $2 \\n"}),
        ('A="\\"\\$\\x"\n', {"A": '"$\\x'}),
        ('A="1\n2"\nB=3', {"A": "1\n2", "B": "3"}),
        ('A="1\\\n2"\n', {"A": "12"}),
        ("A=1 \\\n 2\nB=3\n", {"A": "1  2", "B": "3"}),
        ("A=\"1\" '2'3\n", {"A": "123"}),
        ('A=1"2"\n', {"A": '1"2"'}),
        ("A=1 # a comment\n", {"A": "1 # a comment"}),
        ("A=1\\", {"A": "1"}),
        ('A="1', {"A": "1"}),
        ("A=b=c\n", {"A": "b=c"}),
    ],
)
def test_values(text: str, expected: dict[str, str]) -> None:
    assert values(text) == expected


def test_assignments_know_their_lines() -> None:
    text = "# first\nA=1 \\\n  2\n B = '3' \n"
    assert assignments(text) == [
        Assignment("A", "1   2", 2, 3, text.index("1"), text.index("2\n") + 1),
        Assignment("B", "3", 4, 4, text.index("'3'"), text.index("'3'") + 3),
    ]


@pytest.mark.parametrize(
    ("text", "wanted", "remove", "expected"),
    [
        ("A=1\nB=2\n", {"A": "3"}, [], "A=3\nB=2\n"),
        ("A=1\nA=2\n", {"A": "3"}, [], "A=1\nA=3\n"),
        ("A=1\nA=2\n", {}, ["A"], ""),
        ('A="1"  \r\nB=2\r\n', {"A": "3", "C": "4"}, [], 'A="3"  \r\nB=2\r\nC=4\r\n'),
        ("A='1'\n", {"A": "it's"}, [], 'A="it\'s"\n'),
        ("A='1'\n", {"A": "2 3"}, [], "A='2 3'\n"),
        ("A=1\n", {"A": '2 "$3'}, [], 'A="2 \\"\\$3"\n'),
        ("A=1\n", {"A": "1"}, [], "A=1\n"),
        ("A = 1 \\\n 2\nB=3\n", {"A": "4"}, ["B"], "A = 4\n"),
        ("A=1", {"B": "2"}, [], "A=1\nB=2"),
        ("A=\n", {"A": "2"}, [], "A=2\n"),
        ("A= \n", {"A": "2"}, [], "A=2 \n"),
        ("export A=1\n", {"A": "2"}, [], "export A=1\nA=2\n"),
        ("  A=1\n  B=2", {}, ["A"], "  B=2"),
        ("", {"A": "1"}, [], "A=1\n"),
    ],
)
def test_edit(text: str, wanted: dict[str, str], remove: list[str], expected: str) -> None:
    assert edit(text, wanted, remove) == expected


def test_a_missing_quota_goes_where_kubespray_has_it() -> None:
    new = edit(KUBESPRAY, {QUOTA: "8589934592"})
    assert new == KUBESPRAY.replace("_COUNT=100000\n", f"_COUNT=100000\n{QUOTA}=8589934592\n")


def test_a_missing_retention_goes_where_kubespray_has_it() -> None:
    without = KUBESPRAY.replace("ETCD_AUTO_COMPACTION_RETENTION=8\n", "")
    assert edit(without, {"ETCD_AUTO_COMPACTION_RETENTION": "8"}) == KUBESPRAY


@pytest.mark.parametrize("text", ['A="1\n', "A='1", "A=1\\"])
def test_a_file_that_does_not_end_is_not_added_to(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be edited safely"):
        edit(text, {"B": "2"})


# --- a model of systemd's rules: lines of which it is known what they say ---

NAMES = st.sampled_from(["A", "B", "ETCD_NAME", QUOTA, "ETCD_SNAPSHOT_COUNT", "_c9"])
WORDS = st.text(st.sampled_from("ab8=#;/.,:- "), max_size=8)
ANY = st.text(st.sampled_from("ab8=#;'\"\\$` \t\n,\u00e9"), max_size=10)
BLANKS = st.sampled_from(["", " ", "\t "])


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, str, str | None]:
    """A line without its ending, its variable, and what systemd makes of it: None if it is ignored."""
    name, kind = draw(NAMES), draw(st.sampled_from(["plain", "single", "double", "escaped", "continued", "no"]))
    before, behind = draw(BLANKS), draw(BLANKS)
    head = f"{before}{name}{draw(BLANKS)}={draw(BLANKS)}"
    if kind == "plain":
        value = draw(WORDS).strip()
        return head + value + behind, name, value
    if kind == "single":
        value = draw(ANY).replace("'", "")
        return f"{head}'{value}'{behind}", name, value
    if kind == "double":
        value = draw(ANY)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
        return f'{head}"{escaped}"{behind}', name, value
    if kind == "escaped":
        value = draw(ANY).replace("\n", "")
        return head + "".join(f"\\{each}" for each in value) + behind, name, value
    if kind == "continued":
        first, second = draw(st.sampled_from(["a", "8 8"])), draw(st.sampled_from(["b", "9"]))
        return f"{head}{first}\\\n{second}{behind}", name, first + second
    text = draw(st.sampled_from(["", "# A=1", ";A=2", f"export {name}=1", name, f"x y{name}=2", "=1"]))
    return before + text, name, None


@st.composite
def files(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A file, and the variables that a service has from it."""
    said = draw(st.lists(lines(), max_size=6))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    text = "".join(line + ending for line, _name, _value in said)
    return text, {name: value for _line, name, value in said if value is not None}


@given(files())
def test_reads_what_systemd_reads(file: tuple[str, dict[str, str]]) -> None:
    text, expected = file
    assert values(text) == expected


@given(files(), st.dictionaries(NAMES, ANY, max_size=3), st.lists(NAMES, max_size=2))
def test_an_edit_changes_what_is_wanted_and_no_other_byte(
    file: tuple[str, dict[str, str]], wanted: dict[str, str], remove: list[str]
) -> None:
    text, before = file
    new = edit(text, wanted, remove)
    after = {**{name: value for name, value in before.items() if name not in remove}, **wanted}
    assert values(new) == after
    assert _others(new, {*wanted, *remove}) == _others(text, {*wanted, *remove})
    assert edit(new, wanted, remove) == new


def _others(text: str, names: set[str]) -> str:
    """The text without the values of these variables, and without lines that say nothing else."""
    rest = text
    for each in reversed(assignments(text)):
        if each.name in names:
            start = max(text.rfind("\n", 0, each.start), text.rfind("\r", 0, each.start)) + 1
            end = text.find("\n", each.end)
            rest = rest[:start] + rest[end + 1 if end >= 0 else len(rest) :]
    return rest
