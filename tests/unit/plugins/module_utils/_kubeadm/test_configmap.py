# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubectl's words mean, and what is done with its answers."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.builders import DATA, Json, main_of, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import kubectl
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.configmap import read, stored
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.kubectl import (
    Conflict,
    Kubectl,
    KubectlFailed,
    failure,
    find_program,
    own_address,
)
from ansible_collections.controlplane.etcd.plugins.modules import kubeadm_configmap

WHERE, CONFIG = "https://192.0.2.11:6443", "/etc/kubernetes/admin.conf"
UNTOUCHED = "Nothing was changed."
UNSURE = "It is not known whether it was written. Run this again: if it was, that changes nothing."
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
    assert found.advice == f"See what it lacks (kubectl config view --kubeconfig {CONFIG}, which leaves keys out)."


def test_long_words_are_cut() -> None:
    assert len(str(failure(CommandResult(1, "", "x" * 10_000), WHERE, CONFIG, writing=True))) < 600


ANSWERS: list[tuple[str, str, str]] = [
    ("no JSON", "<html>", "is not a ConfigMap."),
    ("a list", "[]", "is not a ConfigMap."),
    ("another kind", '{"kind": "Secret", "metadata": {"resourceVersion": "1"}}', "is not a ConfigMap."),
    ("no version", '{"kind": "ConfigMap", "metadata": {}}', "is not a ConfigMap."),
    ("no data", '{"kind": "ConfigMap", "metadata": {"resourceVersion": "1"}}', "(it has nothing)"),
    (
        "another key",
        '{"kind": "ConfigMap", "metadata": {"resourceVersion": "1"}, "data": {"b": "", "a": ""}}',
        "The ConfigMap kubeadm-config in kube-system has no key ClusterConfiguration (it has a, b).",
    ),
]


@pytest.mark.parametrize(("answer", "reason"), table(ANSWERS))
def test_answers_that_cannot_be_used(answer: str, reason: str) -> None:
    with pytest.raises(KubectlFailed) as caught:
        stored(answer, WHERE)
    assert reason in str(caught.value)


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


POD = """
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 192.0.2.11:6443
spec:
  containers:
  - command:
    - kube-apiserver
    - --secure-port=6443
"""


def test_own_address(tmp_path: Path) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    assert own_address(str(manifest)) == ""
    manifest.write_text(POD, "utf-8")
    assert own_address(str(manifest)) == WHERE
    manifest.write_text("kind: Secret\n", "utf-8")
    with pytest.raises(KubectlFailed, match="The address of this node's API server cannot be read"):
        own_address(str(manifest))


# A kubectl that keeps the object in a file beside it, and does as it is told by the name of another file.
PROGRAM = """#!/bin/sh
here=${0%/*}
echo "$*" >> "$here/calls"
case " $* " in
*" get "*) cat "$here/object" ;;
*) cat > "$here/sent"; test ! -e "$here/refuses" || { cat "$here/refuses" >&2; exit 1; }
   test -e "$here/ignores" || cp "$here/sent" "$here/object"; cat "$here/object" ;;
esac
"""
TEXT = (DATA / "kubeadm/configmaps/1.33.config").read_text("utf-8")
OBJECT: Json = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "kubeadm-config", "resourceVersion": "200", "annotations": {"a": "b"}},
    "data": {"ClusterStatus": "ü", "ClusterConfiguration": TEXT},
}


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A folder with such a kubectl, and a kubeconfig and an API server's manifest."""
    (tmp_path / "kubectl").write_text(PROGRAM, "utf-8")
    (tmp_path / "kubectl").chmod(0o755)
    (tmp_path / "object").write_text(json.dumps(OBJECT), "utf-8")
    (tmp_path / "admin.conf").write_text("kind: Config\n", "utf-8")
    (tmp_path / "kube-apiserver.yaml").write_text(POD, "utf-8")
    return tmp_path


def options(node: Path, **changes: Any) -> Json:
    return {
        "apiserver_manifest": str(node / "kube-apiserver.yaml"),
        "backup_dir": str(node / "backup"),
        "extra_args": {"quota-backend-bytes": "5GiB"},
        "kubeconfig": str(node / "admin.conf"),
        "kubectl": str(node / "kubectl"),
        "remove": [],
        "server": None,
        "timeout": 5.0,
        **changes,
    }


