# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What manifests say: those of real kubeadms, and those that people have edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import DATA, Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import parse_manifest, read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import (
    MemberSettings,
)

PKI = "/etc/kubernetes/pki"
LISTEN = "--listen-client-urls="


def of(
    *flags: str, env: list[Json] | None = None, mounts: list[Json] | None = None, volumes: list[Json] | None = None
) -> MemberSettings:
    """A manifest with these flags, through its text."""
    container: Json = {"name": "etcd", "image": "registry.k8s.io/etcd:3.6.16-0", "command": ["etcd", *flags]}
    container |= {"env": env} if env else {}
    container |= {"volumeMounts": mounts} if mounts else {}
    pod: Json = {"spec": {"containers": [container]} | ({"volumes": volumes} if volumes else {})}
    return parse_manifest(yaml.safe_dump(pod), "etcd.yaml")


OF_KUBEADM = sorted((DATA / "manifests").glob("*/*"))


@pytest.mark.parametrize("path", OF_KUBEADM, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_kubeadm(path: Path) -> None:
    found = read_manifest(str(path))
    assert found.name in ("vm", "cp2", "cp3")
    assert "/etcd:3." in found.image
    assert found.endpoint == "https://127.0.0.1:2379"
    assert found.data_dir == "/var/lib/etcd"
    assert found.database == "/var/lib/etcd/member/snap/db"
    assert found.wal_dir == "/var/lib/etcd/member/wal"
    assert found.ca_cert == f"{PKI}/etcd/ca.crt"
    assert found.quota_bytes == (None if path.stem == "plain" else 8589934592)


ENDPOINTS: list[tuple[str, tuple[str, ...], str]] = [
    ("loopback first", (LISTEN + "https://192.0.2.2:2379,https://127.0.0.1:2379",), "https://127.0.0.1:2379"),
    ("no loopback: the first", (LISTEN + "https://192.0.2.2:2379,https://192.0.2.3:2379",), "https://192.0.2.2:2379"),
    ("IPv6", (LISTEN + "https://[2001:db8::2]:2379,https://[::1]:2379",), "https://[::1]:2379"),
    ("localhost", (LISTEN + "https://192.0.2.2:2379,https://localhost:2379",), "https://localhost:2379"),
    ("all of IPv4", (LISTEN + "https://0.0.0.0:2379",), "https://127.0.0.1:2379"),
    ("all of IPv6", (LISTEN + "https://[::]:2379",), "https://[::1]:2379"),
    ("blanks", (LISTEN + "https://192.0.2.2:2379, https://127.0.0.1:4001",), "https://127.0.0.1:4001"),
    (
        "gateway of its own",
        (LISTEN + "https://127.0.0.1:2379", "--listen-client-http-urls=https://127.0.0.1:2382"),
        "https://127.0.0.1:2382",
    ),
    ("empty gateway list", (LISTEN + "https://127.0.0.1:2379", "--listen-client-http-urls="), "https://127.0.0.1:2379"),
]


@pytest.mark.parametrize(("flags", "expected"), table(ENDPOINTS))
def test_endpoint(flags: tuple[str, ...], expected: str) -> None:
    assert of(*flags).endpoint == expected


def test_grpc_has_an_endpoint_of_its_own_if_http_has() -> None:
    found = of(
        LISTEN + "https://192.0.2.1:2379,https://127.0.0.1:2379", "--listen-client-http-urls=https://127.0.0.1:1"
    )
    assert (found.endpoint, found.grpc_endpoint) == ("https://127.0.0.1:1", "https://127.0.0.1:2379")
    assert found.grpc_url("https://127.0.0.1:1") == "https://127.0.0.1:2379"
    assert found.grpc_url("https://192.0.2.2:2379") == "https://192.0.2.2:2379"


def test_no_endpoint() -> None:
    with pytest.raises(Failure, match=r"etcd\.yaml has no --listen-client-urls"):
        of("--name=a").endpoint  # noqa: B018  # reading it is the test


QUOTA = "--quota-backend-bytes"

QUOTAS: list[tuple[str, tuple[str, ...], str | None, int | None]] = [
    ("none", (), None, None),
    ("decimal", (f"{QUOTA}=8589934592",), None, 8589934592),
    ("hexadecimal", (f"{QUOTA}=0x140000000",), None, 5368709120),
    ("underscores", (f"{QUOTA}=5_368_709_120",), None, 5368709120),
    ("zero is the default", (f"{QUOTA}=0",), None, None),
    ("off", (f"{QUOTA}=-1",), None, -1),
    ("off, a smaller number", (f"{QUOTA}=-100",), None, -1),
    ("environment", (), "4294967296", 4294967296),
    ("flag beats environment", (f"{QUOTA}=8589934592",), "4294967296", 8589934592),
    ("the last flag counts", (f"{QUOTA}=1", f"{QUOTA}=2"), None, 2),
    ("value in a word of its own", (QUOTA, "8589934592"), None, 8589934592),
    ("off in a word of its own", (QUOTA, "-1"), None, -1),
    ("one dash", ("-quota-backend-bytes=7",), None, 7),
    ("not a number", (f"{QUOTA}=8G",), None, None),
    ("octal", (f"{QUOTA}=010000000000",), None, 1073741824),
    ("no octal", (f"{QUOTA}=08589934592",), None, None),
]


@pytest.mark.parametrize(("flags", "env", "expected"), table(QUOTAS))
def test_quota(flags: tuple[str, ...], env: str | None, expected: int | None) -> None:
    entries = [{"name": "ETCD_QUOTA_BACKEND_BYTES", "value": env}] if env else None
    assert of(*flags, env=entries).quota_bytes == expected


def volumes(*paths: str) -> list[Json]:
    return [{"name": f"v{number}", "hostPath": {"path": path}} for number, path in enumerate(paths)]


def mounts(*paths: str) -> list[Json]:
    return [{"name": f"v{number}", "mountPath": path} for number, path in enumerate(paths)]


FILES: list[tuple[str, str, list[Json], list[Json], str]] = [
    ("same path", "/var/lib/etcd", mounts("/var/lib/etcd"), volumes("/var/lib/etcd"), "/var/lib/etcd"),
    ("other path", "/var/lib/etcd", mounts("/var/lib/etcd"), volumes("/mnt/ssd/etcd"), "/mnt/ssd/etcd"),
    ("below a mount", "/data/etcd", mounts("/data"), volumes("/mnt/ssd"), "/mnt/ssd/etcd"),
    ("slash at the end", "/data/etcd", mounts("/data/"), volumes("/mnt/ssd/"), "/mnt/ssd/etcd"),
    ("the longest mount wins", "/a/b/c", mounts("/a", "/a/b"), volumes("/x", "/y"), "/y/c"),
    ("a name that begins alike", "/data-2", mounts("/data"), volumes("/mnt"), "/data-2"),
    ("not mounted", "/elsewhere", mounts("/data"), volumes("/mnt"), "/elsewhere"),
    ("no host path", "/data", mounts("/data"), [{"name": "v0", "emptyDir": {}}], "/data"),
    (
        "one volume in two places",
        "/data",
        [{"name": "v0", "mountPath": "/data"}, {"name": "v0", "mountPath": "/again"}],
        volumes("/mnt"),
        "/mnt",
    ),
    ("root", "/data", mounts("/"), volumes("/host"), "/host/data"),
]


@pytest.mark.parametrize(("path", "mounted", "on_host", "expected"), table(FILES))
def test_path_on_the_host(path: str, mounted: list[Json], on_host: list[Json], expected: str) -> None:
    assert of(f"--data-dir={path}", mounts=mounted, volumes=on_host).data_dir == expected


def test_no_probes() -> None:
    """What kubeadm writes is in test_probes.py."""
    assert of().probes == ()


RESOURCES: list[tuple[str, Json, int | None]] = [
    ("none", {}, None),
    ("what kubeadm writes", {"resources": {"requests": {"cpu": "100m", "memory": "100Mi"}}}, None),
    ("a limit", {"resources": {"limits": {"memory": "4Gi"}}}, 4 * 1024**3),
    ("a number", {"resources": {"limits": {"memory": 4000000000}}}, 4000000000),
    ("of the processor alone", {"resources": {"limits": {"cpu": "2"}}}, None),
    ("empty", {"resources": {"limits": None}}, None),
]


@pytest.mark.parametrize(("resources", "expected"), table(RESOURCES))
def test_memory_limit(resources: Json, expected: int | None) -> None:
    container = {"name": "etcd", "command": ["etcd"], **resources}
    text = yaml.safe_dump({"spec": {"containers": [container]}})
    assert parse_manifest(text, "etcd.yaml").memory_limit_bytes == expected


def test_wal_dir_of_its_own() -> None:
    found = of("--data-dir=/data", "--wal-dir=/wal", mounts=mounts("/wal"), volumes=volumes("/mnt/wal"))
    assert found.wal_dir == "/mnt/wal"


CLIENTS: list[tuple[str, tuple[str, ...], str]] = [
    ("kubeadm", (f"{PKI}/etcd/healthcheck-client", f"{PKI}/apiserver-etcd-client"), f"{PKI}/etcd/healthcheck-client"),
    ("only the API server's", (f"{PKI}/apiserver-etcd-client",), f"{PKI}/apiserver-etcd-client"),
    ("neither", (), f"{PKI}/etcd/server"),
]


@pytest.mark.parametrize(("there", "stem"), table(CLIENTS))
def test_client_certificate(there: tuple[str, ...], stem: str) -> None:
    files = {name + end for name in there for end in (".crt", ".key")}
    found = read_manifest(str(DATA / "manifests/1.33/plain.manifest")).tls_files(files.__contains__)
    assert found == TlsFiles(f"{PKI}/etcd/ca.crt", f"{stem}.crt", f"{stem}.key")


def test_client_certificate_without_its_key_is_none() -> None:
    there = {f"{PKI}/etcd/healthcheck-client.crt"}
    found = read_manifest(str(DATA / "manifests/1.33/plain.manifest")).tls_files(there.__contains__)
    assert found is not None
    assert found.client_cert == f"{PKI}/etcd/server.crt"


def test_plain_http_needs_no_files() -> None:
    assert of(LISTEN + "http://127.0.0.1:2379").tls_files() is None


def test_arguments_follow_the_command() -> None:
    pod = {"spec": {"containers": [{"name": "etcd", "command": ["/usr/local/bin/etcd"], "args": ["--name=a"]}]}}
    assert parse_manifest(yaml.safe_dump(pod), "etcd.yaml").name == "a"


def test_json() -> None:
    pod = {"spec": {"containers": [{"name": "sidecar"}, {"name": "etcd", "command": ["etcd", "--name=a"]}]}}
    assert parse_manifest(json.dumps(pod), "etcd.yaml").name == "a"


SETTINGS: list[tuple[str, tuple[str, ...], list[Json], str]] = [
    ("default", (), [], "default"),
    ("flag", ("--name=a",), [], "a"),
    ("environment", (), [{"name": "ETCD_NAME", "value": "b"}], "b"),
    ("flag beats environment", ("--name=a",), [{"name": "ETCD_NAME", "value": "b"}], "a"),
]


@pytest.mark.parametrize(("flags", "env", "expected"), table(SETTINGS))
def test_name(flags: tuple[str, ...], env: list[Json], expected: str) -> None:
    assert of(*flags, env=env).name == expected


NODE: Json = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}

