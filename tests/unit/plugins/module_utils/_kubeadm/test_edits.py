# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit of a kubeadm configuration: exactly the lines that have to change, or a sentence why not.

What the real kubeadm does with each form stands beside the refusals; the forms were tried with 1.20 to 1.37.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import documents, yaml_nodes
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.edits import edit, read
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.yaml_style import quote

CONFIGS = DATA / "kubeadm/configs"
MANDATORY = "kubeadm takes that for an empty document and refuses the whole file (kind and apiVersion is mandatory)."

OURS = {"quota-backend-bytes": "8GiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}
QUOTA = {"quota-backend-bytes": "8589934592"}


def head(version: str) -> str:
    return f"apiVersion: kubeadm.k8s.io/{version}\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.0\n"


V3, V4 = head("v1beta3"), head("v1beta4")
LOCAL = "etcd:\n  local:\n    dataDir: /var/lib/etcd\n"
LIST = V4 + LOCAL + '    extraArgs:\n    - name: quota-backend-bytes\n      value: "1073741824"\n'
MAP = V3 + LOCAL + '    extraArgs:\n      quota-backend-bytes: "1073741824"\n'
INIT = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"
KUBELET = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def refused(text: str, wanted: Mapping[str, Any], remove: tuple[str, ...] = ()) -> tuple[str, str]:
    """The reason and the advice."""
    with pytest.raises(Refused) as caught:
        edit(text, wanted, remove)
    return str(caught.value), caught.value.advice


def differing(before: str, after: str) -> dict[int, str]:
    """The lines that differ between two texts of as many lines, by their number."""
    old, new = before.splitlines(), after.splitlines()
    assert len(old) == len(new)
    return {number: line for number, (was, line) in enumerate(zip(old, new, strict=True), start=1) if was != line}


# --- every recorded file ---

# The lines that change when quota, mode and retention are set.
IN_PLACE: list[tuple[str, str, dict[int, str]]] = [
    ("map", "v1beta3-cc", {10: '      auto-compaction-retention: "1h"'}),
    ("map, no version", "v1beta3-cc-nover", {9: '      auto-compaction-retention: "1h"'}),
    ("map, misspelt field beside it", "v1beta3-cc-typo", {11: '      auto-compaction-retention: "1h"'}),
    ("map, unknown field", "v1beta3-cc-unknown", {11: '      auto-compaction-retention: "1h"'}),
    (
        "map, unquoted numbers",
        "v1beta3-cc-unquoted",
        {8: '      quota-backend-bytes: "8589934592"', 10: '      auto-compaction-retention: "1h"'},
    ),
    ("map among other documents", "v1beta3-multi", {18: '      auto-compaction-retention: "1h"'}),
    ("list", "v1beta4-cc", {13: '      value: "1h"'}),
    ("list, no version", "v1beta4-cc-nover", {12: '      value: "1h"'}),
    ("list, misspelt field beside it", "v1beta4-cc-typo", {14: '      value: "1h"'}),
    ("list, unknown field", "v1beta4-cc-unknown", {14: '      value: "1h"'}),
    (
        "list, unquoted number and boolean",
        "v1beta4-cc-unqbool",
        {9: '      value: "8589934592"', 11: '      value: "periodic"', 13: '      value: "1h"'},
    ),
    ("list, unquoted numbers", "v1beta4-cc-unquoted", {9: '      value: "8589934592"', 13: '      value: "1h"'}),
    ("list among other documents", "v1beta4-multi", {21: '      value: "1h"'}),
]


def recorded_config(name: str) -> str:
    return (CONFIGS / f"{name}.config").read_text("utf-8")


def both_maps(rows: list[tuple[Any, ...]]) -> list[Any]:
    """The rows, and those of v1beta3 for v1beta2 as well, which has the same shape."""
    older = [
        (row[0].replace("map", "older map"), row[1].replace("v1beta3", "v1beta2"), *row[2:])
        for row in rows
        if row[1].startswith("v1beta3")
    ]
    return table([*older, *rows])


@pytest.mark.parametrize(("name", "changes"), both_maps(IN_PLACE))
def test_recorded_file(name: str, changes: dict[int, str]) -> None:
    before = recorded_config(name)
    edited = edit(before, OURS)
    assert differing(before, edited.text) == changes
    assert edited.extra_args == {**OURS, "quota-backend-bytes": "8589934592"}
    again = edit(edited.text, OURS)
    assert (again.text, again.extra_args) == (edited.text, edited.extra_args)


@pytest.mark.parametrize(
    ("name", "sentence"),
    both_maps(
        [
            ("map, no version", "v1beta3-cc-nover", "No kubernetesVersion is given: kubeadm looks it up on the"),
            ("list, no version", "v1beta4-cc-nover", "No kubernetesVersion is given: kubeadm looks it up on the"),
            ("map, typo", "v1beta3-cc-typo", "etcd.local.extraArg in line 7 is unknown to kubeadm, which ignores it"),
            ("list, typo", "v1beta4-cc-typo", "etcd.local.extraArg in line 7 is unknown to kubeadm, which ignores it"),
        ]
    ),
)
def test_recorded_file_with_a_warning(name: str, sentence: str) -> None:
    (warning,) = edit(recorded_config(name), OURS).warnings
    assert warning.startswith(sentence)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    both_maps([("map", "v1beta3-cc-dup", [9], [11]), ("list", "v1beta4-cc-dup", [10, 11], [14, 15])]),
)
def test_recorded_duplicate(name: str, first: list[int], last: list[int]) -> None:
    """One remains, if one is right already then that one."""
    before = recorded_config(name)
    for mode, gone in (("periodic", last), ("revision", first)):
        edited = edit(before, {"auto-compaction-mode": mode, "auto-compaction-retention": "8"})
        lines = enumerate(before.splitlines(keepends=True), start=1)
        assert edited.text == "".join(line for number, line in lines if number not in gone)
    left = edit(before, QUOTA)
    assert left.text == before
    assert left.warnings[0].startswith("auto-compaction-mode is given more than once: the last one counts")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("v1beta2-noextra", ["    extraArgs:", '      quota-backend-bytes: "8589934592"']),
        ("v1beta3-noextra", ["    extraArgs:", '      quota-backend-bytes: "8589934592"']),
        ("v1beta4-noextra", ["    extraArgs:", "    - name: quota-backend-bytes", '      value: "8589934592"']),
    ],
)
def test_recorded_file_without_extra_args(name: str, lines: list[str]) -> None:
    before = recorded_config(name)
    assert edit(before, QUOTA).text == before + "".join(f"{line}\n" for line in lines)