def run(node: Path, monkeypatch: pytest.MonkeyPatch, *, check: bool = False, **changes: Any) -> Json:
    return main_of(kubeadm_configmap, options(node, **changes), monkeypatch, check=check)


def calls(node: Path) -> list[str]:
    path = node / "calls"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def test_edit(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(node, monkeypatch)
    new = TEXT.replace("8589934592", "5368709120")
    assert result["changed"]
    assert (result["diff"]["before"], result["diff"]["after"]) == (TEXT, new)
    sent = json.loads((node / "sent").read_text("utf-8"))
    assert sent == {**OBJECT, "data": {"ClusterStatus": "ü", "ClusterConfiguration": new}}
    head = f"--kubeconfig={node}/admin.conf --request-timeout=5000ms --server={WHERE}"
    path = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
    assert calls(node) == [
        f"{head} get --raw={path}",
        f"{head} replace --raw={path}?fieldManager=controlplane.etcd --filename=-",
        f"{head} get --raw={path}",
    ]
    backup = Path(result["backup_file"])
    assert backup.read_text("utf-8") == TEXT
    assert backup.name.startswith("kubeadm-config.ClusterConfiguration.2")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (backup, backup.parent)] == [0o600, 0o700]


REPLACED: list[tuple[str, Json, list[str], Json]] = [
    ("another value", {"quota-backend-bytes": "5GiB"}, [], {"quota-backend-bytes": "8589934592"}),
    ("a new one", {"max-wals": "7"}, [], {}),
    ("one that goes", {}, ["quota-backend-bytes", "max-wals"], {"quota-backend-bytes": "8589934592"}),
    ("the same", {"quota-backend-bytes": "8GiB"}, [], {}),
]


@pytest.mark.parametrize(("wanted", "remove", "replaced"), table(REPLACED))
def test_replaced(node: Path, monkeypatch: pytest.MonkeyPatch, wanted: Json, remove: list[str], replaced: Json) -> None:
    for check in (True, False):
        result = run(node, monkeypatch, check=check, extra_args=wanted, remove=remove)
        assert result["replaced"] == replaced
    assert run(node, monkeypatch, extra_args=wanted, remove=remove)["replaced"] == {}


