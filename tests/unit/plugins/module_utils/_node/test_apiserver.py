# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server of a node: its address, the credentials to ask it with, and one that really speaks TLS."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from unit.builders import DATA, Json, api_failure, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node import apiserver
from ansible_collections.controlplane.etcd.plugins.module_utils._node.apiserver import (
    ADMIN_CONF,
    Address,
    Answer,
    ApiServer,
    address_of,
    credentials_of,
    kubeconfig_on_node,
)
from lab import pki

MANIFESTS = sorted((DATA / "apiserver").glob("*/*"))
ANNOTATION = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_address_in_manifests_of_kubeadm(path: Path) -> None:
    host = {"ipv4": "192.0.2.2", "ipv6": "2001:db8::2"}[path.stem]
    assert address_of(path.read_text("utf-8"), "x.yaml") == Address(host, 6443)


RKE2 = "/etc/rancher/rke2/rke2.yaml"
KUBECONFIGS: list[tuple[str, set[str], str, str]] = [
    ("kubeadm's", {ADMIN_CONF}, ADMIN_CONF, ADMIN_CONF),
    ("both", {ADMIN_CONF, RKE2}, ADMIN_CONF, ADMIN_CONF),
    ("RKE2's", {RKE2}, ADMIN_CONF, RKE2),
    ("another one was named", {RKE2}, "/etc/other.conf", "/etc/other.conf"),
    ("none", set(), ADMIN_CONF, ADMIN_CONF),
]


@pytest.mark.parametrize(("there", "named", "used"), table(KUBECONFIGS))
def test_the_kubeconfig_on_a_node(there: set[str], named: str, used: str) -> None:
    assert kubeconfig_on_node(named, there.__contains__) == used


def test_address_as_text() -> None:
    assert str(Address("192.0.2.2", 6443)) == "https://192.0.2.2:6443"
    assert str(Address("2001:db8::2", 6443)) == "https://[2001:db8::2]:6443"


def pod(*flags: str, endpoint: str | None = None) -> str:
    """A manifest with these flags and this annotation."""
    annotations = {"annotations": {ANNOTATION: endpoint}} if endpoint is not None else {}
    container = {"name": "kube-apiserver", "command": ["kube-apiserver"], "args": list(flags)}
    return yaml.safe_dump({"metadata": {"name": "kube-apiserver", **annotations}, "spec": {"containers": [container]}})


ADDRESSES: list[tuple[str, str, Address]] = [
    ("nothing at all", pod(), Address("127.0.0.1", 6443)),
    ("an empty annotation", pod(endpoint=""), Address("127.0.0.1", 6443)),
    ("only an annotation", pod(endpoint="192.0.2.2:8443"), Address("192.0.2.2", 8443)),
    ("only flags", pod("--advertise-address=192.0.2.2", "--secure-port=7443"), Address("192.0.2.2", 7443)),
    ("the port of the flag counts", pod("--secure-port=7443", endpoint="192.0.2.2:6443"), Address("192.0.2.2", 7443)),
    ("the host of the annotation counts", pod("--advertise-address=192.0.2.9", endpoint="[::1]:1"), Address("::1", 1)),
]


@pytest.mark.parametrize(("text", "expected"), table(ADDRESSES))
def test_address(text: str, expected: Address) -> None:
    assert address_of(text, "x.yaml") == expected


def test_address_beside_a_variable_on_two_lines() -> None:
    """As kubeadm writes a NO_PROXY of more than 80 characters."""
    text = (DATA / "cases/manifests/apiserver-proxy-variable-on-two-lines.manifest").read_text("utf-8")
    assert address_of(text, "x.yaml") == Address("192.0.2.11", 6443)


def test_address_of_the_container_of_that_name() -> None:
    body = yaml.safe_load(pod("--secure-port=$(PORT)"))
    server = {**body["spec"]["containers"][0], "env": [{"name": "PORT", "value": "7443"}]}
    body["spec"]["containers"] = [{"name": "beside", "command": ["x", "--secure-port=1"]}, server]
    assert address_of(yaml.safe_dump(body), "x.yaml") == Address("127.0.0.1", 7443)