VARIABLES: list[tuple[str, tuple[str, ...], list[Json], str]] = [
    ("known", ("--name=$(A)-1",), [{"name": "A", "value": "b"}], "b-1"),
    ("in a variable of etcd's", (), [{"name": "A", "value": "b"}, {"name": "ETCD_NAME", "value": "$(A)"}], "b"),
    ("none of this container", ("--name=$(NODE)",), [], "$(NODE)"),
    ("a dollar sign", ("--name=$$(NODE)",), [NODE], "$(NODE)"),
]


@pytest.mark.parametrize(("flags", "env", "expected"), table(VARIABLES))
def test_name_with_a_variable(flags: tuple[str, ...], env: list[Json], expected: str) -> None:
    assert of(*flags, env=env).name == expected


@pytest.mark.parametrize("name", ["name", "data-dir", "wal-dir", "trusted-ca-file", "cert-file", "key-file"])
def test_variable_that_the_kubelet_alone_knows(name: str) -> None:
    message = rf"^etcd\.yaml has --{name}=/\$\(NODE\), and the kubelet alone knows the value of NODE\.$"
    with pytest.raises(Failure, match=message) as caught:
        of(f"--{name}=/$(NODE)", env=[NODE])
    assert caught.value.advice == "Write the value itself in its place; etcd is restarted by that."


