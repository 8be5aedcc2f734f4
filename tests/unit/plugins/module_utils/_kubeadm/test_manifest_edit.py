# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags in the text of a manifest: what changes, and that nothing else does."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import manifest_edit
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import parse_flags

MANIFESTS = sorted((DATA / "manifests").glob("*/*"))
IDS = [f"{path.parent.name}-{path.stem}" for path in MANIFESTS]
QUOTA = "quota-backend-bytes"


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def pod(*lines: str, end: str = "\n") -> str:
    """A manifest with these lines as what follows the first key of etcd's container."""
    head = ["apiVersion: v1", "kind: Pod", "metadata:", "  name: etcd", "spec:", "  containers:", "  - name: etcd"]
    return end.join([*head, *lines, "    image: registry.k8s.io/etcd:3.5.15-0", "  hostNetwork: true", ""])


COMMAND = ("    command:", "    - etcd", "    - --name=cp1")

EDITS: list[tuple[str, tuple[str, ...], dict[str, str], list[str], tuple[str, ...]]] = [
    ("added last", COMMAND, {QUOTA: "8"}, [], (*COMMAND, f"    - --{QUOTA}=8")),
    (
        "added in the order in which they are wanted",
        COMMAND,
        {"b": "2", "a": "1"},
        [],
        (*COMMAND, "    - --b=2", "    - --a=1"),
    ),
    (
        "changed in its place",
        ("    command:", "    - etcd", f"    - --{QUOTA}=8", "    - --name=cp1"),
        {QUOTA: "9"},
        [],
        ("    command:", "    - etcd", f"    - --{QUOTA}=9", "    - --name=cp1"),
    ),
    ("taken away", (*COMMAND, "    - --max-wals=7"), {}, ["max-wals"], COMMAND),
    ("not there, taken away", COMMAND, {}, ["max-wals"], COMMAND),
    ("the same", (*COMMAND, "    - --a=1"), {"a": "1"}, [], (*COMMAND, "    - --a=1")),
    (
        "the same in other words",
        (*COMMAND, "    - --auto-compaction-retention=1"),
        {"auto-compaction-retention": "1h"},
        [],
        (*COMMAND, "    - --auto-compaction-retention=1"),
    ),
    (
        "other words, where they mean something else",
        (*COMMAND, "    - --auto-compaction-mode=revision", "    - --auto-compaction-retention=60"),
        {"auto-compaction-mode": "periodic", "auto-compaction-retention": "60h"},
        [],
        (*COMMAND, "    - --auto-compaction-mode=periodic", "    - --auto-compaction-retention=60"),
    ),
    (
        "two items become one",
        (*COMMAND, f"    - --{QUOTA}", '    - "8"', "    - --a=1"),
        {QUOTA: "9"},
        [],
        (*COMMAND, f"    - --{QUOTA}=9", "    - --a=1"),
    ),
    ("two items taken away", (*COMMAND, "    - --a", "    - '-1'", "    - --b"), {}, ["a"], (*COMMAND, "    - --b")),
    ("without a value", (*COMMAND, "    - --a"), {"a": "true"}, [], (*COMMAND, "    - --a")),
    ("without a value, and gets one", (*COMMAND, "    - --a"), {"a": "false"}, [], (*COMMAND, "    - --a=false")),
    ("one dash", (*COMMAND, "    - -a=1"), {"a": "2"}, [], (*COMMAND, "    - --a=2")),
    (
        "given twice: the last one counts and stays",
        (*COMMAND, "    - --a=1", "    - --b=1", "    - --a=2"),
        {"a": "3"},
        [],
        (*COMMAND, "    - --b=1", "    - --a=3"),
    ),
    (
        "given twice, and the one that counts is right",
        (*COMMAND, "    - --a=1", "    - --a=3"),
        {"a": "3"},
        [],
        (*COMMAND, "    - --a=1", "    - --a=3"),
    ),
    ("given twice, taken away", (*COMMAND, "    - --a=1", "    - --a=3"), {}, ["a"], COMMAND),
    (
        "quotes and comments stay",
        (*COMMAND, '    - "--a=1"  # one', "    - '--b=1' # two", "    - --c=1   # three", "    # four"),
        {"a": "2", "b": "2", "c": "2"},
        [],
        (*COMMAND, '    - "--a=2"  # one', "    - '--b=2' # two", "    - --c=2   # three", "    # four"),
    ),
    ("what needs quotes gets them", COMMAND, {"a": "x y: z"}, [], (*COMMAND, "    - '--a=x y: z'")),
    ("a quote among quotes", (*COMMAND, '    - "--a=1"'), {"a": '"'}, [], (*COMMAND, "    - '--a=\"'")),
    ("an apostrophe", COMMAND, {"a": "it's"}, [], (*COMMAND, "    - '--a=it''s'")),
    ("colon at the end", COMMAND, {"a": "x:"}, [], (*COMMAND, "    - '--a=x:'")),
    ("nothing", COMMAND, {"a": ""}, [], (*COMMAND, "    - --a=")),
    (
        "a comment and a blank line in between",
        ("    command:  # why", "    - etcd", "", "    # note", "    - --a=1"),
        {"a": "2", "b": "1"},
        [],
        ("    command:  # why", "    - etcd", "", "    # note", "    - --a=2", "    - --b=1"),
    ),
    (
        "flags in args",
        ("    command:", "    - etcd", "    args:", "      - --a=1"),
        {"a": "2", "b": "1"},
        [],
        ("    command:", "    - etcd", "    args:", "      - --a=2", "      - --b=1"),
    ),
    (
        "flags in both",
        ("    args:", "    - --a=1", "    command:", "    - etcd", "    - --b=1"),
        {"b": "2"},
        ["a"],
        ("    args:", "    command:", "    - etcd", "    - --b=2"),
    ),
]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("lines", "wanted", "remove", "expected"), table(EDITS))
def test_edit(
    lines: tuple[str, ...], wanted: dict[str, str], remove: list[str], expected: tuple[str, ...], end: str
) -> None:
    edited = manifest_edit.edit(pod(*lines, end=end), wanted, remove)
    assert edited.text == pod(*expected, end=end)
    assert manifest_edit.edit(edited.text, wanted, remove).text == edited.text
    before, after = edited.differing
    assert (not before and not after) == (lines == expected)
    assert {**{name: value for name, value in edited.before.items() if name not in before}, **after} == edited.after


