# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubectl's words mean, and how it is found and called."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table
from unit.kubectl_program import CONFIG, POD, UNSURE, WHERE

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.kubectl import (
    Conflict,
    KubectlFailed,
    conflict,
    failure,
    find_program,
    own_address,
)

RECOVER = "run the playbook controlplane.etcd.recover first, then this again."
SILENT = f"The API server at {WHERE} does not answer as it should"
CUT = "Unable to connect to the server: "

# kubectl's stderr towards kube-apiserver 1.33.13, the same from kubectl 1.30.4, 1.33.13 and 1.37.2; what follows is the
# head of the sentence, a piece of the advice, and whether a write may have been carried out all the same.
WORDS: list[tuple[str, str, str, str, bool]] = [
    (
        "absent",
        'Error from server (NotFound): configmaps "kubeadm-config" not found\n',
        "There is no ConfigMap kubeadm-config in the namespace kube-system.",
        "kubeadm init phase upload-config kubeadm --config FILE",
        False,
    ),
    (
        "conflict",
        (
            'Error from server (Conflict): Operation cannot be fulfilled on configmaps "kubeadm-config": the object has'
            " been modified; please apply your changes to the latest version and try again\n"
        ),
        "Somebody else is changing the ConfigMap kubeadm-config at the same time.",
        "run this again.",
        False,
    ),
    (
        "deleted in between: read again, it is absent",
        (
            'Error from server (Conflict): Operation cannot be fulfilled on configmaps "kubeadm-config":'
            " StorageError: invalid object, Code: 4, Key: /registry/configmaps/kube-system/kubeadm-config,"
            " ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition:"
            " 4fcaa116-a095-47e2-bde2-39945d717a4e, UID in object meta: \n"
        ),
        "Somebody else is changing the ConfigMap kubeadm-config at the same time.",
        "run this again.",
        False,
    ),
    (
        "full",
        "Error from server: etcdserver: mvcc: database space exceeded\n",
        "etcd is out of space and takes no writes (Error from server: etcdserver: mvcc: database space exceeded).",
        "Run the playbook controlplane.etcd.recover first, then this again.",
        False,
    ),
    (
        "forbidden",
        (
            'Error from server (Forbidden): configmaps "kubeadm-config" is forbidden: User "nobody" cannot update'
            ' resource "configmaps" in API group "" in the namespace "kube-system"\n'
        ),
        f'The user of {CONFIG} may not do that: Error from server (Forbidden): configmaps "kubeadm-config" is',
        "ClusterRoleBinding kubeadm:cluster-admins",
        False,
    ),
    (
        "unknown or expired certificate",
        "error: You must be logged in to the server (Unauthorized)\n",
        f"The API server at {WHERE} does not know the user of {CONFIG}: its certificate has expired, or is",
        "kubeadm certs check-expiration",
        False,
    ),
    (
        "down",
        "The connection to the server 192.0.2.11:6443 was refused - did you specify the right host or port?\n",
        f"No API server answers at {WHERE} (The connection to the server 192.0.2.11:6443 was refused",
        RECOVER,
        False,
    ),
    (
        "no such host",
        f"{CUT}dial tcp: lookup cp.invalid on 192.0.2.53:53: no such host\n",
        f"No API server answers at {WHERE} (",
        "Or name the API server of another node (server).",
        False,
    ),
    (
        "no route",
        f"{CUT}dial tcp 192.0.2.11:6443: i/o timeout\n",
        f"No API server answers at {WHERE} (",
        RECOVER,
        False,
    ),
    ("silent, 1.30.4", f"{CUT}context deadline exceeded\n", SILENT, RECOVER, True),
    (
        "silent, 1.33.13",
        f"{CUT}net/http: request canceled (Client.Timeout exceeded while awaiting headers)\n",
        SILENT,
        RECOVER,
        True,
    ),
    (
        "silent, 1.37.2",
        (
            f"{CUT}net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting"
            " headers)\n"
        ),
        SILENT,
        RECOVER,
        True,
    ),
    (
        "etcd down for a minute",
        (
            "Error from server (Timeout): the server was unable to return a response in the time allotted, but may"
            " still be processing the request\n"
        ),
        SILENT,
        RECOVER,
        True,
    ),
    ("etcd busy", "Error from server: etcdserver: request timed out\n", SILENT, RECOVER, True),
    ("kubectl itself hangs", "timed out after 15 s", f"{SILENT} (timed out after 15 s).", RECOVER, True),
    (
        "another CA",
        f"{CUT}tls: failed to verify certificate: x509: certificate signed by unknown authority\n",
        f"The server at {WHERE} cannot be trusted: Unable to connect to the server: tls: failed to verify",
        "Name an address that its certificate holds (server)",
        False,
    ),
    (
        "denied by a webhook",
        'Error from server: admission webhook "gate.example.com" denied the request: frozen until Monday\n',
        (
            "Something in front of the cluster's API rejected it: Error from server: admission webhook"
            ' "gate.example.com" denied the request: frozen until Monday.'
        ),
        "Allow this change there",
        False,
    ),
    (
        "a webhook that is down is not the API server",
        (
            'Error from server (InternalError): Internal error occurred: failed calling webhook "gate.example.com":'
            ' failed to call webhook: Post "https://127.0.0.1:1/deny?timeout=2s": dial tcp 127.0.0.1:1: connect:'
            " connection refused\n"
        ),
        "Something in front of the cluster's API rejected it: Error from server (InternalError)",
        "fix that webhook",
        False,
    ),
    (
        "denied by a policy",
        (
            "The configmaps \"kubeadm-config\" is invalid: : ValidatingAdmissionPolicy 'freeze' with binding 'freeze'"
            " denied request: no changes on Fridays\n"
        ),
        "Something in front of the cluster's API rejected it: The configmaps",
        "Allow this change there",
        False,
    ),
    (
        "immutable",
        'The ConfigMap "kubeadm-config" is invalid: data: Forbidden: field is immutable when `immutable` is set\n',
        'The API server rejected it: The ConfigMap "kubeadm-config" is invalid: data: Forbidden: field is',
        "",
        False,
    ),
    (
        "not the path of an API server",
        "Error from server (NotFound): the server could not find the requested resource\n",
        "kubectl failed: Error from server (NotFound): the server could not find the requested resource.",
        "",
        True,
    ),
    ("silence", "", "kubectl failed: exit code 1.", "", True),
]


