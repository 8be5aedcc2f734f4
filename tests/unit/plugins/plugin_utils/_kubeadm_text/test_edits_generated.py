# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit of a kubeadm configuration on made-up files: exactly the change, no other line touched, once is enough.

The witness is libyaml's reader, the one that kubeadm's is a translation of; what is edited is read by PyYAML's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit, read
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.yaml_style import quote

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Draw = Any

NAMES = ("max-wals", "max-snapshots", "snapshot-count", "election-timeout", "heartbeat-interval", "log-level", "v8")
NEW = ("7", "true", "1e9", "debug", "a: b", "# c", "it's", 'say "x"', "\\", "", "null", "\u00fc", "0x10", "- a", "y")
AT_LEAST = st.sampled_from([1, 1, 1, 2, 0])  # most examples change something that is there
COMMENTS = ("# comment", "#", "# a: b", "# - name: max-wals", "# ---", "# {", '# "', "# \u00fc")


@dataclass(frozen=True)
class Line:
    """A line of a made-up file; `owner` is the argument it belongs to, "" for what only holds arguments."""

    text: str
    owner: str | None = None


@dataclass(frozen=True)
class Made:
    lines: list[Line]
    is_list: bool
    line_break: str
    bom: bool
    ends: bool

    @property
    def text(self) -> str:
        joined = self.line_break.join(line.text for line in self.lines)
        return ("\ufeff" if self.bom else "") + joined + (self.line_break if self.ends else "")


@st.composite
def scalar(draw: Draw, value: str, *, plain: bool) -> str:
    """The string in one of the ways to write it."""
    ways = [quote(value), "'" + value.replace("'", "''") + "'", f"{quote(value)} # c", f"!!str {quote(value)}"]
    if plain and value.isalpha() and value not in ("true", "null", "y"):
        ways += [value, f"{value}   # c"]
    return str(draw(st.sampled_from(ways)))


@st.composite
def entry(draw: Draw, name: str, *, is_list: bool, indent: int, dash: int, mine: bool) -> list[Line]:
    """One argument. What will be set or removed may be written in ways that kubeadm refuses."""
    value = draw(st.sampled_from(NEW))
    written = draw(scalar(value, plain=True))
    if mine:
        written = draw(st.sampled_from([written.replace("!!str ", ""), "8", "true", "1.5", "08", "null", "~", ""]))
    pad = " " * indent
    shown = draw(st.sampled_from([name, quote(name), f"'{name}'"]))
    if not is_list:
        found = [f"{pad}{shown}: {written}".rstrip()]
    elif draw(st.integers(0, 9)) == 0 and not mine:
        found = [f"{pad}- {{name: {shown}, value: {quote(value)}}}"]
    else:
        keys = [f"name: {shown}", f"value: {written}".rstrip()]
        if draw(st.integers(0, 4)) == 0:
            keys.append(draw(st.sampled_from(["mergeMethod: append", "unknown: {a: [b]}", "other: 'y'"])))
        if draw(st.integers(0, 9)) == 0 and mine:
            del keys[1]
        keys = draw(st.permutations(keys))
        inner = pad + " " * dash
        found = [f"{pad}-{' ' * (dash - 1)}{keys[0]}", *(inner + key for key in keys[1:])]
        if draw(st.integers(0, 9)) == 0:
            found = [f"{pad}-", f"{inner}# first", *(inner + key for key in keys)]
    return [Line(line, name) for line in found]


def strewn(draw: Draw, lines: Iterable[Line], column: int) -> Iterator[Line]:
    """The lines with comments and blank lines before some of them."""
    for line in lines:
        if draw(st.integers(0, 7)) == 0:
            yield Line(draw(st.sampled_from(["", " " * column + draw(st.sampled_from(COMMENTS)), "   "])))
        yield line


OTHERS = (
    ["clusterName: kubernetes"],
    ["controlPlaneEndpoint: 'cp:6443' # lb"],
    ["apiServer:", "  extraArgs: []", "  certSANs: [a, 'b']"],
    ["networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}"],
    ["dns: {}"],
    ["featureGates:", "  A: true", "  B: false"],
    ["notes: |", "  a: b", "  # no comment", "  - c"],
    ["folded: >-", "  a", "", "  b"],
    ["shared: &s {a: 1}", "again: *s"],
    ['quoted: "a', '  b"'],
    ["etcdX:", "  local:", "    extraArgs: {max-wals: '1'}"],
)
DOCUMENTS = (
    ["apiVersion: kubeadm.k8s.io/v1beta4", "kind: InitConfiguration", "nodeRegistration:", "  name: cp # name"],
    ["apiVersion: kubelet.config.k8s.io/v1beta1", "kind: KubeletConfiguration", "# etcd:", "cgroupDriver: systemd"],
    ["# foo", "apiVersion: example.com/v1", "kind: Foo", "etcd: {local: {extraArgs: {max-wals: 1}}}", "a: [1, 2.5]"],
)


