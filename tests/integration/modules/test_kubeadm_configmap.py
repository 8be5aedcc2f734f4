# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm_configmap towards a real API server, with the real kubectl, and read again by the real kubeadm."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support import needed
from integration.support.clusters import await_true
from integration.support.settings import REPOSITORY
from lab.client import Alarm
from lab.loopback.apiserver import ApiServer
from lab.loopback.cluster import Cluster
from lab.pki import Authority

VERSION = "1.33.13"
NAME = "kubeadm-config"
TEXTS = {name: REPOSITORY / f"tests/unit/data/kubeadm/configmaps/{name}.config" for name in ("1.29", "1.33")}
WANTED = {"quota-backend-bytes": "5GiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}
ARGS = {**WANTED, "quota-backend-bytes": "5368709120"}
RECOVER = "run the playbook controlplane.etcd.recover first, then this again."

Result = dict[str, Any]
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("configmap"), members=1) as found:
        yield found
    shutil.rmtree(found.nodes[0].data_dir)


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[ApiServer]:
    needed.kubernetes(VERSION)
    with ApiServer(cluster.nodes[0], VERSION) as found:
        yield found


@pytest.fixture
def text() -> str:
    return TEXTS["1.33"].read_text("utf-8")


@pytest.fixture
def stored(api: ApiServer, text: str) -> str:
    """The ConfigMap as kubeadm leaves it, with more in it; its text."""
    store(api, text)
    return text


def store(api: ApiServer, text: str) -> None:
    remove(api)
    metadata = {"name": NAME, "namespace": "kube-system", "annotations": {"a": "b"}, "labels": {"team": "x"}}
    data = {"ClusterStatus": "apiEndpoints: {}\n", "ClusterConfiguration": text}
    api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def remove(api: ApiServer) -> None:
    api.ask("delete", "configmap", NAME, "--namespace=kube-system", "--ignore-not-found")


def there(api: ApiServer) -> Any:
    return api.get("configmap", NAME, "--namespace=kube-system", "--show-managed-fields")


@pytest.fixture
def run(api: ApiServer, module: Run, tmp_path: Path) -> Run:
    """The module, with the files and programs of this API server."""

    def call(*, check: bool = False, **changes: Any) -> Result:
        options = {
            "apiserver_manifest": str(api.manifest),
            "backup_dir": str(tmp_path / "etcd-backup"),
            "extra_args": WANTED,
            "kubeconfig": str(api.admin_conf),
            "kubectl": str(api.kubectl),
            **changes,
        }
        return module("kubeadm_configmap", None, check=check, **options)

    return call


@pytest.mark.parametrize("made_by", sorted(TEXTS))
def test_check_run_check_run(api: ApiServer, run: Run, made_by: str, tmp_path: Path) -> None:
    text = TEXTS[made_by].read_text("utf-8")
    store(api, text)
    before = there(api)

    checked = run(check=True)
    assert (checked["changed"], checked["extra_args"], checked["backup_file"]) == (True, ARGS, "")
    assert there(api) == before
    assert not (tmp_path / "etcd-backup").exists()

    ran = run()
    new = text.replace("8589934592", "5368709120").replace('"8"', '"1h"')
    assert (ran["changed"], ran["extra_args"], ran["server"], ran["warnings"]) == (True, ARGS, api.url, [])
    assert ran["diff"] == checked["diff"]
    assert (ran["diff"]["before"], ran["diff"]["after"]) == (text, new)
    assert Path(ran["backup_file"]).read_text("utf-8") == text

    after = there(api)
    assert after["data"] == {**before["data"], "ClusterConfiguration": new}
    before_that, metadata = before["metadata"], after["metadata"]
    assert {key for key in metadata if metadata[key] != before_that[key]} == {"managedFields", "resourceVersion"}
    assert metadata.keys() == before_that.keys()
    assert "controlplane.etcd" in {each["manager"] for each in metadata["managedFields"]}

    for check in (True, False):
        again = run(check=check)
        assert (again["changed"], again["extra_args"], again["backup_file"]) == (False, ARGS, "")
    assert there(api)["metadata"]["resourceVersion"] == metadata["resourceVersion"]
    assert len(list((tmp_path / "etcd-backup").iterdir())) == 1


