# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of a whole file that kubeadm refuses or ignores, with what it says of them."""

from __future__ import annotations

import pytest
from unit.builders import DATA, table
from unit.kubeadm_texts import INIT, KUBELET, LIST, LOCAL, MANDATORY, MAP, QUOTA, V3, V4, check_bad_form, refused

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text import documents

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
    (
        "the kind of old",
        (DATA / "cases/configs/old-master-configuration.config").read_text("utf-8"),
        "The MasterConfiguration has apiVersion kubeadm.k8s.io/v1alpha2; ClusterConfiguration of kubeadm.k8s.io/",
        "Migrate it with kubeadm config migrate",
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
    ("text for etcd", f"{V4}etcd: a\n", "etcd on line 4 is a string, but kubeadm wants a map.", "Correct it."),
    (
        "list for local",
        f"{V4}etcd:\n  local: [a]\n",
        "etcd.local on line 5 is a list, but kubeadm wants a map.",
        "Correct it.",
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
    check_bad_form(text, sentence, advice)


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


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2", "v1beta3", "v1beta4", "v1beta12", "v1", "v2", "v2beta1"])
def test_shape_of_a_version(version: str) -> None:
    assert documents.is_list(version) is (version not in ("v1beta1", "v1beta2", "v1beta3"))