@st.composite
def etcd_section(draw: Draw, names: list[str], mine: set[str], *, is_list: bool, step: int) -> list[Line]:
    """etcd.local.extraArgs, or as much of it as there is."""
    dash, offset = draw(st.sampled_from([2, 2, 4])), draw(st.sampled_from([0, step]))
    empty = draw(st.sampled_from(["", " ", " null", " ~", " {}", " {} # none", " # later"]))
    depth = draw(st.sampled_from([3, 3, 3, 3, 3, 0, 1, 2])) if names else draw(st.integers(0, 3))
    if depth == 0:
        return [Line(f"etcd:{empty}", "")] if draw(st.booleans()) else []
    found = [Line(draw(st.sampled_from(["etcd:", "etcd: # e", '"etcd":'])))]
    if depth == 1:
        return [*found, Line(f"{' ' * step}local:{empty}", "")]
    found.append(Line(f"{' ' * step}local:{draw(st.sampled_from(['', ' # l', ' &l']))}"))
    beside = [Line(f"{' ' * step * 2}dataDir: /var/lib/etcd"), Line(f"{' ' * step * 2}imageTag: '3.5.9-0'")]
    beside = beside[: draw(st.integers(0, 2))]
    if depth == 2:
        return [*found, *(beside or [Line(f"{' ' * step * 2}dataDir: /x")])]
    if not names:
        empty = empty.replace("{}", "[]" if is_list else "{}")
        args = [Line(f"{' ' * step * 2}extraArgs:{empty}", "")]
    else:
        args = [Line(f"{' ' * step * 2}extraArgs:{draw(st.sampled_from(['', '  # a']))}")]
        indent = step * 2 + (offset if is_list else step)
        for name in names:
            lines = draw(entry(name, is_list=is_list, indent=indent, dash=dash, mine=name in mine))
            args += strewn(draw, lines[:1], indent)
            args += lines[1:]
    at = draw(st.integers(0, len(beside)))
    return [*found, *beside[:at], *args, *beside[at:]]


@st.composite
def made(draw: Draw) -> tuple[Made, dict[str, str], list[str]]:
    """A file that kubeadm would take, once what is wanted is set and removed."""
    is_list = draw(st.booleans())
    step = draw(st.sampled_from([2, 2, 2, 4, 3, 1]))
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=draw(AT_LEAST), max_size=4, unique=True))
    wanted = {name: draw(st.sampled_from(NEW)) for name in chosen[: draw(st.integers(0, len(chosen)))]}
    remove = [name for name in chosen if name not in wanted]
    names = draw(st.lists(st.sampled_from(NAMES), min_size=draw(AT_LEAST), max_size=5))
    version = draw(st.sampled_from(["v1beta4", "v1beta4", "v1", "v1beta5"] if is_list else ["v1beta3", "v1beta2"]))
    parts = [
        [Line(f"apiVersion: kubeadm.k8s.io/{version}")],
        [Line("kind: ClusterConfiguration")],
        [Line("kubernetesVersion: v1.36.0 # pinned")],
        draw(etcd_section(names, set(chosen), is_list=is_list, step=step)),
        *(
            [Line(line) for line in lines]
            for lines in draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique_by=id))
        ),
    ]
    body: list[Line] = []
    for part in draw(st.permutations(parts)):
        body += strewn(draw, part[:1], 0)
        body += part[1:]
    before = draw(st.lists(st.sampled_from(DOCUMENTS), max_size=2, unique_by=id))
    behind = [document for document in DOCUMENTS if document not in before][: draw(st.integers(0, 1))]
    lines = [Line("--- # first")] if draw(st.booleans()) else []
    for document in before:
        lines += [*map(Line, document), Line("---")]
    lines += body
    for document in behind:
        lines += [Line(draw(st.sampled_from(["---", "--- # next", "---  "]))), *map(Line, document)]
    if draw(st.integers(0, 3)) == 0:
        lines += [Line(draw(st.sampled_from(["", "# the end", "..."])))]
    line_break = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return Made(lines, is_list, line_break, draw(st.booleans()), draw(st.booleans())), wanted, remove