REFUSED_FILES: list[tuple[str, str, str]] = [
    # kubeadm, all: kind and apiVersion is mandatory information that must be specified
    ("map, empty document", "v1beta3-emptydocs", f"Line 14 holds only comments, after a ---: {MANDATORY}"),
    ("list, empty document", "v1beta4-emptydocs", f"Line 17 holds only comments, after a ---: {MANDATORY}"),
    # kubeadm, all: says nothing, writes nothing, exits with 0
    ("map, external etcd", "v1beta3-external", "etcd is external here (etcd.external on line 6): kubeadm does not"),
    ("list, external etcd", "v1beta4-external", "etcd is external here (etcd.external on line 6): kubeadm does not"),
    # kubeadm: kind "ClusterConfiguration" is specified twice in YAML file
    ("map, two", "v1beta3-twocc", 'kind "ClusterConfiguration" is specified twice in it: lines 1 and 12.'),
    ("list, two", "v1beta4-twocc", 'kind "ClusterConfiguration" is specified twice in it: lines 1 and 15.'),
    # kubeadm: cannot unmarshal bool into Go struct field (it does not say which); here another one than ours
    (
        "map, unquoted boolean",
        "v1beta3-cc-unqbool",
        "experimental-initial-corrupt-check, true, in line 9 is a boolean, not a string: kubeadm refuses the whole",
    ),
]


@pytest.mark.parametrize(("name", "sentence"), both_maps(REFUSED_FILES))
def test_recorded_file_refused(name: str, sentence: str) -> None:
    reason, advice = refused(recorded_config(name), OURS)
    assert sentence in reason
    assert advice


@pytest.mark.parametrize("version", ["v1beta2", "v1beta3", "v1beta4"])
def test_recorded_file_with_a_number_that_is_not_ours(version: str) -> None:
    before = recorded_config(f"{version}-cc-unquoted")
    reason, advice = refused(before, QUOTA)
    assert reason.startswith("auto-compaction-retention, 8, in line 1")
    assert reason.endswith("is a number, not a string: kubeadm refuses the whole file.")
    assert advice == 'Put it in quotes: "8", or set it in extra_args.'


def test_every_recorded_file_is_tested() -> None:
    rows = [*IN_PLACE, *REFUSED_FILES]
    tested = {row[1] for row in rows} | {row[1].replace("v1beta3", "v1beta2") for row in rows}
    tested |= {f"v1beta{number}-{name}" for number in (2, 3, 4) for name in ("cc-dup", "noextra")}
    assert tested == {path.stem for path in CONFIGS.iterdir()}
    assert len(tested) == 36


# --- forms that kubeadm reads (kubeadm: ok) ---

KEPT: list[tuple[str, str]] = [
    ("leading ---", f"---\n{LIST}"),
    ("--- with a comment", f"--- # ours\n{LIST}"),
    ("--- with a blank", f"--- \n{LIST}"),
    ("comment without ---", f"# ours\n\n{LIST}"),
    ("comment behind ---", f"---\n# ours\n{LIST}"),
    ("trailing ---", f"{LIST}---\n"),
    ("trailing --- without a line break", f"{LIST}---"),
    ("trailing ...", f"{LIST}...\n"),
    ("trailing ... and ---", f"{LIST}...\n---\n"),
    ("blank lines and comments at the end", f"{LIST}\n# the end\n\n"),
    ("two --- between documents", f"{LIST}---\n---\n{KUBELET}"),
    ("InitConfiguration before", f"{INIT}---\n{LIST}"),
    ("InitConfiguration behind", f"{LIST}---\n{INIT}"),
    ("JoinConfiguration beside", f"{LIST}---\n{INIT.replace('Init', 'Join')}"),
    ("UpgradeConfiguration beside", f"{LIST}---\n{INIT.replace('Init', 'Upgrade')}"),
    ("ResetConfiguration before", f"{INIT.replace('Init', 'Reset')}---\n{LIST}"),
    ("other kinds", f"{KUBELET}---\n{LIST}--- # c\napiVersion: example.com/v1\nkind: Foo\na: [1, {{b: c}}]\n"),
    ("UTF-8 BOM", f"\ufeff{LIST}"),
    ("BOM and ---", f"\ufeff---\n{LIST}"),
    ("indented by one blank", "".join(f" {line}\n" for line in LIST.splitlines())),
    ("v1", LIST.replace("v1beta4", "v1")),
    ("v1beta5", LIST.replace("v1beta4", "v1beta5")),
    ("v2alpha1", LIST.replace("v1beta4", "v2alpha1")),
    ("v1beta3", MAP),
    ("v1beta1", MAP.replace("v1beta3", "v1beta1")),
    ("quoted keys", MAP.replace("extraArgs:", '"extraArgs":').replace("quota-backend-bytes", "'quota-backend-bytes'")),
    ("anchor that is used elsewhere", f"{LIST}apiServer: &x\n  extraArgs: []\ncontrollerManager: *x\n"),
    ("anchor that nobody uses", LIST.replace("  local:", "  local: &local")),
    ("merge elsewhere", f"{LIST}apiServer:\n  <<: &x\n    a: b\n"),
    ("metadata", f"{LIST}metadata:\n  name: config\n"),
    ("umlauts", f"# Gr\u00fc\u00dfe \U0001f600\n{LIST}"),
    ("comments all over", LIST.replace("\n", " # c\n")),
    ("external: null", LIST.replace("etcd:", "etcd:\n  external:")),
    ("value with single quotes", LIST.replace('"1073741824"', "'1073741824'")),
    ("value over two lines", LIST.replace('"1073741824"', '"10737\\\n        41824"')),
    (
        "key order",
        LIST.replace(
            '- name: quota-backend-bytes\n      value: "1073741824"',
            '- value: "1073741824"\n      name: quota-backend-bytes',
        ),
    ),
]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("ending", ["", "without the last line break"])
@pytest.mark.parametrize("text", table(KEPT))
def test_everything_else_is_kept(text: str, line_break: str, ending: str) -> None:
    before = (text.rstrip("\n") if ending else text).replace("\n", line_break)
    written = next(form for form in ('"1073741824"', "'1073741824'", '"10737\\') if form in before)
    start = before.index(written)
    end = before.index(written[0], start + 1) + 1
    assert edit(before, QUOTA).text == before[:start] + '"8589934592"' + before[end:]
    assert edit(before, {"quota-backend-bytes": 1073741824}).text == before
    longer = edit(before, {"max-wals": "7"})
    added = [line for line in longer.text.split(line_break) if "max-wals" in line]
    assert len(added) == 1
    assert longer.extra_args == {"quota-backend-bytes": "1073741824", "max-wals": "7"}
    assert edit(longer.text, {}, ["max-wals"]).text == before


