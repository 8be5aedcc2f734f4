# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`etcd-arg` of RKE2 and k3s: which lists count, and edits that leave all other bytes alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_arg import (
    ArgumentList,
    as_flag,
    edit,
    lists,
    shown,
    value_for,
    without,
)

QUOTA, MODE, RETENTION = "quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention"
FILE = """\
token: "K10 # secret"  # of the cluster
etcd-arg:
  # more than RKE2's own
  - 'quota-backend-bytes=4294967296'  # 4 GiB
  - "max-wals=9"

  - --heartbeat-interval=400
# names
tls-san: [a.example, b.example]
"""


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, []),
        ({"a": "", "b": "# nothing\n"}, []),
        ({"a": FILE}, [("a", f"{QUOTA}=4294967296", "max-wals=9", "--heartbeat-interval=400")]),
        ({"a": "etcd-arg: max-wals=5\n"}, [("a", "max-wals=5")]),
        ({"a": '{"etcd-arg": ["max-wals=5"]}'}, [("a", "max-wals=5")]),
        # The second takes the place of the first, the third adds to it.
        (
            {"a": "etcd-arg: [x=1]\n", "b": "etcd-arg: [x=2]\n", "c": "etcd-arg+: x=3\n", "d": "token: x\n"},
            [("b", "x=2"), ("c", "x=3")],
        ),
        ({"a": "etcd-arg+: x=1\n"}, [("a", "x=1")]),
        ({"a": "etcd-arg: x=1\n", "b": "etcd-arg:\n"}, [("b",)]),
        ({"a": "etcd-arg+: x=1\netcd-arg: x=2\n"}, [("a", "x=2")]),
        ({"a": "etcd-arg: x=1\netcd-arg+: x=2\n"}, [("a", "x=1"), ("a", "x=2")]),
    ],
)
def test_lists_that_count(texts: dict[str, str], expected: list[tuple[str, ...]]) -> None:
    assert lists(texts) == [ArgumentList(row[0], row[1:]) for row in expected]


@pytest.mark.parametrize("text", ["etcd-arg: {a: b}\n", "etcd-arg:\n- a: b\n", "etcd-arg: [a\n", "- a\n"])
def test_file_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"^/etc/rancher/rke2/config\.yaml: "):
        lists({"/etc/rancher/rke2/config.yaml": text})


def test_of_an_argument_given_twice_the_last_counts() -> None:
    words = (f"{QUOTA}=1", f"--{QUOTA.title()}=0x10", "no-value", 'cipher-suites=["A", "B"]')
    assert ArgumentList("", words).values == {QUOTA: "16", "cipher-suites": "A,B"}