NO_MANIFESTS: list[tuple[str, str, str]] = [
    ("empty", "", "x.yaml is not the manifest of an API server"),
    ("a list", "- a\n", "x.yaml is not the manifest of an API server"),
    ("no containers", "spec:\n  containers:\n", "x.yaml is not the manifest of an API server"),
    ("no metadata", "spec:\n  containers:\n  - name: a\n", "x.yaml is not the manifest of an API server"),
    ("a container that is none", "metadata: {}\nspec:\n  containers:\n  - a\n", "x.yaml is not the manifest"),
    ("a line", "a: b\nc: !d e\n", "x.yaml is not the manifest of an API server: line 2 is not understood: c: !d e"),
    ("no port", pod("--secure-port=https"), "x.yaml: 'https' is not a valid port"),
]


@pytest.mark.parametrize(("text", "message"), table(NO_MANIFESTS))
def test_no_manifest(text: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        address_of(text, "x.yaml")
    assert str(caught.value).startswith(message)


def kubeconfig(ca: bytes, certificate: bytes, key: bytes) -> str:
    """Word by word as kubeadm writes admin.conf."""
    data = [base64.b64encode(pem).decode("ascii") for pem in (ca, certificate, key)]
    return f"""\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data[0]}
    server: https://192.0.2.100:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
preferences: {{}}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {data[1]}
    client-key-data: {data[2]}
"""


WHOLE = kubeconfig(b"ca", b"certificate", b"key")


def test_credentials() -> None:
    assert credentials_of(WHOLE, "x.conf") == (b"ca", b"certificate", b"key")


def test_credentials_of_the_current_context() -> None:
    config = yaml.safe_load(WHOLE)
    other = yaml.safe_load(kubeconfig(b"other ca", b"other certificate", b"other key"))
    for kind, one in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        entry = other[kind][0]
        entry["name"] = "other"
        if one == "context":
            entry[one] = {"cluster": "other", "user": "other"}
        config[kind].insert(0, entry)
    assert credentials_of(yaml.safe_dump(config), "x.conf") == (b"ca", b"certificate", b"key")
    config["current-context"] = "other"
    assert credentials_of(yaml.safe_dump(config), "x.conf") == (b"other ca", b"other certificate", b"other key")


def test_credentials_in_files(tmp_path: Path) -> None:
    """As a kubelet's; a path is seen from the file's own directory."""
    config = yaml.safe_load(WHOLE)
    (tmp_path / "pki").mkdir()
    for number, (kind, one, name) in enumerate(
        (("clusters", "cluster", "certificate-authority"), ("users", "user", "client-certificate"))
    ):
        del config[kind][0][one][f"{name}-data"]
        config[kind][0][one][name] = f"pki/{name}.pem" if number else str(tmp_path / f"pki/{name}.pem")
        (tmp_path / f"pki/{name}.pem").write_bytes(b"of a file")
    found = credentials_of(yaml.safe_dump(config), str(tmp_path / "x.conf"))
    assert found == (b"of a file", b"of a file", b"key")


UNREADABLE = "x.conf cannot be read as a kubeconfig"

NO_CONFIGS: list[tuple[str, str, str]] = [
    ("empty", "", UNREADABLE),
    ("a list", "- a\n", UNREADABLE),
    ("no such context", WHOLE.replace("current-context: k", "current-context: x"), UNREADABLE),
    ("no such user", WHOLE.replace("user: kubernetes-admin", "user: x"), UNREADABLE),
    ("no contexts", WHOLE.replace("contexts:\n", "texts:\n"), UNREADABLE),
    ("a token instead", WHOLE.replace("client-certificate-data", "token"), "x.conf has no usable client-certificate"),
    ("no CA", WHOLE.replace("certificate-authority-data", "x"), "x.conf has no usable certificate-authority"),
    ("no base64", WHOLE.replace("client-key-data: ", "client-key-data: ("), "x.conf has no usable client-key"),
    ("a file that is gone", WHOLE.replace("client-key-data", "client-key"), "x.conf has no usable client-key"),
    ("an empty user", WHOLE[: WHOLE.index("    client-cert")], "x.conf has no usable client-certificate"),
]


@pytest.mark.parametrize(("text", "message"), table(NO_CONFIGS))
def test_no_kubeconfig(text: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        credentials_of(text, "x.conf")
    assert str(caught.value).startswith(message)


MESSAGES: list[tuple[str, Answer, str]] = [
    ("the API's", api_failure("no"), "no"),
    ("text", Answer(500, " no\n"), "no"),
    ("long text", Answer(500, "x" * 400), "x" * 300),
    ("JSON without one", Answer(500, "{}"), "{}"),
    ("other JSON", Answer(500, "[1]"), "[1]"),
]


@pytest.mark.parametrize(("answer", "expected"), table(MESSAGES))
def test_message(answer: Answer, expected: str) -> None:
    assert answer.message == expected


class Handler(BaseHTTPRequestHandler):
    """As much of an API server as is asked: readiness, and Leases in memory."""

    server: FakeServer

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/readyz?verbose" else 404, "[+]ping ok\n")

    def do_POST(self) -> None:
        lease = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if lease["metadata"]["name"] in self.server.leases:
            self._answer(409, api_failure("already exists", 409).body)
        else:
            self.server.leases.append(lease["metadata"]["name"])
            self.server.bodies.append(lease)
            self._answer(201, json.dumps(lease))

    def do_DELETE(self) -> None:
        self.server.leases.remove(self.path.rpartition("/")[2])
        if self.server.cleaned:  # somebody else was faster
            self._answer(self.server.cleaned, api_failure("an answer", self.server.cleaned).body)
        elif self.server.lost > 0:  # the answer, not what was asked for
            self.server.lost -= 1
            self.close_connection = True
        else:
            self._answer(200, "{}")

    def _answer(self, status: int, body: str) -> None:
        self.server.asked.append((self.command, self.path.partition("-write-check-")[0], status))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode("utf-8"))

    def log_message(self, *_arguments: object) -> None:
        """Not into the tests' output."""


class FakeServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate: pki.KeyPair, client_ca: Path) -> None:
        self.leases: list[str] = []
        self.bodies: list[Json] = []
        self.asked: list[tuple[str, str, int]] = []
        self.lost = 0
        self.cleaned = 0
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_arguments: object) -> None:
        """A client that does not trust it hangs up, which is no news."""

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.server_address[1])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of a node, and of another cluster."""
    directory = tmp_path_factory.mktemp("pki")
    for name in ("own", "strange"):
        authority = pki.Authority.create("kubernetes")
        authority.write(directory / name / "ca")
        authority.issue(directory / name / "apiserver", "kube-apiserver", pki.SERVER, addresses=["127.0.0.1"])
        authority.issue(directory / name / "elsewhere", "kube-apiserver", pki.SERVER, addresses=["192.0.2.7"])
        authority.issue(directory / name / "admin", "kubernetes-admin", pki.CLIENT)
        authority.issue(directory / name / "expired", "kubernetes-admin", pki.CLIENT, expired=True)
    return directory


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which keys are for a moment."""
    path = tmp_path / "private"
    path.mkdir()
    monkeypatch.setattr(apiserver, "_PRIVATE", str(path))
    return path