EQUAL: list[tuple[str, str]] = [
    ("double", '"8"'),
    ("single", "'8'"),
    ("tag", "!!str 8"),
    ("literal", "|-\n        8"),
    ("comment behind", '"8" # eight'),
    ("escaped", '"\\x38"'),
    ("flow entry", ""),
]


@pytest.mark.parametrize("written", table(EQUAL))
def test_equal_is_left_alone(written: str) -> None:
    entry = f"- name: max-wals\n      value: {written}" if written else '- {name: max-wals, value: "8"}'
    text = f"{V4}{LOCAL}    extraArgs:\n    {entry}\n"
    assert edit(text, {"max-wals": "8"}).text == text


UNQUOTED: list[tuple[str, str, str]] = [
    ("number", "8", "8"),
    ("number for kubeadm alone", "08", "08"),
    ("exponent", "1e9", "1e9"),
    ("hexadecimal", "0x10", "0x10"),
    ("underscores", "1_000", "1_000"),
    ("float", "1.5", "1.5"),
    ("boolean", "true", "true"),
    ("boolean for kubeadm alone", "y", "y"),
    ("old boolean", "off", "off"),
    ("number for PyYAML alone", "1:30", "1:30"),
    ("date for PyYAML alone", "2026-01-01", "2026-01-01"),
    ("null", "null", "null"),
    ("tilde", "~", "~"),
    ("empty", "", "x"),
]


@pytest.mark.parametrize(("written", "wanted"), table(UNQUOTED))
def test_unquoted_is_quoted(written: str, wanted: str) -> None:
    for text in (
        f"{V4}{LOCAL}    extraArgs:\n    - name: max-wals\n      value: {written} # c\n",
        f"{V3}{LOCAL}    extraArgs:\n      max-wals: {written} # c\n",
    ):
        edited = edit(text, {"max-wals": wanted})
        before, after = (f": {written} # c", f': "{wanted}" # c') if written else (":  # c", f': "{wanted}"  # c')
        assert edited.text == text.replace(before, after)
        assert edited.extra_args == {"max-wals": wanted}


# --- what is made where nothing is ---

MISSING: list[tuple[str, str, str]] = [
    ("no etcd", "", "{etcd}"),
    ("no etcd, more behind", "dns: {}\n", "dns: {}\n{etcd}"),
    ("etcd null", "etcd:\ndns: {}\n", "{etcd}dns: {}\n"),
    ("etcd null, said", "etcd: null # none\ndns: {}\n", "etcd: # none\n{local}dns: {}\n"),
    ("etcd tilde", "etcd: ~\n", "{etcd}"),
    ("etcd empty", "etcd: {}\n", "{etcd}"),
    ("etcd empty, commented", "etcd: {}  # none\n", "etcd:  # none\n{local}"),
    ("local null", "etcd:\n  local:\n", "{etcd}"),
    ("local empty", "etcd:\n  local: {}\n", "{etcd}"),
    ("local empty, more behind", "etcd:\n  local: {}\n\n# x\ndns: {}\n", "{etcd}\n# x\ndns: {}\n"),
    ("only external: null", "etcd:\n  external: null\n", "etcd:\n  external: null\n{local}"),
    ("extraArgs null", f"{LOCAL}    extraArgs:\n    imageTag: x\n", LOCAL + "{args}    imageTag: x\n"),
    ("extraArgs null, said", f"{LOCAL}    extraArgs: null\n", LOCAL + "{args}"),
    ("extraArgs []", f"{LOCAL}    extraArgs: []\n", LOCAL + "{args}"),
    ("extraArgs {}", f"{LOCAL}    extraArgs: {{}}\n", LOCAL + "{args}"),
    ("extraArgs [] over two lines", f"{LOCAL}    extraArgs: [\n    ]\n", LOCAL + "{args}"),
    ("comment below", f"{LOCAL}    # later\n", LOCAL + "{args}    # later\n"),
    (
        "comment below the null",
        f"{LOCAL}    extraArgs:\n    # - x\ndns: {{}}\n",
        LOCAL + "{args}    # - x\ndns: {{}}\n",
    ),
]
ARGS = {
    V3: '    extraArgs:\n      quota-backend-bytes: "8589934592"\n',
    V4: '    extraArgs:\n    - name: quota-backend-bytes\n      value: "8589934592"\n',
}


@pytest.mark.parametrize("version", [V3, V4], ids=["map", "list"])
@pytest.mark.parametrize(("rest", "expected"), table(MISSING))
def test_missing_is_made(version: str, rest: str, expected: str) -> None:
    args = ARGS[version]
    for key, lines in (("{etcd}", "etcd:\n{local}"), ("{local}", "  local:\n{args}"), ("{args}", args), ("{{}}", "{}")):
        expected = expected.replace(key, lines)
    assert edit(version + rest, QUOTA).text == version + expected
    # The same at the end of the file without a line break, before another document, and with the other line breaks.
    assert edit(f"{version}{rest}---\n{KUBELET}", QUOTA).text == f"{version}{expected}---\n{KUBELET}"
    assert edit((version + rest).replace("\n", "\r\n"), QUOTA).text == (version + expected).replace("\n", "\r\n")
    if not rest.endswith("# later\n"):
        without = edit((version + rest).rstrip("\n"), QUOTA).text
        assert without == (version + expected).rstrip("\n")


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


def test_added_behind_the_last_entry() -> None:
    behind = "    # about the tag\n    imageTag: 3.5.9-0\n"
    edited = edit(LIST + behind, {"max-wals": "7", "name-8": "a: b # c"})
    assert edited.text == (
        f'{LIST}    - name: max-wals\n      value: "7"\n    - name: name-8\n      value: "a: b # c"\n{behind}'
    )
    mapped = edit(MAP + behind, {"max-wals": "7", "1": 'a "b" \\'})
    assert mapped.text == f'{MAP}      max-wals: "7"\n      "1": "a \\"b\\" \\\\"\n{behind}'
    assert mapped.extra_args["1"] == 'a "b" \\'


def test_added_to_a_list_deeper_than_its_key() -> None:
    text = f"{V4}{LOCAL}    extraArgs:\n        # first\n        -\n          name: a\n          value: b\n"
    expected = f'{text}        - name: max-wals\n          value: "7"\n'
    assert edit(text, {"max-wals": "7"}).text == expected