def test_another_container_with_the_same_command() -> None:
    text = pod(*COMMAND).replace(
        "  hostNetwork", "  - name: other\n    command:\n    - etcd\n    - --name=cp1\n  hostNetwork"
    )
    edited = manifest_edit.edit(text, {"a": "1"})
    assert edited.text == text.replace("    - --name=cp1\n", "    - --name=cp1\n    - --a=1\n", 1)


def test_another_container_before_it() -> None:
    """The first place that looks right is not the right one."""
    text = pod(*COMMAND).replace(
        "  - name: etcd\n", "  - name: other\n    command:\n    - etcd\n    - --name=cp1\n  - name: etcd\n"
    )
    edited = manifest_edit.edit(text, {"a": "1"})
    assert edited.text == text.replace("    - --name=cp1\n    image", "    - --name=cp1\n    - --a=1\n    image")


def test_the_end_of_the_text() -> None:
    text = "spec:\n  containers:\n  - name: etcd\n    command:\n    - etcd"
    assert manifest_edit.edit(text, {"a": "1", "b": "2"}).text == f"{text}\n    - --a=1\n    - --b=2"


REFUSALS: list[tuple[str, str, str]] = [
    ("JSON", '{"spec": {"containers": [{"name": "etcd", "command": ["etcd"]}]}}', "is written as JSON"),
    ("flow style", pod('    command: ["etcd", "--name=cp1"]'), "cannot be edited safely"),
    ("a flag after the end of flags", pod(*COMMAND, "    - --", "    - --a=1"), "holds '--', which is neither a flag"),
    ("a word that belongs to nothing", pod(*COMMAND, "    - stray"), "holds 'stray', which is neither a flag"),
    ("no container of that name", pod(*COMMAND).replace("- name: etcd", "- name: db"), "one container named etcd"),
    ("two of that name", pod(*COMMAND, "  - name: etcd"), "one container named etcd"),
    ("no command", pod("    tty: true"), "has no command"),
    ("an item that is a map", pod("    command:", "    - etcd", "    - a: b"), "has no command that can be read"),
    ("not YAML that we know", pod("    command: !x", "    - etcd"), "The manifest cannot be read: line 8"),
    ("no pod", "kind: Pod\n", "one container named etcd"),
    ("a list", "- 1\n", "one container named etcd"),
]


@pytest.mark.parametrize(("text", "reason"), table(REFUSALS))
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        manifest_edit.edit(text, {"a": "1"})
    assert reason in str(caught.value)
    if "written" in reason or "edited" in reason:
        assert "set --a=1" in caught.value.advice


def test_there_are_manifests() -> None:
    assert len(MANIFESTS) >= 24


@pytest.mark.parametrize("path", MANIFESTS, ids=IDS)
def test_manifests_of_kubeadm(path: Path) -> None:
    text = read(path)
    edited = manifest_edit.edit(text, {QUOTA: "8589934592"}, ["snapshot-count"])
    assert {**edited.after, "snapshot-count": "10000"} == {**manifest_edit.flags(text), QUOTA: "8589934592"}
    kept = [line for line in text.splitlines() if QUOTA not in line and "snapshot-count" not in line]
    assert [line for line in edited.text.splitlines() if QUOTA not in line] == kept


NAMES = st.sampled_from(
    ["a", "max-wals", "snapshot-count", QUOTA, "auto-compaction-retention", "feature-gates", "log-level", "name", "x.y"]
)
# What values.checked lets through.
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12).filter(str.isprintable)


