# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of values and versions, what is warned of, and the lines to write by hand."""

from __future__ import annotations

import pytest
from unit.builders import table
from unit.kubeadm_texts import LIST, LOCAL, MAP, QUOTA, V3, V4, check_bad_form, refused

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.edits import edit

BAD_FORMS: list[tuple[str, str, str, str]] = [
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
]


@pytest.mark.parametrize(("text", "sentence", "advice"), table(BAD_FORMS))
def test_bad_form(text: str, sentence: str, advice: str) -> None:
    check_bad_form(text, sentence, advice)


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


def test_lines_by_hand_hold_what_stays() -> None:
    text = f"{V3}{LOCAL}    extraArgs: {{max-wals: '7', quota-backend-bytes: '1', name: x, a: null}}\n"
    _reason, advice = refused(text, {**QUOTA, "b": "true"}, ("name",))
    assert advice == (
        "Leave everything else in etcd and etcd.local (dataDir). Write these lines by hand:\n"
        "etcd:\n  local:\n    extraArgs:\n"
        '      max-wals: "7"\n      quota-backend-bytes: "8589934592"\n      a: ""\n      b: "true"'
    )
    # Also what kubeadm would not take without quotes, and what else an entry says.
    unquoted = f"{V3}{LOCAL}    extraArgs: {{max-wals: 7, pre-vote: true, quota-backend-bytes: '1'}}\n"
    _reason, advice = refused(unquoted, QUOTA)
    assert '      max-wals: "7"\n      pre-vote: "true"\n      quota-backend-bytes: "8589934592"' in advice
    listed = f"{V4}{LOCAL}    extraArgs: [{{name: a, value: 7, mergeMethod: append}}]\n"
    _reason, advice = refused(listed, QUOTA)
    assert advice.startswith(
        "Leave everything else in etcd and etcd.local (dataDir). Keep the other keys of a. Write these lines by hand:"
    )
    assert '    - name: a\n      value: "7"\n    - name: quota-backend-bytes\n' in advice
    _reason, advice = refused(f"{V3}{LOCAL}    extraArgs: {{a: b}}\n", {}, ("a",))
    assert advice == "Remove etcd.local.extraArgs by hand."


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
    """etcd 3.4 to 3.7 exits at once: conflicting environment variable is shadowed by corresponding command-line
    flag."""
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