def serve(certificates: Path, name: str = "apiserver") -> Iterator[FakeServer]:
    stem = certificates / "own" / name
    pair = pki.KeyPair(stem.with_suffix(".crt"), stem.with_suffix(".key"))
    with FakeServer(pair, certificates / "own/ca.crt") as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(certificates: Path) -> Iterator[FakeServer]:
    yield from serve(certificates)


@pytest.fixture
def impostor(certificates: Path) -> Iterator[FakeServer]:
    """Its certificate is for another address."""
    yield from serve(certificates, "elsewhere")


def admin(directory: Path, certificates: Path, *, ca: str = "own", client: str = "own/admin") -> str:
    """The path of a kubeconfig with these."""
    files = (f"{ca}/ca.crt", f"{client}.crt", f"{client}.key")
    (directory / "admin.conf").write_text(kubeconfig(*((certificates / name).read_bytes() for name in files)), "utf-8")
    return str(directory / "admin.conf")


def test_server(tmp_path: Path, private: Path, certificates: Path, server: FakeServer) -> None:
    api = ApiServer(server.address, admin(tmp_path, certificates), timeout=20.0)
    assert list(private.iterdir()) == []  # no key stays behind
    assert api.readiness() == (200, "[+]ping ok\n")
    assert api.write() == (200, "{}")
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    asked = [("GET", "/readyz?verbose", 200), ("POST", leases, 201), ("DELETE", f"{leases}/etcd-maintenance", 200)]
    assert server.asked == asked
    assert server.leases == []


def test_events_may_have_an_etcd_of_their_own(
    tmp_path: Path, private: Path, certificates: Path, server: FakeServer
) -> None:
    api = ApiServer(server.address, admin(tmp_path, certificates), timeout=20.0, resource="events")
    assert api.write() == (200, "{}")
    events = "/api/v1/namespaces/kube-system/events"
    assert server.asked == [("POST", events, 201), ("DELETE", f"{events}/etcd-maintenance", 200)]
    (event,) = server.bodies
    assert (event["apiVersion"], event["kind"]) == ("v1", "Event")
    # Else the API server refuses it.
    assert event["involvedObject"]["namespace"] == event["metadata"]["namespace"] == "kube-system"