def test_address_in_a_variable_that_the_kubelet_alone_knows() -> None:
    assert of(LISTEN + "https://$(NODE):2379,https://127.0.0.1:2379", env=[NODE]).endpoint == "https://127.0.0.1:2379"
    found = of(LISTEN + "https://$(NODE):2379", env=[NODE])
    with pytest.raises(Failure, match=r"has only https://\$\(NODE\):2379, so the address of etcd is not known"):
        found.endpoint  # noqa: B018  # reading it is the test


ELSEWHERE: list[tuple[str, tuple[str, ...], list[Json], str]] = [
    ("flag", ("--config-file=/x",), [], "etcd.yaml leaves everything to /x: etcd reads all of its settings from that"),
    ("flags beside it", ("--name=a", "--config-file", "/x"), [], "leaves everything to /x"),
    ("variable", (), [{"name": "ETCD_CONFIG_FILE", "value": "/x"}], "etcd.yaml leaves everything to /x"),
    ("variable from elsewhere", (), [{**NODE, "name": "ETCD_CONFIG_FILE"}], "the kubelet alone knows the value of"),
]


@pytest.mark.parametrize(("flags", "env", "message"), table(ELSEWHERE))
def test_settings_in_a_file_of_etcd(flags: tuple[str, ...], env: list[Json], message: str) -> None:
    with pytest.raises(Failure) as caught:
        of(*flags, env=env)
    assert message in str(caught.value)