def arguments(document: Any) -> Any:
    """etcd.local.extraArgs, taken out of the document; what only held it goes as well."""
    etcd = document.get("etcd") or {}
    local = etcd.get("local") or {}
    found = local.pop("extraArgs", None)
    if not local:
        etcd.pop("local", None)
    if not etcd:
        document.pop("etcd", None)
    return found


def parsed(text: str) -> tuple[list[Any], Any]:
    """All documents without the arguments, and the arguments."""
    documents = list(yaml.load_all(text, Loader=Loader))
    (ours,) = [document for document in documents if document["kind"] == "ClusterConfiguration"]
    return documents, arguments(ours)


def same_but_the_change(old: Any, new: Any, is_list: bool, wanted: dict[str, str], remove: list[str]) -> None:
    if not is_list:
        kept = {name: value for name, value in (old or {}).items() if name not in remove}
        assert (new or {}) == {**kept, **wanted}
        # An argument that is new comes last, the others keep their order.
        assert list(new or {}) == list({**kept, **wanted})
        return
    touched = {*wanted, *remove}
    old, new = old or [], new or []
    assert [each for each in new if each["name"] not in touched] == [
        each for each in old if each["name"] not in touched
    ]
    assert not [each for each in new if each["name"] in remove]
    for name, value in wanted.items():
        (one,) = (each for each in new if each["name"] == name)
        assert one["value"] == value
        rest = {key: each for key, each in one.items() if key != "value"}
        were = [{key: each for key, each in was.items() if key != "value"} for was in old if was["name"] == name]
        assert rest in (were or [{"name": name}])
    there = [each["name"] for each in old]
    assert [each["name"] for each in new if each["name"] not in there] == [name for name in wanted if name not in there]


def untouched(given_file: Made, result: str, wanted: dict[str, str], remove: list[str]) -> None:
    """Every line that had not to change is in the result, in its order; what is new there belongs to the change."""
    changing = {*wanted, *remove}
    left = result.removeprefix("\ufeff").split(given_file.line_break)
    position = 0
    for line in given_file.lines:
        if line.owner in changing or line.owner == "":
            continue
        while position < len(left) and left[position] != line.text:
            assert of_the_change(left[position], changing), left[position]
            position += 1
        assert position < len(left), f"{line.text!r} is gone"
        position += 1
    assert all(of_the_change(line, changing) for line in left[position:])
    assert result.startswith("\ufeff") == given_file.bom
    assert given_file.line_break == "\r\n" or "\r" not in result
    assert "\n" not in result.replace("\r\n", "") or given_file.line_break == "\n"


OF_THE_CHANGE = ("value:", "mergeMethod:", "unknown:", "other:", "etcd:", "local:", "extraArgs:", "name:", "# first")


def of_the_change(line: str, changing: set[str]) -> bool:
    bare = line.strip().removeprefix("-").strip()
    return not bare or bare.startswith(OF_THE_CHANGE) or any(name in bare for name in changing)


def look(made_up: tuple[Made, dict[str, str], list[str]]) -> None:
    given_file, wanted, remove = made_up
    before = given_file.text
    edited = edit(before, wanted, remove)
    old_documents, old = parsed(before)
    new_documents, new = parsed(edited.text)
    assert new_documents == old_documents
    same_but_the_change(old, new, given_file.is_list, wanted, remove)
    untouched(given_file, edited.text, wanted, remove)
    assert edit(edited.text, wanted, remove).text == edited.text
    assert read(edited.text) == edited.extra_args
    assert {name: edited.extra_args[name] for name in wanted} == wanted
    if given_file.ends or all(line.text.strip() for line in given_file.lines):
        assert edited.text.endswith("\n") == given_file.ends


# Two, so that they may run side by side: together two thousand files.
@settings(max_examples=1000)
@given(made())
def test_exactly_the_change(made_up: tuple[Made, dict[str, str], list[str]]) -> None:
    look(made_up)


@settings(max_examples=1000)
@given(made())
def test_exactly_the_change_in_other_files(made_up: tuple[Made, dict[str, str], list[str]]) -> None:
    look(made_up)


@settings(max_examples=100)
@given(made())
def test_nothing_wanted_nothing_changed(made_up: tuple[Made, dict[str, str], list[str]]) -> None:
    given_file, wanted, remove = made_up
    edited = edit(given_file.text, wanted, remove).text
    assert edit(edited, {}).text == edited