def test_unknown_keys_of_an_entry_stay() -> None:
    text = LIST.replace("      value", "      mergeMethod: append # new\n      value")
    assert edit(text, QUOTA).text == text.replace("1073741824", "8589934592")


def test_entry_without_value_gets_one() -> None:
    text = f"{V4}{LOCAL}    extraArgs:\n    - name: quota-backend-bytes # q\n      mergeMethod: x\n"
    assert edit(text, QUOTA).text == text.replace("# q\n", '# q\n      value: "8589934592"\n')


# --- removing ---

REMOVED: list[tuple[str, str, str]] = [
    ("map, first", f'{MAP}      max-wals: "7"\n', f'{V3}{LOCAL}    extraArgs:\n      max-wals: "7"\n'),
    ("map, only", MAP, f"{V3}{LOCAL}    extraArgs:\n"),
    ("map, comments stay", f"{MAP}      # x\n", f"{V3}{LOCAL}    extraArgs:\n      # x\n"),
    ("map, folded", MAP.replace('"1073741824"', '>-\n        "1\n\n        2"'), f"{V3}{LOCAL}    extraArgs:\n"),
    ("list, only", LIST, f"{V4}{LOCAL}    extraArgs:\n"),
    ("list, own comment", LIST.replace("bytes\n", "bytes # gone\n"), f"{V4}{LOCAL}    extraArgs:\n"),
    (
        "list, flow entry",
        f"{V4}{LOCAL}    extraArgs:\n    - {{name: quota-backend-bytes, value: a}}\n",
        f"{V4}{LOCAL}    extraArgs:\n",
    ),
    (
        "list, dash on its own line",
        LIST.replace("- name", "-\n      # of the entry\n      name"),
        f"{V4}{LOCAL}    extraArgs:\n",
    ),
    ("twice", LIST + LIST.partition("extraArgs:\n")[2], f"{V4}{LOCAL}    extraArgs:\n"),
    ("not there", V4, V4),
    ("not there, in JSON", json.dumps(yaml.safe_load(V4)), json.dumps(yaml.safe_load(V4))),
]


@pytest.mark.parametrize(("before", "after"), table(REMOVED))
def test_removed(before: str, after: str) -> None:
    assert edit(before, {}, ["quota-backend-bytes"]).text == after


def test_removed_and_added_where_the_text_has_no_last_line_break() -> None:
    edited = edit(LIST.rstrip("\n"), {"max-wals": "7"}, ["quota-backend-bytes"])
    assert edited.extra_args == {"max-wals": "7"}
    assert edited.text == f'{V4}{LOCAL}    extraArgs:\n    - name: max-wals\n      value: "7"'


# --- forms that kubeadm refuses or ignores: with what it says ---

MAPPED_IN_LIST = f'{V4}{LOCAL}    extraArgs:\n      quota-backend-bytes: "1"\n'
LISTED_IN_MAP = f'{V3}{LOCAL}    extraArgs:\n    - name: quota-backend-bytes\n      value: "1"\n'