@pytest.mark.usefixtures("stored")
def test_kubeadm_makes_these_flags_of_it(api: ApiServer, run: Run, tmp_path: Path) -> None:
    run(extra_args={"max-wals": 9, "quota-backend-bytes": "5GiB"}, remove=["auto-compaction-mode"])
    text = there(api)["data"]["ClusterConfiguration"]
    own = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": "192.0.2.11"},
        "nodeRegistration": {"name": "cp1"},
    }
    config = tmp_path / "config.yaml"
    config.write_text(f"{text}---\n{yaml.safe_dump(own)}", "utf-8")
    command = [str(api.kubeadm), "init", "phase", "etcd", "local", "--dry-run", f"--config={config}"]
    env = {"PATH": os.defpath, "KUBEADM_INIT_DRYRUN_DIR": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    flags = yaml.safe_load((tmp_path / "etcd.yaml").read_text("utf-8"))["spec"]["containers"][0]["command"]
    assert flags[-3:] == ["--quota-backend-bytes=5368709120", "--auto-compaction-retention=8", "--max-wals=9"]
    assert not any(flag.startswith("--auto-compaction-mode") for flag in flags)


def rival(api: ApiServer, directory: Path, *, times: int) -> Path:
    """A kubectl that is overtaken: before it replaces, somebody else does, so many times."""
    path = directory / "kubectl"
    theirs = f"{api.kubectl} --kubeconfig={api.admin_conf} --cache-dir={directory}/cache --namespace=kube-system"
    path.write_text(
        f"""#!/bin/sh
case " $* " in *" replace "*)
  echo x >> {directory}/writes
  turn=$(wc -l < {directory}/writes)
  test "$turn" -gt {times} || {theirs} annotate --overwrite configmap {NAME} "turn=$turn" >/dev/null || exit 9
esac
exec {api.kubectl} "$@"
""",
        "utf-8",
    )
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("stored")
def test_somebody_else_is_quicker_once(api: ApiServer, run: Run, tmp_path: Path) -> None:
    result = run(kubectl=str(rival(api, tmp_path, times=1)))
    assert (result["failed"], result["changed"]) == (False, True)
    assert (tmp_path / "writes").read_text("utf-8") == "x\n" * 2
    found = there(api)
    assert found["metadata"]["annotations"] == {"a": "b", "turn": "1"}
    assert "5368709120" in found["data"]["ClusterConfiguration"]


def test_somebody_else_is_quicker_twice(api: ApiServer, run: Run, stored: str, tmp_path: Path) -> None:
    result = run(kubectl=str(rival(api, tmp_path, times=9)))
    assert result["msg"].startswith(
        "Setting etcd.local.extraArgs in the ConfigMap kubeadm-config in kube-system failed. Somebody else is changing"
        " the ConfigMap kubeadm-config at the same time. Nothing was changed. See who it is"
    )
    assert (tmp_path / "writes").read_text("utf-8") == "x\n" * 2
    found = there(api)
    assert (found["metadata"]["annotations"]["turn"], found["data"]["ClusterConfiguration"]) == ("2", stored)


def test_there_is_none(api: ApiServer, run: Run) -> None:
    remove(api)
    message = run()["msg"]
    assert "failed. There is no ConfigMap kubeadm-config in the namespace kube-system. Nothing was changed." in message
    assert "kubeadm init phase upload-config kubeadm --config FILE." in message


def test_its_key_is_missing(api: ApiServer, run: Run) -> None:
    remove(api)
    api.ask("create", "configmap", NAME, "--namespace=kube-system", "--from-literal=MyConfiguration=x")
    message = run()["msg"]
    assert "has no key ClusterConfiguration (it has MyConfiguration). Nothing was changed. Write it again" in message


@pytest.mark.usefixtures("stored")
def test_a_user_who_may_not(api: ApiServer, run: Run) -> None:
    conf = str(api.kubeconfig("nobody"))
    said = run(kubeconfig=conf)
    assert f"failed. The user of {conf} may not do that: Error from server (Forbidden)" in said["msg"]
    assert 'User "nobody" cannot get resource "configmaps"' in said["msg"]
    assert said["away"] is False


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("foreign", [True, False], ids=["another cluster's", "expired"])
def test_a_user_who_is_not_known(api: ApiServer, run: Run, foreign: bool) -> None:
    signer = Authority.create("kubernetes") if foreign else None
    conf = str(api.kubeconfig("old", group="system:masters", expired=not foreign, authority=signer))
    message = run(kubeconfig=conf)["msg"]
    assert f"The API server at {api.url} does not know the user of {conf}: its certificate has expired" in message


def test_the_server_is_verified(api: ApiServer, cluster: Cluster, run: Run) -> None:
    """Whoever answers there has a certificate, but not of this cluster's authority."""
    message = run(server=cluster.nodes[0].client_url)["msg"]
    assert f"failed. The server at {cluster.nodes[0].client_url} cannot be trusted: " in message
    assert "x509: certificate signed by unknown authority. Nothing was changed." in message


@pytest.mark.usefixtures("stored")
def test_a_virtual_address_that_is_down(api: ApiServer, run: Run) -> None:
    conf = str(api.kubeconfig("vip", group="system:masters", server="https://127.0.0.1:9"))
    assert run(kubeconfig=conf)["changed"]
    said = run(kubeconfig=conf, apiserver_manifest="/nonexistent")
    assert f"failed. No API server answers at the address in {conf} (" in said["msg"]
    assert RECOVER in said["msg"]
    assert said["away"] is True


def test_a_silent_server_that_gets_a_write(api: ApiServer, run: Run, stored: str, tmp_path: Path) -> None:
    """It is frozen by the program that is about to write: what becomes of the request nobody can know."""
    frozen = tmp_path / "kubectl"
    script = f'case " $* " in *" replace "*) kill -STOP {api.pid};; esac'
    frozen.write_text(f'#!/bin/sh\n{script}\nexec {api.kubectl} "$@"\n', "utf-8")
    frozen.chmod(0o755)
    try:
        message = run(kubectl=str(frozen), timeout=1.0)["msg"]
        assert f"failed. The API server at {api.url} does not answer as it should (" in message
        assert "It is not known whether it was written. Run this again: if it was, that changes nothing." in message
        assert "). Nothing was changed. If etcd is full or down" in run(timeout=1.0)["msg"]
    finally:
        os.kill(api.pid, signal.SIGCONT)
    run()
    assert there(api)["data"]["ClusterConfiguration"] != stored
    assert run()["changed"] is False


def test_etcd_is_full(api: ApiServer, cluster: Cluster, run: Run, stored: str) -> None:
    with cluster.nodes[0].client() as client:
        alarm = Alarm(client.status().member_id, "NOSPACE")
        client.arm(alarm)
        try:
            message = run()["msg"]
            checked = run(check=True)
        finally:
            client.disarm(alarm)
    assert message.endswith(
        "failed. etcd is out of space and takes no writes (Error from server: etcdserver: mvcc: database space"
        " exceeded). Nothing was changed. Run the playbook controlplane.etcd.recover first, then this again."
    )
    assert checked["changed"]
    assert there(api)["data"]["ClusterConfiguration"] == stored


@contextlib.contextmanager
def policy(api: ApiServer) -> Iterator[None]:
    """Nobody may change a ConfigMap of this name. An API server takes notice of that, and of its end, later."""
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "freeze"}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["configmaps"]}
    validation = {"expression": f"object.metadata.name != '{NAME}'", "message": "no changes on Fridays"}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}
    binding = {"policyName": "freeze", "validationActions": ["Deny"]}
    api.apply({**kind, "kind": "ValidatingAdmissionPolicy", "spec": spec})
    api.apply({**kind, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
    change = ("annotate", "--overwrite", "configmap", NAME, "--namespace=kube-system")
    try:
        await_true(lambda: api.ask(*change, f"at={time.monotonic()}").returncode != 0, "the policy denies changes")
        yield
    finally:
        api.ask("delete", "validatingadmissionpolicybinding", "freeze")
        api.ask("delete", "validatingadmissionpolicy", "freeze")
        await_true(lambda: api.ask(*change, f"at={time.monotonic()}").returncode == 0, "the policy is gone")


def test_a_policy_denies_it(api: ApiServer, run: Run, stored: str) -> None:
    with policy(api):
        message = run()["msg"]
        assert "Something in front of the cluster's API rejected it: " in message
        assert "no changes on Fridays. Nothing was changed. Allow this change there" in message
        assert there(api)["data"]["ClusterConfiguration"] == stored


def test_nothing_of_the_keys_is_returned(api: ApiServer, run: Run, stored: str) -> None:
    config = yaml.safe_load(api.admin_conf.read_text("utf-8"))
    key = config["users"][0]["user"]["client-key-data"]
    said = json.dumps([run(), run(), run(server="https://127.0.0.1:9")])
    assert stored.splitlines()[0] in said
    assert key[:40] not in said