def test_lease_is_collected_if_nobody_deletes_it(
    server: FakeServer, certificates: Path, tmp_path: Path, private: Path
) -> None:
    """Its owner is of its own kind and namespace, and there never was one of that name."""
    api = ApiServer(server.address, admin(tmp_path, certificates), timeout=20.0)
    api.write()
    api.write()
    first, second = server.bodies
    assert first == second  # so that what an earlier attempt has left is found
    (owner,) = first["metadata"]["ownerReferences"]
    assert (owner["apiVersion"], owner["kind"]) == (first["apiVersion"], first["kind"])
    assert owner["name"] == "etcd-maintenance-write-check" != first["metadata"]["name"]
    assert uuid.UUID(owner["uid"])
    other = ApiServer(server.address, admin(tmp_path, certificates), timeout=20.0)
    other.write()
    assert server.bodies[2]["metadata"] != first["metadata"]


def test_lease_whose_answer_was_lost_is_deleted(
    tmp_path: Path, private: Path, certificates: Path, server: FakeServer
) -> None:
    api = ApiServer(server.address, admin(tmp_path, certificates), timeout=20.0)
    server.lost = 1
    with pytest.raises(Failure, match="it does not answer at https://127"):
        api.write()
    assert api.write().status == 200
    # As if the answer to the one that made it had been lost.
    server.leases.append(api._object["metadata"]["name"])
    assert api.write().status == 200
    assert server.leases == []


@pytest.mark.parametrize("there", [False, True])
def test_lease_that_somebody_else_deleted(
    tmp_path: Path, private: Path, certificates: Path, server: FakeServer, there: bool
) -> None:
    """It was written, by this attempt or by an earlier one."""
    api = ApiServer(server.address, admin(tmp_path, certificates), timeout=20.0)
    if there:
        server.leases.append(api._object["metadata"]["name"])
    server.cleaned = 404
    assert api.write().status == 200
    assert [status for _verb, _path, status in server.asked] == [409 if there else 201, 404]
    server.cleaned = 403
    assert api.write().message == "an answer"


def test_server_of_a_manifest(tmp_path: Path, private: Path, certificates: Path, server: FakeServer) -> None:
    endpoint = f"{server.address.host}:{server.address.port}"
    address = address_of(pod(endpoint=endpoint), "x.yaml")
    assert ApiServer(address, admin(tmp_path, certificates), timeout=20.0).write().status == 200


FOREIGN: list[tuple[str, dict[str, str], str]] = [
    ("a CA that is not its own", {"ca": "strange"}, "certificate verify failed"),
    ("a client that it does not know", {"client": "strange/admin"}, ""),
]


@pytest.mark.parametrize(("files", "message"), table(FOREIGN))
def test_server_of_another_cluster(
    tmp_path: Path, private: Path, certificates: Path, server: FakeServer, files: dict[str, str], message: str
) -> None:
    api = ApiServer(server.address, admin(tmp_path, certificates, **files), timeout=20.0)
    with pytest.raises(Failure, match=rf"^it does not answer at https://127\.0\.0\.1:\d+: .*{message}"):
        api.readiness()
    assert server.asked == []


def test_server_with_another_address(tmp_path: Path, private: Path, certificates: Path, impostor: FakeServer) -> None:
    with pytest.raises(Failure, match="certificate is not valid for '127"):
        ApiServer(impostor.address, admin(tmp_path, certificates), timeout=20.0).readiness()


def test_nobody_answers(tmp_path: Path, private: Path, certificates: Path, server: FakeServer) -> None:
    address = server.address
    server.shutdown()
    server.server_close()
    with pytest.raises(Failure, match="Connection refused"):
        ApiServer(address, admin(tmp_path, certificates), timeout=20.0).readiness()


def test_expired_certificate_says_so(tmp_path: Path, private: Path, certificates: Path) -> None:
    path = admin(tmp_path, certificates, client="own/expired")
    with pytest.raises(Failure, match=rf"^{path}: the client certificate .* expired on"):
        ApiServer(Address("127.0.0.1", 1), path, timeout=1.0)
    assert list(private.iterdir()) == []