@pytest.mark.parametrize(
    ("name", "value", "mode", "written", "flag"),
    [
        (QUOTA, "8589934592", None, "8589934592", "8589934592"),
        # A number would be one in etcd's file, too, where etcd wants text.
        (RETENTION, "1", None, "1h", "1h"),
        (RETENTION, "0", "periodic", "0h", "0h"),
        (RETENTION, "90m", "periodic", "90m", "90m"),
        ("pre-vote", "true", None, "true", "true"),
        # Only nanoseconds arrive as the number that etcd wants.
        ("grpc-keepalive-interval", "5s", None, "5000000000", "5s"),
        ("cipher-suites", "A,B", None, '["A", "B"]', "A,B"),
        ("feature-gates", "InitialCorruptCheck=true", None, "InitialCorruptCheck=true", "InitialCorruptCheck=true"),
    ],
)
def test_value_that_becomes_what_etcd_wants(name: str, value: str, mode: str | None, written: str, flag: str) -> None:
    assert value_for(name, value, mode) == written
    assert as_flag(name, written) == flag


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (RETENTION, "1000", "would not be text"),
        ("log-level", "true", "would not be text"),
        ("log-level", "", "would not be text"),
        ("metrics", "[a]", "would not be text"),
        ("quota", "5", "etcd knows no key quota"),
        (QUOTA, "8G", "no integer"),
    ],
)
def test_value_that_cannot_be_given(name: str, value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        value_for(name, value, "revision")


NEW = {QUOTA: "5", RETENTION: "1h"}


@pytest.mark.parametrize(
    ("text", "wanted", "remove", "expected"),
    [
        (FILE, {QUOTA: "8589934592"}, [], FILE.replace("4294967296", "8589934592")),
        (FILE, {"heartbeat-interval": "500"}, [], FILE.replace("=400", "=500")),
        (FILE, {MODE: "periodic"}, [], FILE.replace("=400\n", f"=400\n  - {MODE}=periodic\n")),
        (FILE, {}, ["max-wals"], FILE.replace('  - "max-wals=9"\n', "")),
        (FILE, {}, [], FILE),
        ("", NEW, [], f"etcd-arg:\n  - {QUOTA}=5\n  - {RETENTION}=1h\n"),
        ("# none", {QUOTA: "5"}, [], f"# none\netcd-arg:\n  - {QUOTA}=5"),
        ("token: a\r\n", {QUOTA: "5"}, [], f"token: a\r\netcd-arg:\r\n  - {QUOTA}=5\r\n"),
        ("  token: a\n", {QUOTA: "5"}, [], f"  token: a\n  etcd-arg:\n    - {QUOTA}=5\n"),
        ("etcd-arg:", {QUOTA: "5"}, [], f"etcd-arg:\n  - {QUOTA}=5"),
        ("etcd-arg+: ~ # none\na: b\n", {QUOTA: "5"}, [], f"etcd-arg+: # none\n  - {QUOTA}=5\na: b\n"),
        ("etcd-arg: a=1 # so\n", {QUOTA: "5"}, [], f"etcd-arg: # so\n  - a=1\n  - {QUOTA}=5\n"),
        (f"etcd-arg: '{QUOTA}=1'\n", {QUOTA: "5"}, [], f"etcd-arg: '{QUOTA}=5'\n"),
        ("etcd-arg: a=1\n", {}, ["a"], "etcd-arg: []\n"),
        ("etcd-arg: []\n", {QUOTA: "5"}, [], f"etcd-arg: [{QUOTA}=5]\n"),
        (f'etcd-arg: [a=1, "{QUOTA}=2" ]\n', NEW, [], f'etcd-arg: [a=1, "{QUOTA}=5", "{RETENTION}=1h" ]\n'),
        ("etcd-arg: [a=1, b=2, c=3]\n", {}, ["b"], "etcd-arg: [a=1, c=3]\n"),
        (f"etcd-arg:\n- {QUOTA}=1\n- {QUOTA}=2\n", {QUOTA: "5"}, [], f"etcd-arg:\n- {QUOTA}=1\n- {QUOTA}=5\n"),
        (f"etcd-arg:\n- {QUOTA}=1\n- {QUOTA}=2\n", {}, [QUOTA], "etcd-arg: []\n"),
        ("etcd-arg:\n- a=1", {QUOTA: "5"}, [], f"etcd-arg:\n- a=1\n- {QUOTA}=5"),
        ("etcd-arg:\n- a=1\n\n# c\nb:\n- d=1\n", {"e": "5"}, [], "etcd-arg:\n- a=1\n- e=5\n\n# c\nb:\n- d=1\n"),
        ("etcd-arg:\n- a=1\n", {"cipher-suites": '["A"]'}, [], 'etcd-arg:\n- a=1\n- "cipher-suites=[\\"A\\"]"\n'),
        ("etcd-arg:\n- 'a=1'\n", {"cipher-suites": '["A"]'}, [], "etcd-arg:\n- 'a=1'\n- 'cipher-suites=[\"A\"]'\n"),
    ],
)
def test_edit(text: str, wanted: dict[str, str], remove: list[str], expected: str) -> None:
    assert edit(text, wanted, remove) == expected


@pytest.mark.parametrize(
    ("text", "remove", "problem"),
    [
        ('{"etcd-arg": ["a=1"]}', [], "it is JSON, as Rancher writes it"),
        ("etcd-arg: a=1\netcd-arg+: b=1\n", [], "it has both etcd-arg and etcd-arg+"),
        ("etcd-arg: a=1\netcd-arg: b=1\n", [], "line 2 gives etcd-arg a second time"),
        ("etcd-arg: &a [a=1]\n", [], "written in a way"),
        ("etcd-arg: [a=1,\n  b=1]\n", [], "line 1 is written in a way"),
        ("etcd-arg:\n- a=1\n  more\n", [], "line 3 is written in a way"),
        ("etcd-arg:\n- |\n  a=1\n", [], "its etcd-arg is written in a way"),
        ("etcd-arg: >\n  a=1\n", [], "line 1 is written in a way"),
        ("a: b\n...\n", [], "written in a way"),
        ("\ufeffetcd-arg: [a=1]\n", [], "its etcd-arg is written in a way"),
        ("etcd-arg: [a=1]\n", ["b"], "it does not give b"),
    ],
)
def test_what_is_not_edited(text: str, remove: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        edit(text, {QUOTA: "5"}, remove)


def test_a_diff_shows_the_list_alone() -> None:
    assert shown(FILE) == FILE[FILE.index("etcd-arg") : FILE.index("# names")]
    assert shown("token: secret\netcd-arg: [a=1] # so\n") == "etcd-arg: [a=1] # so\n"
    assert shown("token: secret\n") == ""


@pytest.mark.parametrize(
    "before", [FILE, "token: a\n", "token: a", "etcd-arg: a=1\ntoken: a\n", "etcd-arg: [a=1]\n", ""]
)
def test_what_is_left_without_the_arguments_of_an_edit(before: str) -> None:
    after = edit(before, NEW)
    assert without(after, NEW) == without(before, NEW)
    assert without(f"{after}\nnode-ip: 10.0.0.1\n", NEW) != without(before, NEW)
    assert without(edit(after, {"max-wals": "7"}), NEW) != without(before, NEW)


# --- files of which it is known what they say ---

NAMES = [QUOTA, RETENTION, "max-wals", "heartbeat-interval", "Snapshot-Count", "--max-snapshots"]
WORDS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(1, 99)).map(lambda pair: f"{pair[0]}={pair[1]}"), max_size=4
)
OTHERS = [
    "token: 'a # b'\n",
    "# etcd-arg: [a=1]\n",
    "node-label:\n- etcd-arg=1\n- a=b\n",
    "\n",
    "cni: none # etcd-arg\n",
]
WANTED = st.dictionaries(st.sampled_from([QUOTA, "max-wals", "heartbeat-interval", MODE]), st.sampled_from(["7", "8"]))


