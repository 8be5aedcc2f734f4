# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm_configmap, run against a kubectl that keeps the object in a file."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.builders import Json, main_of, table
from unit.kubectl_program import OBJECT, TEXT, WHERE, calls, prepare_node

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import kubectl
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.kubectl import Kubectl
from ansible_collections.controlplane.etcd.plugins.modules import kubeadm_configmap
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.two_calls import set_arguments

UNTOUCHED = "Nothing was changed."
SILENT = f"The API server at {WHERE} does not answer as it should"
CUT = "Unable to connect to the server: "


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return prepare_node(tmp_path)


def options(node: Path, **changes: Any) -> Json:
    return {
        "apiserver_manifest": str(node / "kube-apiserver.yaml"),
        "backup_dir": str(node / "backup"),
        "extra_args": {"quota-backend-bytes": "5GiB"},
        "from_controller": None,
        "kubeconfig": str(node / "admin.conf"),
        "kubectl": str(node / "kubectl"),
        "remove": [],
        "server": None,
        "timeout": 5.0,
        **changes,
    }


def run(
    node: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    check: bool = False,
    meanwhile: Callable[[], object] = int,
    **changes: Any,
) -> Json:
    """The result of the module and its action plugin; `meanwhile` is done between its two calls."""

    def call(told: Json) -> Json:
        if told:
            meanwhile()
        return main_of(kubeadm_configmap, options(node, **changes, **told), monkeypatch, check=check)

    return set_arguments(call, check=check)


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
    result = run(node, monkeypatch)
    said = "failed. Somebody else is changing the ConfigMap kubeadm-config at the same time. Nothing was changed."
    assert said in result["msg"]
    assert "conflict" not in result
    assert [call.split()[3] for call in calls(node)] == ["get", "get", "replace", "get", "get", "replace"]


def _store(node: Path, text: str) -> None:
    (node / "object").write_text(json.dumps({**OBJECT, "data": {"ClusterConfiguration": text}}), "utf-8")


def test_somebody_else_was_quicker(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: theirs is edited. Each time: nothing is sent, and there is no copy."""
    theirs = [f"{TEXT}# theirs {number}\n" for number in range(4)]
    left = theirs[:1]
    result = run(node, monkeypatch, meanwhile=lambda: left and _store(node, left.pop()))
    assert result["diff"]["before"] == theirs[0]
    sent = json.loads((node / "sent").read_text("utf-8"))
    assert sent["data"]["ClusterConfiguration"] == theirs[0].replace("8589934592", "5368709120")
    assert Path(result["backup_file"]).read_text("utf-8") == theirs[0]
    assert len(list((node / "backup").iterdir())) == 1

    (node / "sent").unlink()
    _store(node, TEXT)
    left = theirs[1:]
    result = run(node, monkeypatch, meanwhile=lambda: _store(node, left.pop()))
    assert result["code"] == "changed_meanwhile"
    assert "failed. Somebody else is changing the ConfigMap kubeadm-config at the same time. Nothing" in result["msg"]
    assert not (node / "sent").exists()
    assert len(list((node / "backup").iterdir())) == 1


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