def expected(body: Any, changes: Mapping[str, str], gone: set[str]) -> Any:
    """What the pod means after it, without its command line, and the flags."""
    found = copy.deepcopy(body)
    (container,) = found["spec"]["containers"]
    words = container.pop("command")
    flags = {name: value for name, value in parse_flags(words[1:]).items() if name not in gone}
    return found, {**flags, **changes}


@pytest.mark.parametrize("path", MANIFESTS, ids=IDS)
@settings(max_examples=40, deadline=None)
@given(
    changes=st.dictionaries(NAMES, VALUES, max_size=4),
    gone=st.sets(NAMES, max_size=3),
    crlf=st.booleans(),
    cut=st.booleans(),
)
def test_only_what_is_wanted_changes(
    path: Path, changes: dict[str, str], gone: set[str], crlf: bool, cut: bool
) -> None:
    gone -= set(changes)
    text = read(path).replace("\n", "\r\n") if crlf else read(path)
    text = text.rstrip() if cut else text
    edited = manifest_edit.put(text, changes, gone)
    found = yaml.safe_load(edited.text)
    words = found["spec"]["containers"][0]["command"]
    bare, flags = expected(yaml.safe_load(text), changes, gone)
    assert parse_flags(words[1:]) == flags == edited.after
    del found["spec"]["containers"][0]["command"]
    assert found == bare
    assert all(isinstance(word, str) for word in words)
    touched = tuple(f"- --{name}=" for name in {*changes, *gone}) + tuple(f"- '--{name}=" for name in changes)

    def untouched(whole: str) -> list[str]:
        return [line for line in whole.split("\n") if not line.lstrip().startswith(touched)]

    assert untouched(edited.text) == untouched(text)
    assert manifest_edit.put(edited.text, changes, gone).text == edited.text
    # And back again, to the meaning at least.
    back = {name: value for name, value in edited.before.items() if edited.after.get(name) != value}
    again = manifest_edit.put(edited.text, back, set(edited.after) - set(edited.before))
    assert again.after == edited.before


CASES = [
    "etcd-annotation-of-two-lines",
    "etcd-variable-on-two-lines",
    "etcd-probe-by-command",
    "whole-but-called-cut-off",
]


@pytest.mark.parametrize("name", CASES)
def test_values_over_several_lines_stay_as_they_are(name: str) -> None:
    text = read(DATA / f"cases/manifests/{name}.manifest")
    old, new = "    - --name=n1\n", "    - --trusted-ca-file=/srv/pki/ca.crt\n"
    assert manifest_edit.put(text, {"name": "n2"}).text == text.replace(old, "    - --name=n2\n")
    assert manifest_edit.put(text, {QUOTA: "8"}).text == text.replace(new, f"{new}    - --{QUOTA}=8\n")


def test_command_in_a_block_of_text_is_none() -> None:
    """A script that holds the very same lines."""
    lines = ("    env:", "    - name: NOTE", "      value: |", *(f"    {line}" for line in COMMAND))
    text = pod(*lines, *COMMAND)
    edited = manifest_edit.put(text, {QUOTA: "8"})
    assert edited.text == pod(*lines, *COMMAND, f"    - --{QUOTA}=8")


IN_OTHER_WORDS: list[tuple[str, tuple[str, ...]]] = [
    ("brackets", ("    command: [etcd, --name=cp1]",)),
    ("an alias", ("    x: &x", "    - etcd", "    - --name=cp1", "    command: *x")),
    ("an item on two lines", (*COMMAND, "    - --a=b", "      c")),
    ("an item in a block", (*COMMAND, "    - |-", "      --a=b")),
    ("an item with an anchor that is used", ("    command:", "    - etcd", "    - &x --name=cp1", "    x: *x")),
]


@pytest.mark.parametrize("lines", table(IN_OTHER_WORDS))
def test_command_that_is_read_but_not_edited(lines: tuple[str, ...]) -> None:
    text = pod(*lines)
    assert manifest_edit.flags(text)["name"] == "cp1"
    assert manifest_edit.edit(text, {"name": "cp1"}).text == text
    with pytest.raises(Refused, match="The command of etcd is written in a way that cannot be edited safely") as caught:
        manifest_edit.put(text, {"name": "cp2"})
    assert "set --name=cp2" in caught.value.advice


values = st.lists(
    st.sampled_from(["a", "of many words", "b: c", "# d", "'", '"', "\n", "\n\n", "  ", "- x", "command:"])
)


@given(st.lists(values.map(" ".join), min_size=1, max_size=4), st.integers(20, 80))
@settings(max_examples=30)
def test_whatever_stands_around_the_command(texts: list[str], width: int) -> None:
    env = [{"name": f"V{at}", "value": text} for at, text in enumerate(texts)]
    container = {"args": ["--name=cp1"], "command": ["etcd"], "env": env, "name": "etcd"}
    body = {"metadata": {"annotations": {"a": texts[0]}}, "spec": {"containers": [container]}}
    text = yaml.safe_dump(body, width=width, default_flow_style=False)
    found = manifest_edit.put(text, {"name": "cp2"}).text
    assert found == text.replace("--name=cp1", "--name=cp2")