def test_an_empty_name_of_a_file_is_none() -> None:
    assert of("--name=a", env=[{"name": "ETCD_CONFIG_FILE", "value": ""}]).name == "a"


def test_environment_from_elsewhere_is_empty() -> None:
    found = of(env=[{"name": "ETCD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}])
    assert found.env == {"ETCD_NAME": ""}


REFUSED: list[tuple[str, str, str]] = [
    ("empty file", "", "x.yaml cannot be read as a static pod manifest: it is empty"),
    ("not a pod", "kind: Pod\n", "x.yaml is not the manifest of a pod with a container named etcd"),
    ("a list", "- a\n", "is not the manifest of a pod"),
    ("no containers", "spec:\n  containers:\n", "is not the manifest of a pod"),
    ("no such container", "spec:\n  containers:\n  - name: kube-apiserver\n", "is not the manifest of a pod"),
    (
        "shell",
        'spec:\n  containers:\n  - name: etcd\n    command: ["sh", "-c", "exec etcd --name=a"]\n',
        "does not run etcd directly but sh",
    ),
    ("no command", "spec:\n  containers:\n  - name: etcd\n", "does not run etcd directly but nothing"),
    ("command is text", "spec:\n  containers:\n  - name: etcd\n    command: etcd\n", "is not the manifest of a pod"),
    ("tab", "spec:\n\tcontainers:\n", "line 2 is indented with a tab"),
]


@pytest.mark.parametrize(("text", "message"), table(REFUSED))
def test_refused(text: str, message: str) -> None:
    with pytest.raises(Failure, match=message):
        parse_manifest(text, "x.yaml")


@given(st.sampled_from(OF_KUBEADM), st.integers(0, 3500))
def test_cut_off(path: Path, length: int) -> None:
    """As a full disk leaves it: it is refused, or nothing that counts is missing."""
    text = path.read_text("utf-8")
    left = text[:length]
    try:
        found = parse_manifest(left, "x.yaml")
    except Failure as exc:
        said = str(exc)
    else:
        assert found == parse_manifest(text, "x.yaml")
        return
    if left.startswith("apiVersion: v1\nkind: Pod\n"):
        assert f"The file ends in line {len(left.splitlines())} as if it had been cut off" in said


CASES = DATA / "cases/manifests"


def case(name: str) -> MemberSettings:
    return read_manifest(str(CASES / f"{name}.manifest"))


def test_value_on_two_lines() -> None:
    """As kubeadm writes extraEnvs with more than 80 characters."""
    found = case("etcd-variable-on-two-lines")
    assert (found.name, found.data_dir, found.endpoint) == ("n1", "/srv/ring", "https://127.0.0.1:2379")
    assert found.env["NOTE"] == (
        "the quota of this member was raised in spring, ask the people of the night shift before it is lowered"
    )


def test_annotation_of_two_lines() -> None:
    assert case("etcd-annotation-of-two-lines").name == "n1"


def test_brackets_beside_it() -> None:
    assert case("whole-but-called-cut-off").name == "n1"


WHOLE: list[tuple[str, str, str, str]] = [
    ("a line in the middle", "    name: beside", "    name: !x beside", "line 8 is not understood"),
    ("no container of etcd", "    name: etcd", "    name: ring", "is not the manifest of a pod with a container named"),
    ("a shell", "    - etcd\n", "    - sh\n", "does not run etcd directly but sh"),
]


@pytest.mark.parametrize(("old", "new", "message"), table(WHOLE))
def test_whole_manifest_is_not_said_to_be_cut_off(old: str, new: str, message: str) -> None:
    text = (CASES / "whole-but-called-cut-off.manifest").read_text("utf-8")
    assert old in text
    with pytest.raises(Failure, match=message) as caught:
        parse_manifest(text.replace(old, new), "x.yaml")
    assert "cut off" not in str(caught.value)


def test_cases_that_are_refused() -> None:
    with pytest.raises(Failure, match=r"has --name=\$\(NODE\), and the kubelet alone knows the value of NODE"):
        case("etcd-name-from-a-variable")


def test_settings_in_the_file_that_it_names(tmp_path: Path) -> None:
    """As RKE2 writes it: nothing else counts then."""
    config = tmp_path / "db/config"
    config.parent.mkdir()
    config.write_text(
        "name: cp1-a1b2\ndata-dir: /data\nlisten-client-http-urls: https://127.0.0.1:2382\n"
        "client-transport-security:\n  trusted-ca-file: /tls/server-ca.crt\n",
        "utf-8",
    )
    mounts = [{"mountPath": "/data", "name": "data"}, {"mountPath": "/tls", "name": "tls"}]
    container = {
        "name": "etcd",
        "command": ["etcd"],
        "args": ["--config-file=/data/config", "--name=ignored"],
        "env": [{"name": "ETCD_QUOTA_BACKEND_BYTES", "value": "5"}],
        "volumeMounts": mounts,
    }
    volumes = [
        {"name": "data", "hostPath": {"path": str(tmp_path / "db")}},
        {"name": "tls", "hostPath": {"path": "/srv/tls"}},
    ]
    manifest = tmp_path / "etcd.yaml"
    manifest.write_text(yaml.safe_dump({"spec": {"containers": [container], "volumes": volumes}}), "utf-8")
    found = read_manifest(str(manifest))
    assert (found.name, found.data_dir, found.ca_cert) == ("cp1-a1b2", str(tmp_path / "db"), "/srv/tls/server-ca.crt")
    assert (found.endpoint, found.quota_bytes, found.config_file) == ("https://127.0.0.1:2382", None, "/data/config")
    config.unlink()
    with pytest.raises(Failure, match="from which etcd is to read its settings, does not exist"):
        read_manifest(str(manifest))


def test_probe_by_a_command() -> None:
    (probe,) = case("etcd-probe-by-command").probes
    assert (probe.handler, probe.patience) == ("exec", 80.0)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_manifest(str(tmp_path / "etcd.yaml"))


def test_symlink(tmp_path: Path) -> None:
    link = tmp_path / "etcd.yaml"
    link.symlink_to(DATA / "manifests/1.33/plain.manifest")
    found = read_manifest(str(link))
    assert (found.path, found.name) == (str(link), "vm")


def test_symlink_to_nothing(tmp_path: Path) -> None:
    link = tmp_path / "etcd.yaml"
    link.symlink_to("gone.yaml")
    message = rf"^{link} is a symbolic link to gone\.yaml, which does not exist: the kubelet runs no etcd$"
    with pytest.raises(Failure, match=message) as caught:
        read_manifest(str(link))
    assert caught.value.code == "manifest_missing"


def test_only_root_may_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "descriptor_of", refuse)
    with pytest.raises(Failure, match=r"/x cannot be read: root rights are needed \(become\)") as caught:
        read_manifest("/x")
    assert caught.value.code == "manifest_unusable"


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be read"):
        read_manifest(str(tmp_path))
    (tmp_path / "etcd.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(Failure, match="cannot be read"):
        read_manifest(str(tmp_path / "etcd.yaml"))