def test_returned_as_documented(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    returned = set(run(node, monkeypatch)) - {"changed", "diff"}
    documented = yaml.safe_load(kubeadm_configmap.RETURN)
    assert returned == {name for name, about in documented.items() if about["returned"] != "failure"}


def test_without_an_api_server_of_its_own(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "kube-apiserver.yaml").unlink()
    assert run(node, monkeypatch)["server"] == ""
    assert all("--server" not in call for call in calls(node))


def test_another_server(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(node, monkeypatch, server="https://192.0.2.12:6443")["server"] == "https://192.0.2.12:6443"
    assert all(" --server=https://192.0.2.12:6443 " in call for call in calls(node))


START = "Setting etcd.local.extraArgs in the ConfigMap kubeadm-config in kube-system"

REFUSALS: list[tuple[str, Json, str, str]] = [
    (
        "plain http",
        {"server": "http://192.0.2.12:8080"},
        "failed. 'http://192.0.2.12:8080' is not an https:// URL",
        UNTOUCHED,
    ),
    ("backups for the kubelet", {"backup_dir": "/x/manifests"}, "was refused. The folder for backups", UNTOUCHED),
    ("what etcd would not take", {"extra_args": {"quota-backend-bytes": "5"}}, "was refused. quota-", UNTOUCHED),
    ("no kubectl", {"kubectl": "/none"}, "failed. There is no program /none on this node.", UNTOUCHED),
    (
        "no kubeconfig",
        {"kubeconfig": "/none/admin.conf"},
        "failed. There is no /none/admin.conf on this node. Nothing was changed. kubeadm writes it on every",
        "run this on a node that has it",
    ),
]


@pytest.mark.parametrize(("changes", "head", "rest"), table(REFUSALS))
@pytest.mark.parametrize("check", [True, False])
def test_refused(node: Path, monkeypatch: pytest.MonkeyPatch, changes: Json, head: str, rest: str, check: bool) -> None:
    result = run(node, monkeypatch, check=check, **changes)
    assert result["failed"]
    assert result["msg"].startswith(f"{START} {head}")
    assert rest in result["msg"]
    assert not (node / "sent").exists()
    assert not (node / "backup").exists()


@pytest.mark.parametrize(
    "text", ["insecure-skip-tls-verify: true", '{"insecure-skip-tls-verify":true}', "insecure-skip-tls-verify: 'True'"]
)
def test_a_kubeconfig_that_trusts_anybody(node: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (node / "admin.conf").write_text(text, "utf-8")
    message = run(node, monkeypatch)["msg"]
    assert f"{node}/admin.conf says insecure-skip-tls-verify: any server that answers would be trusted." in message
    assert calls(node) == []


def test_a_kubeconfig_without_tls(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "admin.conf").write_text("clusters:\n- cluster:\n    server: http://127.0.0.1:8080\n", "utf-8")
    assert run(node, monkeypatch, check=True)["server"] == WHERE  # its address does not count
    (node / "kube-apiserver.yaml").unlink()
    assert "says http://: any server that answers would be trusted." in run(node, monkeypatch)["msg"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_kubeconfig_that_may_not_be_read(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "admin.conf").chmod(0)
    assert "Permission denied. Nothing was changed. Run this as root (become)." in run(node, monkeypatch)["msg"]


def test_nothing_is_quoted_of_the_kubeconfig(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = base64.b64encode(b"a key").decode()
    (node / "admin.conf").write_text(f"client-key-data: {secret}\n", "utf-8")
    (node / "refuses").write_text(f'error: error loading config file "x": yaml: {secret}', "utf-8")
    assert secret not in json.dumps(run(node, monkeypatch))


def test_text_that_cannot_be_edited(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    external = {**OBJECT, "data": {"ClusterConfiguration": TEXT.replace("  local:", "  external:")}}
    (node / "object").write_text(json.dumps(external), "utf-8")
    assert "was refused. etcd is external here" in run(node, monkeypatch)["msg"]


def test_full(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "refuses").write_text("Error from server: etcdserver: mvcc: database space exceeded", "utf-8")
    assert run(node, monkeypatch)["msg"].endswith(
        "mvcc: database space exceeded). Nothing was changed. Run the playbook controlplane.etcd.recover first, then"
        " this again."
    )


def test_two_conflicts(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "refuses").write_text("Error from server (Conflict): Operation cannot be fulfilled", "utf-8")
    message = run(node, monkeypatch)["msg"]
    assert "failed. Somebody else is changing the ConfigMap kubeadm-config at the same time. Nothing was" in message
    assert [call.split()[3] for call in calls(node)] == ["get", "replace", "get", "replace"]


def test_what_is_read_back_is_something_else(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "ignores").touch()
    message = run(node, monkeypatch)["msg"]
    assert "What was read back is not what was written: somebody, or a webhook, changed it" in message
    assert "It was written. See what is there" in message


class Silent(Kubectl):
    """It writes, and then says nothing any more."""

    def __call__(self, arguments: Sequence[str], text: str) -> CommandResult:
        if (Path(self.kubeconfig).parent / "sent").exists():
            return CommandResult(1, "", f"{CUT}context deadline exceeded")
        return super().__call__(arguments, text)


def test_it_is_not_read_back(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeadm_configmap, "Kubectl", Silent)
    message = run(node, monkeypatch)["msg"]
    assert f"failed. It could not be read back. {SILENT} (" in message
    assert "). It was written. If etcd is full or down, run the playbook" in message


def test_kubectl_that_hangs(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl, "_PROGRAM_SECONDS", 0.0)
    (node / "kubectl").write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    assert "(timed out after 1 s). Nothing was changed." in run(node, monkeypatch, timeout=0.6)["msg"]


def test_kubectl_that_cannot_be_run(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "kubectl").write_text("#!/nonexistent/sh\n", "utf-8")
    assert "cannot be run: No such file or directory. Nothing was changed." in run(node, monkeypatch)["msg"]


def test_read_is_what_others_need(node: Path) -> None:
    kubectl = Kubectl(kubeconfig=str(node / "admin.conf"), program=str(node / "kubectl"), server=WHERE)
    found = read(kubectl)
    assert (found.text, found.whole) == (TEXT, OBJECT)
