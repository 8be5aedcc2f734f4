# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written where, what goes, and what is refused because it cannot be edited in its place."""

from __future__ import annotations

import json

import pytest
import yaml
from unit.builders import table
from unit.kubeadm_texts import KUBELET, LIST, LOCAL, MAP, QUOTA, V3, V4, refused

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit, read

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


def test_removed_and_added_if_the_text_has_no_last_line_break() -> None:
    edited = edit(LIST.rstrip("\n"), {"max-wals": "7"}, ["quota-backend-bytes"])
    assert edited.extra_args == {"max-wals": "7"}
    assert edited.text == f'{V4}{LOCAL}    extraArgs:\n    - name: max-wals\n      value: "7"'


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
    assert advice.startswith("Leave everything else in etcd and etcd.local (") is ("dataDir" in text)
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