@pytest.mark.parametrize(("words", "reason", "advice", "unsure"), table(WORDS))
def test_words(words: str, reason: str, advice: str, unsure: bool) -> None:
    found = failure(CommandResult(1, "", words), WHERE, CONFIG, writing=True)
    assert str(found).startswith(reason)
    assert str(found).endswith(".")
    assert advice in found.advice
    assert found.unchanged == (UNSURE if unsure else "")
    assert isinstance(found, Conflict) == ("(Conflict)" in words)
    assert failure(CommandResult(1, "", words), WHERE, CONFIG, writing=False).unchanged == ""


@pytest.mark.parametrize(
    "words",
    [
        'error: error loading config file "/etc/kubernetes/admin.conf": yaml: line 3: c2VjcmV0\n',
        'error: error loading config file "/etc/kubernetes/admin.conf": illegal base64 data at input byte 293\n',
        "error: stat /etc/kubernetes/admin.conf: no such file or directory\n",
        "error: EOF\n",
        "error: invalid configuration: [c2VjcmV0]\n",
    ],
)
def test_a_kubeconfig_that_cannot_be_read_is_not_quoted(words: str) -> None:
    found = failure(CommandResult(1, "", words), WHERE, CONFIG, writing=False)
    assert str(found) == f"kubectl cannot use {CONFIG} as a kubeconfig."
    assert found.code == "kubeconfig_unusable"
    assert found.advice == f"See what it lacks (kubectl config view --kubeconfig {CONFIG}, which leaves keys out)."


def test_long_words_are_cut() -> None:
    assert len(str(failure(CommandResult(1, "", "x" * 10_000), WHERE, CONFIG, writing=True))) < 600


def test_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program(None) == str(program)
    assert find_program(str(program)) == str(program)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(command, "_DIRECTORIES", (str(tmp_path),))
    assert find_program(None) == str(program)
    program.chmod(0o644)
    with pytest.raises(KubectlFailed, match=r"^There is no kubectl on this node\.$"):
        find_program(None)
    with pytest.raises(KubectlFailed, match=r"^There is no program /opt/none on this node\.$"):
        find_program("/opt/none")


def test_own_address(tmp_path: Path) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    assert own_address(str(manifest)) == ""
    manifest.write_text(POD, "utf-8")
    assert own_address(str(manifest)) == WHERE
    manifest.write_text("kind: Secret\n", "utf-8")
    with pytest.raises(KubectlFailed, match="The address of this node's API server cannot be read"):
        own_address(str(manifest))


CODES = {
    "absent": "configmap_missing",
    "conflict": "changed_meanwhile",
    "deleted in between: read again, it is absent": "changed_meanwhile",
    "full": "nospace_alarm",
    "forbidden": "apiserver_forbids",
    "unknown or expired certificate": "apiserver_forbids",
    "another CA": "kubeconfig_unusable",
    "denied by a webhook": "apiserver_rejects",
    "a webhook that is down is not the API server": "apiserver_rejects",
    "denied by a policy": "apiserver_rejects",
    "immutable": "apiserver_rejects",
    "not the path of an API server": "kubectl_failed",
    "silence": "kubectl_failed",
}


@pytest.mark.parametrize(("name", "words"), [row[:2] for row in WORDS], ids=[row[0] for row in WORDS])
def test_codes(name: str, words: str) -> None:
    """Only that nobody answers, or not as it should, may pass by itself."""
    found = failure(CommandResult(1, "", words), WHERE, CONFIG, writing=True)
    assert found.code == CODES.get(name, "apiserver_unreachable")
    again = {"conflict": True} if found.code == "changed_meanwhile" else {}
    assert found.details() == {"away": name not in CODES, **again}


def test_a_conflict_that_was_seen_in_time() -> None:
    said = failure(CommandResult(1, "", "Error from server (Conflict): Operation"), WHERE, CONFIG, writing=True)
    found = conflict()
    assert (found.code, found.text, found.details()) == (said.code, said.text, said.details())
