# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit of a kubeadm configuration: exactly the lines that have to change, and nothing if nothing has to.

The recorded files and the other forms were tried with kubeadm 1.20 to 1.37.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import DATA, table
from unit.kubeadm_texts import INIT, KUBELET, LIST, LOCAL, MANDATORY, MAP, OURS, QUOTA, V3, V4, refused

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit, read

CONFIGS = DATA / "kubeadm/configs"


def differing(before: str, after: str) -> dict[int, str]:
    """The lines that differ between two texts of as many lines, by their number."""
    old, new = before.splitlines(), after.splitlines()
    assert len(old) == len(new)
    return {number: line for number, (was, line) in enumerate(zip(old, new, strict=True), start=1) if was != line}


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


def test_there_are_files() -> None:
    assert isinstance(CONFIGS, Path)
    assert len(list(CONFIGS.iterdir())) == 36


def test_tab_before_a_comment() -> None:
    """kubeadm reads it (config validate, 1.30.4)."""
    text = (DATA / "cases/configs/tab-before-comment.config").read_text("utf-8")
    added = 'etcd:\n  local:\n    extraArgs:\n      quota-backend-bytes: "8589934592"\n'
    assert edit(text, QUOTA).text == text + added


def test_json_indented_with_tabs() -> None:
    reason, advice = refused((DATA / "cases/configs/json-indented-with-tabs.config").read_text("utf-8"), QUOTA)
    assert reason.startswith("Line 1 is in JSON or flow style")
    assert advice == 'Write this by hand: {"etcd": {"local": {"extraArgs": {"quota-backend-bytes": "8589934592"}}}}'