@st.composite
def files(draw: st.DrawFn) -> str:
    """A configuration of a server, with a list in one of the ways in which people write it, or with none."""
    words, around = draw(WORDS), draw(st.permutations(OTHERS))
    quotes = [draw(st.sampled_from(["{}", "'{}'", '"{}"'])).format(word) for word in words]
    comment = draw(st.sampled_from(["", " # so"]))
    key = draw(st.sampled_from(["etcd-arg", "etcd-arg+", '"etcd-arg"']))
    indent = draw(st.sampled_from(["", "  ", "    "]))
    block = f"{key}:{comment}\n" + "".join(f"{indent}- {word}{comment}\n" for word in quotes)
    brackets = f"{key}: [{', '.join(quotes)}]{comment}\n"
    scalar = f"{key}: {quotes[0] if quotes else ''}{comment}\n"
    own = draw(st.sampled_from([block, brackets, scalar if len(words) < 2 else block, ""]))
    number = draw(st.integers(0, len(around)))
    text = "".join([*around[:number], own, *around[number:]])
    return draw(st.sampled_from([text, text.replace("\n", "\r\n"), text.rstrip("\n")]))


def says(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Everything but the list, and what the list says, as PyYAML reads it."""
    found = yaml.safe_load(text) or {}
    lists_ = [found.pop(key) or [] for key in ("etcd-arg", "etcd-arg+") if key in found]
    words = [word for each in lists_ for word in ([each] if isinstance(each, str) else each)]
    return found, {word.lstrip("-").split("=", 1)[0].lower(): word.split("=", 1)[1] for word in words}


@given(files(), WANTED, st.lists(st.sampled_from([name.lower().lstrip("-") for name in NAMES]), max_size=2))
def test_an_edit_changes_what_is_asked_for_and_nothing_else(
    text: str, wanted: dict[str, str], names: list[str]
) -> None:
    others, before = says(text)
    remove = [name for name in names if name in before and name not in wanted]
    new = edit(text, wanted, remove)
    assert says(new) == (others, {**{name: value for name, value in before.items() if name not in remove}, **wanted})
    assert edit(new, wanted) == new
    untouched = [
        line for line in text.splitlines() if line.strip() and line.strip() in {each.strip() for each in OTHERS}
    ]
    assert [line for line in new.splitlines() if line in untouched] == untouched
    assert without(new, {*wanted, *remove}) == without(text, {*wanted, *remove})