BAD_FORMS: list[tuple[str, str, str, str]] = [
    # invalid configuration for GroupVersionKind /, Kind=: kind and apiVersion is mandatory information
    (
        "comment before the first ---",
        f"# ours\n---\n{LIST}",
        f"Line 1 holds only comments before the --- on line 2: {MANDATORY}",
        "Remove the --- on line 2, or move what is above it below it.",
    ),
    (
        "header before the first ---",
        f"#\n# Ansible managed\n#\n---\n{LIST}",
        "Lines 1 to 3 hold only comments before the --- on line 4: kubeadm takes",
        "Remove the --- on line 4",
    ),
    (
        "blank line before the first ---",
        f"\n---\n{LIST}",
        f"Line 1 holds only blank lines before the --- on line 2: {MANDATORY}",
        "Remove the --- on line 2",
    ),
    (
        "BOM, comment, ---",
        f"\ufeff# ours\n---\n{LIST}",
        "Line 1 holds only comments before the --- on line 2: ",
        "Remove the --- on line 2",
    ),
    (
        "--- twice at the start",
        f"---\n---\n{LIST}",
        "Line 1 holds only --- before the --- on line 2: ",
        "Remove the --- on line 2",
    ),
    (
        "empty document in the middle",
        f"{LIST}---\n\n---\n{KUBELET}",
        f"Line 11 holds only blank lines, after a ---: {MANDATORY}",
        "Remove these lines",
    ),
    (
        "comments in the middle",
        f"{LIST}---\n# a\n# b\n---\n{KUBELET}",
        "Lines 11 to 12 hold only comments, after a ---: ",
        "Remove these lines",
    ),
    (
        "--- three times",
        f"{LIST}---\n---\n---\n{KUBELET}",
        "Line 11 holds only ---, after a ---: ",
        "Remove these lines",
    ),
    (
        "blank line behind the last ---",
        f"{LIST}---\n\n",
        "Line 11 holds only blank lines, after a ---: ",
        "Remove these lines",
    ),
    (
        "comment behind the last ---",
        f"{LIST}---\n# end\n",
        "Line 11 holds only comments, after a ---: ",
        "Remove these lines",
    ),
    ("--- twice at the end", f"{LIST}---\n---\n", "Line 11 holds only ---, after a ---: ", "Remove these lines"),
    (
        "no apiVersion",
        LIST.partition("\n")[2],
        "that starts on line 1 has apiVersion '' and kind 'ClusterConfiguration'. kubeadm refuses",
        "Name a file that",
    ),
    (
        "no kind",
        LIST.replace("kind: ClusterConfiguration\n", ""),
        "has apiVersion 'kubeadm.k8s.io/v1beta4' and kind ''.",
        "Name a file that",
    ),
    (
        "ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  ClusterConfiguration: |\n    a: b\n",
        "has apiVersion 'v1' and kind 'ConfigMap'.",
        "the text of its key ClusterConfiguration alone",
    ),
    ("Pod", "apiVersion: v1\nkind: Pod\n", "has apiVersion 'v1' and kind 'Pod'.", "Name a file that"),
    # invalid configuration: kind "ClusterConfiguration" is specified twice in YAML file
    (
        "two",
        f"{LIST}---\n{LIST}",
        'kind "ClusterConfiguration" is specified twice in it: lines 1 and 11.',
        "Leave only",
    ),
    (
        "two, of two versions",
        f"{LIST}---\n# old\n{MAP}",
        'kind "ClusterConfiguration" is specified twice in it: lines 1 and 12.',
        "Leave only",
    ),
    (
        "another kind twice",
        f"{KUBELET}---\n{LIST}---\n{KUBELET}",
        'kind "KubeletConfiguration" is specified twice in it: lines 1 and 14.',
        "Leave only",
    ),
    # no InitConfiguration or ClusterConfiguration kind was found in the configuration file
    ("empty file", "", "It is empty: there is no ClusterConfiguration in it.", "the ConfigMap kubeadm-config"),
    (
        "only a JoinConfiguration",
        INIT.replace("Init", "Join"),
        "There is no ClusterConfiguration in it, only JoinConfiguration.",
        "the ConfigMap kubeadm-config",
    ),
    ("only an UpgradeConfiguration", INIT.replace("Init", "Upgrade"), "only UpgradeConfiguration.", "the ConfigMap"),
    ("only a ResetConfiguration", INIT.replace("Init", "Reset"), "only ResetConfiguration.", "the ConfigMap"),
    (
        "misspelt kind",
        LIST.replace("kind: C", "kind: c"),
        "There is no ClusterConfiguration in it, only clusterConfiguration.",
        "the ConfigMap",
    ),
    (
        "only comments",
        "# a\n\n",
        "Lines 1 to 2 hold only comments: there is no ClusterConfiguration in it.",
        "Name another",
    ),
    ("only ---", "---\n", "Line 1 holds only ---: there is no ClusterConfiguration in it.", "Name another file."),
    # takes a default ClusterConfiguration
    (
        "only an InitConfiguration",
        INIT,
        "There is no ClusterConfiguration in it, only InitConfiguration.",
        "the ConfigMap",
    ),
    # could not interpret GroupVersionKind; unmarshal error: error converting YAML to JSON: yaml: ...
    ("broken YAML", "a: [1\nb: 2\n", "It cannot be read as YAML: line 2: ", "Fix the YAML at that line."),
    (
        "broken YAML in a later document",
        f"{LIST}---\na: [1\nb: 2\n",
        "It cannot be read as YAML: line 12: ",
        "Fix the YAML at that line.",
    ),
    (
        "tab",
        LIST.replace("  local", "\tlocal"),
        "line 5: found character '\\t' that cannot start any token",
        "Fix the YAML at that line.",
    ),
    ("control character", LIST + "# \x00\n", "special characters are not allowed", "Fix the YAML at that line."),
    ("undefined alias", f"{LIST}dns: *no\n", "line 10: found undefined alias no", "Fix the YAML at that line."),
    ("directive", f"%YAML 1.1\n---\n{LIST}", "It cannot be read as YAML: ", "Fix the YAML at that line."),
    ("list", "- a\n", "The document that starts on line 1 is a list, but kubeadm wants a map.", ""),
    # invalid Yaml document separator
    (
        "content behind ---",
        f"{LIST}--- {{a: b}}\n",
        "Line 10 has text after the ---: kubeadm refuses",
        "Put it on",
    ),
    ("four dashes", f"{LIST}----\n{KUBELET}", "Line 10 has text after the ---: kubeadm refuses", "Put it on"),
    # reads no further
    (
        "document behind ...",
        f"{KUBELET}...\n{LIST}",
        "read as YAML: line 4: expected '<document start>'",
        "Fix the YAML at that line.",
    ),
    # no kind "ClusterConfiguration" is registered for version "kubeadm.example.com/v1beta4"
    (
        "another group",
        LIST.replace("kubeadm.k8s.io", "kubeadm.example.com"),
        "The ClusterConfiguration has apiVersion kubeadm.example.com/v1beta4;",
        "Migrate it",
    ),
    (
        "too old",
        MAP.replace("v1beta3", "v1alpha3"),
        "has apiVersion kubeadm.k8s.io/v1alpha3; kubeadm.k8s.io/v1beta1",
        "Migrate it",
    ),
    ("v1beta0", MAP.replace("v1beta3", "v1beta0"), "has apiVersion kubeadm.k8s.io/v1beta0;", "Migrate it"),
    ("no version", MAP.replace("v1beta3", "one"), "has apiVersion kubeadm.k8s.io/one;", "Migrate it"),
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
    ("text for etcd", f"{V4}etcd: a\n", "etcd on line 4 is a string, but kubeadm wants a map.", "Correct it."),
    (
        "list for local",
        f"{V4}etcd:\n  local: [a]\n",
        "etcd.local on line 5 is a list, but kubeadm wants a map.",
        "Correct it.",
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
    # json: cannot unmarshal array into Go struct field Arg.etcd.local.extraArgs.value of type string
    (
        "list as a value",
        f"{V4}{LOCAL}    extraArgs:\n    - name: a\n      value: [b]\n",
        "a in line 9 is a list, not a string: kubeadm refuses the whole file.",
        "Put it in quotes",
    ),
    (
        "number as a value",
        f"{V3}{LOCAL}    extraArgs:\n      a: 1e9\n",
        "a, 1e9, in line 8 is a number, not a string: kubeadm refuses the whole file.",
        'Put it in quotes: "1e9"',
    ),
    (
        "value with a tag",
        f"{V3}{LOCAL}    extraArgs:\n      a: !!int 8\n",
        "a, 8, in line 8 is a value with a tag, not a string",
        "Put it in quotes",
    ),
    # json: cannot unmarshal number into Go struct field ClusterConfiguration.kubernetesVersion of type string
    (
        "number for kubernetesVersion",
        LIST.replace("v1.36.0", "1.33"),
        "kubernetesVersion, 1.33, in line 3 is a number, not a string: kubeadm refuses the whole file.",
        'Write the whole version, in quotes, such as "1.33.0".',
    ),
    (
        "list for kubernetesVersion",
        MAP.replace("v1.36.0", "[v1.36.0]"),
        "kubernetesVersion in line 3 is a list, not a string: kubeadm refuses the whole file.",
        'in quotes, such as "1.33.0".',
    ),
    # a second local would be added, and the last one counts for kubeadm
    ("tag of a key", LIST.replace("  local:", "  ! local:"), "Line 5 has a key that is a value with a tag", "Write it"),
    ("tag of etcd", LIST.replace("etcd:", "!x etcd:"), "Line 4 has a key that is a value with a tag", "Write it as"),
    ("tag of extraArgs", LIST.replace("extraArgs:", "!x extraArgs:"), "Line 7 has a key that is a value with", "Write"),
    # not clear, and for kubeadm config validate an error
    (
        "etcd twice",
        f"{LIST}etcd:\n",
        "etcd is given more than once, in lines 4 and 10: it is not clear which one counts.",
        "Leave only",
    ),
    (
        "extraArgs twice",
        f"{LIST}    extraArgs: []\n",
        "etcd.local.extraArgs is given more than once, in lines 7 and 10",
        "Leave only",
    ),
    ("kind twice", f"{LIST}kind: Foo\n", "kind is given more than once, in lines 2 and 10", "Leave only"),
    # .Etcd.Local and .Etcd.External are mutually exclusive
    (
        "local and external",
        f"{V4}etcd:\n  local: {{}}\n  external:\n    endpoints: []\n",
        "etcd is external here (etcd.external on line 7)",
        "Set them where",
    ),
    # a line break for YAML alone
    (
        "lone carriage return",
        LIST.replace("kind", "# a\rkind"),
        "Line 2 holds '\\r', which ends a line for YAML",
        "Replace it",
    ),
    ("next line", f"# a\x85b: c\n{LIST}", "Line 1 holds '\\x85', which ends a line for YAML", "Replace it"),
    (
        "line separator",
        f"# a\u2028b: c\n{LIST}",
        "Line 1 holds '\\u2028', which ends a line for YAML",
        "Replace it",
    ),
]


@pytest.mark.parametrize(("text", "sentence", "advice"), table(BAD_FORMS))
def test_bad_form(text: str, sentence: str, advice: str) -> None:
    for wanted in ({}, QUOTA):
        reason, told = refused(text, wanted)
        assert sentence in reason
        assert advice in told
        assert bool(told) == bool(advice) or not wanted


# json: cannot unmarshal object into Go struct field ...: empty ones of the other shape are fatal as well
@pytest.mark.parametrize(
    ("version", "empty", "sentence"),
    [
        (V4, "{}", "etcd.local.extraArgs in line 7 is an empty map, but v1beta4 expects [] there: kubeadm refuses it."),
        (
            V3,
            "[]",
            "etcd.local.extraArgs in line 7 is an empty list, but v1beta3 expects {} there: kubeadm refuses it.",
        ),
    ],
)
def test_empty_of_the_other_shape(version: str, empty: str, sentence: str) -> None:
    text = f"{version}{LOCAL}    extraArgs: {empty}\n"
    assert refused(text, {}) == (sentence, "Remove the line.")
    assert edit(text, QUOTA).extra_args == QUOTA


# --- what cannot be edited in its place ---

BY_HAND = 'etcd:\n  local:\n    extraArgs:\n    - name: quota-backend-bytes\n      value: "8589934592"'
SHARED = "apiServer:\n  extraArgs: *x\n"

UNSAFE: list[tuple[str, str, str]] = [
    (
        "flow list",
        f"{V4}{LOCAL}    extraArgs: [{{name: quota-backend-bytes, value: '1'}}]\n",
        "Line 7 is in flow style",
    ),
    (
        "flow entry",
        f"{V4}{LOCAL}    extraArgs:\n    - {{name: quota-backend-bytes, value: '1'}}\n",
        "Line 8 is in flow style",
    ),
    ("flow local", f"{V4}etcd:\n  local: {{dataDir: /x}}\n", "Line 5 is in flow style"),
    ("flow etcd", f"{V4}etcd: {{local: {{}}}}\n", "Line 4 is in flow style"),
    (
        "anchor used elsewhere",
        LIST.replace("extraArgs:", "extraArgs: &x") + SHARED,
        "Line 7 is used elsewhere (&x): a change would affect those places as well.",
    ),
    (
        "anchor of etcd used elsewhere",
        LIST.replace("etcd:", "etcd: &x") + SHARED,
        "Line 4 is used elsewhere (&x)",
    ),
    (
        "alias",
        f"{V4}apiServer:\n  extraArgs: &x\n  - name: quota-backend-bytes\n    value: '1'\n{LOCAL}    extraArgs: *x\n",
        "Line 11 is an alias (*x): a change would affect other places as well.",
    ),
    ("alias of local", f"{V4}x: &x\n  dataDir: /x\netcd:\n  local: *x\n", "Line 7 is an alias (*x)"),
    (
        "entry used elsewhere",
        LIST.replace("- name", "- &x\n      name") + "dns: *x\n",
        "is used elsewhere (&x)",
    ),
    (
        "entry from elsewhere",
        f"{V4}x: &x\n  name: quota-backend-bytes\n  value: '1'\n{LOCAL}    extraArgs:\n    - *x\n",
        "is an alias (*x)",
    ),
    (
        "value with an anchor",
        LIST.replace('"1073741824"', '&x "1073741824"'),
        "The value of quota-backend-bytes in line 9 has an anchor, an alias or a tag (&x).",
    ),
    (
        "value from elsewhere",
        LIST.replace('"1073741824"', "*x").replace("dataDir: ", "dataDir: &x "),
        "The value of quota-backend-bytes in line 9 has an anchor, an alias or a tag (*x).",
    ),
    (
        "value with a tag",
        LIST.replace('"1073741824"', "!!str 1073741824"),
        "has an anchor, an alias or a tag (tag:yaml.org,2002:str).",
    ),
    ("tag", LIST.replace("extraArgs:", "extraArgs: !!seq"), "Line 7 has a tag (tag:yaml.org,2002:seq)"),
    (
        "literal value",
        LIST.replace('"1073741824"', "|-\n        1073741824"),
        "The value of quota-backend-bytes in line 9 is not a simple scalar.",
    ),
    (
        "map as the value",
        LIST.replace('"1073741824"', "\n        a: b"),
        "The value of quota-backend-bytes in line 10 is not a simple scalar.",
    ),
    ("empty with an anchor", f"{V4}{LOCAL}    extraArgs: &x\n", "Line 7 has an anchor (&x)."),
]


@pytest.mark.parametrize(("text", "sentence"), table(UNSAFE))
def test_unsafe_is_refused_with_the_lines(text: str, sentence: str) -> None:
    reason, advice = refused(text, QUOTA)
    assert sentence in reason
    assert advice.endswith(f"Write these lines by hand:\n{BY_HAND}")
    assert advice.startswith("Leave everything else in etcd and etcd.local.") is ("dataDir" in text)
    # What is told there is what would have been made.
    assert read(V4 + advice.partition("\n")[2]) == QUOTA


def test_json_is_refused_with_json() -> None:
    for version, shape in ((V3, QUOTA), (V4, [{"name": "quota-backend-bytes", "value": "8589934592"}])):
        text = json.dumps({**yaml.safe_load(version), "etcd": {"local": {"extraArgs": shape}}}, indent=2)
        assert edit(text, QUOTA).text == text
        reason, advice = refused(text.replace("8589934592", "1"), QUOTA)
        assert "is in flow style" in reason
        made = json.loads(advice.removeprefix("Write this by hand: "))  # nothing else is there
        assert made == {"etcd": {"local": {"extraArgs": shape}}}
        reason, advice = refused(json.dumps(yaml.safe_load(version)), QUOTA)
        assert reason.startswith("Line 1 is in JSON or flow style")


def test_lines_by_hand_hold_what_stays() -> None:
    text = f"{V3}{LOCAL}    extraArgs: {{max-wals: '7', quota-backend-bytes: '1', name: x, a: null}}\n"
    _reason, advice = refused(text, {**QUOTA, "b": "true"}, ("name",))
    assert advice == (
        "Leave everything else in etcd and etcd.local. Write these lines by hand:\netcd:\n  local:\n    extraArgs:\n"
        '      max-wals: "7"\n      quota-backend-bytes: "8589934592"\n      a: ""\n      b: "true"'
    )
    # Also what kubeadm would not take without quotes, and what else an entry says.
    unquoted = f"{V3}{LOCAL}    extraArgs: {{max-wals: 7, pre-vote: true, quota-backend-bytes: '1'}}\n"
    _reason, advice = refused(unquoted, QUOTA)
    assert '      max-wals: "7"\n      pre-vote: "true"\n      quota-backend-bytes: "8589934592"' in advice
    listed = f"{V4}{LOCAL}    extraArgs: [{{name: a, value: 7, mergeMethod: append}}]\n"
    _reason, advice = refused(listed, QUOTA)
    assert advice.startswith(
        "Leave everything else in etcd and etcd.local. Keep the other keys of a. Write these lines by hand:"
    )
    assert '    - name: a\n      value: "7"\n    - name: quota-backend-bytes\n' in advice
    _reason, advice = refused(f"{V3}{LOCAL}    extraArgs: {{a: b}}\n", {}, ("a",))
    assert advice == "Remove etcd.local.extraArgs by hand."


MERGES: list[tuple[str, str]] = [
    ("arguments", f"{V3}x: &x\n  a: b\n{LOCAL}    extraArgs:\n      <<: *x\n"),
    ("local", f"{V3}x: &x\n  a: b\netcd:\n  local:\n    <<: *x\n"),
    ("etcd", f"{V3}x: &x\n  a: b\netcd:\n  <<: *x\n"),
    ("document", f"{V3}x: &x\n  a: b\n<<: *x\n"),
    ("entry", f"{V4}x: &x\n  name: b\n{LOCAL}    extraArgs:\n    - <<: *x\n      value: c\n"),
]


@pytest.mark.parametrize("text", table(MERGES))
def test_merge_keys_are_refused(text: str) -> None:
    reason, advice = refused(text, QUOTA)
    assert "merges entries from elsewhere (<<): they cannot be changed safely" in reason
    assert advice == "Write the entries out in place of the <<."


def test_removing_what_is_shared_is_refused() -> None:
    text = LIST.replace("value: ", "value: &x ") + "clusterName: *x\n"
    reason, _advice = refused(text, {}, ("quota-backend-bytes",))
    assert reason == "The entry in line 8 has an anchor that is used elsewhere."
    complex_key = MAP.replace("      quota-backend-bytes:", "      ? quota-backend-bytes\n      :")
    reason, _advice = refused(complex_key, {}, ("quota-backend-bytes",))
    assert reason == "Line 8 contains more than this entry."
    reason, advice = refused(complex_key, {"max-wals": "7"})
    assert reason == "The lines around etcd.local.extraArgs are written in a way that cannot be edited safely."
    assert '      quota-backend-bytes: "1073741824"\n      max-wals: "7"' in advice


# --- warnings about what is there ---

ENVS = "    extraEnvs:\n    - name: ETCD_QUOTA_BACKEND_BYTES\n      value: '1'\n"

WARNED: list[tuple[str, str, str]] = [
    ("dashes", f"{MAP}      --max-wals: '7'\n", "--max-wals has leading dashes: kubeadm turns it into ----max-wals"),
    ("no bytes", MAP.replace("1073741824", "4G"), "quota-backend-bytes is '4G', which is not a number of bytes"),
    (
        "no octal",
        MAP.replace("1073741824", "08589934592"),
        "quota-backend-bytes is '08589934592', which is not a number of",
    ),
    ("null", MAP.replace('"1073741824"', ""), "quota-backend-bytes is '', which is not a number of bytes"),
    ("dashes in a list", LIST.replace("- name: q", "- name: --q"), "--quota-backend-bytes has leading dashes: kubeadm"),
    ("empty", f"{MAP}      snapshot-count: ''\n", "snapshot-count is empty: kubeadm turns it into --snapshot-count="),
    (
        "null for another",
        f"{MAP}      snapshot-count:\n",
        "snapshot-count is empty: kubeadm turns it into",
    ),
    ("no value in a list", f"{LIST}    - name: snapshot-count\n", "snapshot-count is empty: kubeadm turns"),
    (
        "line break",
        f"{MAP}      log-level: |\n        debug\n",
        "log-level is 'debug\\n': such characters do not belong",
    ),
    ("name with blanks", f"{MAP}      no-such flag: '7'\n", "'no-such flag' is not a valid flag name, and etcd does"),
    ("name with underscores", f"{MAP}      max_wals: '7'\n", "'max_wals' is not a valid flag name, and etcd does"),
    ("name", f"{MAP}      name: other\n", "name holds other. These arguments are the same on every control-plane node"),
    (
        "file",
        f"{MAP}      config-file: /x\n",
        "config-file is set: it makes etcd ignore every other argument.",
    ),
    ("data-dir", f"{MAP}      data-dir: /srv\n", "data-dir changes the flag alone"),
    ("address", f"{MAP}      listen-metrics-urls: http://192.0.2.1:2381\n", "listen-metrics-urls holds 192.0.2.1."),
    ("mode", f"{MAP}      auto-compaction-mode: hourly\n", "auto-compaction-mode is 'hourly': etcd knows periodic and"),
    (
        "retention",
        f"{MAP}      auto-compaction-mode: revision\n      auto-compaction-retention: 5m\n",
        "auto-compaction-retention is '5m' and auto-compaction-mode is revision: etcd would take it for a number so",
    ),
    ("twice", f"{MAP}      a: b\n      a: c\n", "a is given more than once: the last one counts."),
    (
        "twice in a list",
        LIST + LIST.partition("extraArgs:\n")[2],
        "quota-backend-bytes is given more than once: the last",
    ),
    (
        "variable",
        LIST + ENVS,
        "etcd.local.extraEnvs sets ETCD_QUOTA_BACKEND_BYTES and extraArgs quota-backend-bytes: etcd",
    ),
    ("typo", f"{MAP}    extra_args: {{}}\n", "etcd.local.extra_args in line 10 is unknown to kubeadm"),
    ("no version", MAP.replace("kubernetesVersion: v1.36.0\n", ""), "No kubernetesVersion is given: kubeadm looks"),
    ("null version", MAP.replace("v1.36.0", ""), "No kubernetesVersion is given: kubeadm looks it up on the internet"),
    *(
        (version, MAP.replace("v1.36.0", version), f"kubernetesVersion is '{version}', not a whole version")
        for version in ("stable", "stable-1.33", "ci/latest", "release/stable", "v1.33")
    ),
]


@pytest.mark.parametrize(("text", "sentence"), table(WARNED))
def test_warned(text: str, sentence: str) -> None:
    edited = edit(text, {"max-wals": "5"})
    (warning,) = edited.warnings
    assert warning.startswith(sentence)


def test_nothing_to_warn_about() -> None:
    for version in ("1.33.0", "v1.33.0-rc.1", '"v1.33.0"', "v1.33.0+k3s1"):
        assert edit(MAP.replace("v1.36.0", version), {"max-wals": "5"}).warnings == ()
    assert edit(f"{MAP}      listen-metrics-urls: http://0.0.0.0:2381\n", {"max-wals": "5"}).warnings == ()
    for number in ("0x140000000", "5_368_709_120", "-1"):
        assert edit(MAP.replace("1073741824", number), {"max-wals": "5"}).warnings == ()
    assert edit(LIST + ENVS.replace("QUOTA_BACKEND_BYTES", "MAX_WALS"), QUOTA).warnings == ()
    assert edit(V4 + LOCAL + ENVS, {"max-wals": "7"}).warnings == ()


def test_variable_beside_the_argument_is_refused() -> None:
    """etcd 3.4 to 3.7 ends at once: conflicting environment variable is shadowed by corresponding command-line flag."""
    for text in (LIST + ENVS, V4 + LOCAL + ENVS):
        reason, advice = refused(text, QUOTA)
        assert (
            "sets ETCD_QUOTA_BACKEND_BYTES, and etcd does not start when quota-backend-bytes is set as well." in reason
        )
        assert advice.startswith("Remove ETCD_QUOTA_BACKEND_BYTES from extraEnvs first")
    file = LIST + ENVS.replace("QUOTA_BACKEND_BYTES", "CONFIG_FILE")
    reason, advice = refused(file, QUOTA)
    assert "in line 11 sets ETCD_CONFIG_FILE, which makes etcd ignore every argument." in reason
    assert advice == "Set it in that file."
    assert edit(file, {}).text == file


# --- the small parts ---


def test_spelling_alone_changes_nothing() -> None:
    text = f"{V3}{LOCAL}    extraArgs:\n      auto-compaction-retention: '1'\n      quota-backend-bytes: '0x10'\n"
    for retention in ("1h", "60m", "1", "3600s"):
        assert edit(text, {"auto-compaction-retention": retention}).text == text
    assert edit(text, {"quota-backend-bytes": "8GiB"}).text == text.replace("'0x10'", '"8589934592"')
    octal = text.replace("'0x10'", "'08589934592'")  # etcd does not start with it
    assert edit(octal, {"quota-backend-bytes": "8GiB"}).text == octal.replace("'08589934592'", '"8589934592"')
    mode = text.replace("    extraArgs:\n", "    extraArgs:\n      auto-compaction-mode: revision\n")
    assert edit(mode, {"auto-compaction-retention": "1h"}, ["auto-compaction-mode"]).text == text
    assert edit(text, {"auto-compaction-retention": "2h"}).text == text.replace("'1'", '"2h"')
    assert edit(text.replace("'1'", "1"), {"auto-compaction-retention": "1h"}).text == text.replace("'1'", '"1h"')


def test_what_is_there_is_told_as_it_stands() -> None:
    reason, told = refused(recorded_config("v1beta4-cc-unqbool"), {"auto-compaction-retention": "1h"})
    assert reason.startswith("auto-compaction-mode is 'true': etcd knows periodic and revision")
    assert told.startswith("Give auto-compaction-mode and")


def test_the_document_alone_is_shown() -> None:
    text = f"{INIT}bootstrapTokens:\n- token: abcdef.0123456789abcdef\n---\n{LIST}---\n{KUBELET}"
    edited = edit(text, QUOTA)
    assert (edited.before, edited.after) == (LIST, LIST.replace("1073741824", "8589934592"))
    assert edited.api_version == "kubeadm.k8s.io/v1beta4"


def test_read() -> None:
    assert read(recorded_config("v1beta4-cc-dup")) == {
        "quota-backend-bytes": "8589934592",
        "auto-compaction-mode": "revision",
        "auto-compaction-retention": "8",
    }
    assert read(f"{MAP}      a:\n      b: 8\n") == {"quota-backend-bytes": "1073741824", "a": "", "b": None}


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2", "v1beta3", "v1beta4", "v1beta12", "v1", "v2", "v2beta1"])
def test_shape_of_a_version(version: str) -> None:
    assert documents.is_list(version) is (version not in ("v1beta1", "v1beta2", "v1beta3"))


def test_words() -> None:
    expected = {
        "string": [
            "periodic",
            "1h",
            "1:30",
            "2026-01-01",
            "nan",
            "=",
            "a8",
            "/x",
            "1.2.3",
            "-",
            "+",
            "0x",
            "1e",
            "yes-",
        ],
        "number": ["8", "08", "+5", "-1", "1e9", "1.", ".5", "0x1F", "0o7", "0b1", "1_000", ".inf", "-.inf", ".nan"],
        "boolean": ["y", "N", "yes", "No", "TRUE", "false", "on", "Off"],
        "null": ["", "~", "null", "Null"],
    }
    for kind, words in expected.items():
        assert {each: yaml_nodes.word(each) for each in words} == dict.fromkeys(words, kind)


@pytest.mark.parametrize("text", ["", "a", 'a"b\\', "\u00fc \U0001f600", "- a: b # c", "'"])
def test_quote(text: str) -> None:
    assert yaml.safe_load(quote(text)) == text
    assert json.loads(quote(text)) == text


def test_no_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Failure, match=r" on this node has no PyYAML\.$") as caught:
        read(f"# as nobody has read it before\n{LIST}")
    assert caught.value.code == "pyyaml_missing"
    assert caught.value.advice.startswith(
        "Install the distribution's package for it (Debian, Ubuntu: python3-yaml; RHEL"
    )


def test_there_are_files() -> None:
    assert isinstance(CONFIGS, Path)
    assert len(list(CONFIGS.iterdir())) == 36
