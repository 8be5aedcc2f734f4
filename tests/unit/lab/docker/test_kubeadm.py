# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real nodes of the scenarios are made of, as far as it can be told without Docker."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from lab.docker import network
from lab.docker.archive import Image, write_archive
from lab.docker.generations import GENERATIONS
from lab.docker.host_settings import without_dockers
from lab.docker.kubeadm import Keys, discovery, init_configuration
from lab.errors import CommandFailedError, DockerError
from tools.scenarios import scenarios

KEYS = Keys("abcdef.0123456789abcdef", "00" * 32)

BEFORE = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:8]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
COMMIT
"""
DOCKERS = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [1:2]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o br-0123456789ab -j DOCKER
-A DOCKER-USER -j RETURN
COMMIT
"""
CLEANED = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:8]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param("", "", "", id="no rules at all"),
        pytest.param(BEFORE, DOCKERS, CLEANED, id="Docker's go, the policy comes back, what somebody else added stays"),
        pytest.param("", DOCKERS, CLEANED.replace("[7:8]", "[1:2]"), id="nothing was there before"),
        pytest.param(DOCKERS, DOCKERS, DOCKERS, id="what was Docker's before stays"),
    ],
)
def test_what_docker_added_to_the_firewall_is_taken_out_again(before: str, now: str, expected: str) -> None:
    assert without_dockers(before, now) == expected


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=lambda generation: str(generation.name))
def test_the_quota_reaches_etcd_in_each_api_of_kubeadm(generation) -> None:  # type: ignore[no-untyped-def]
    text = init_configuration(
        generation, name="cp1", address="192.0.2.11", endpoint="cp", etcd_flags={"quota-backend-bytes": "1"}, keys=KEYS
    )
    init, cluster, kubelet = yaml.safe_load_all(text)
    flags = {
        "v1beta3": {"quota-backend-bytes": "1"},
        "v1beta4": [{"name": "quota-backend-bytes", "value": "1"}],
    }[generation.kubeadm_api]
    assert cluster["etcd"]["local"]["extraArgs"] == flags
    assert cluster["kubernetesVersion"] == f"v{generation.kubernetes}"
    assert init["apiVersion"] == cluster["apiVersion"] == f"kubeadm.k8s.io/{generation.kubeadm_api}"
    assert kubelet["kind"] == "KubeletConfiguration"


def test_a_joining_node_is_told_the_authority_and_nothing_secret() -> None:
    (cluster,) = yaml.safe_load(discovery(endpoint="cp", ca="certificate"))["clusters"]
    assert cluster["cluster"] == {"server": "https://cp:6443", "certificate-authority-data": "Y2VydGlmaWNhdGU="}


def test_an_archive_holds_images_as_docker_saves_them(tmp_path: Path) -> None:
    program = tmp_path / "etcd"
    program.write_bytes(b"program")
    write_archive(tmp_path / "images.tar", [Image("registry/etcd:1", {"etcd": program}, ["/etcd"])], "x86_64")
    with tarfile.open(tmp_path / "images.tar") as archive:
        files = {entry.name: _content(archive, entry) for entry in archive}
    (image,) = json.loads(files["manifest.json"])
    config = json.loads(files[image["Config"]])
    layer = gzip.decompress(files[image["Layers"][0]])
    assert image["RepoTags"] == ["registry/etcd:1"]
    assert config["architecture"] == "amd64"
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as inside:
        (entry,) = inside
        assert (entry.name, entry.mode, _content(inside, entry)) == ("usr/local/bin/etcd", 0o755, b"program")


def test_scenarios_on_equal_nodes_run_one_after_the_other() -> None:
    kinds = list(scenarios(long=False).values())
    assert all(kind.generation in GENERATIONS and kind.nodes in (1, 3, 5) for kind in kinds)
    changes = 1 + sum(kind != last for last, kind in itertools.pairwise(kinds))
    assert changes == len(set(kinds))


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    assert file
    return file.read()


def test_what_docker_says_against_a_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: str) -> str:
        raise CommandFailedError("could not find an available bridge")

    monkeypatch.setattr(network, "_networks", list)
    monkeypatch.setattr(network, "docker", refuse)
    with pytest.raises(DockerError, match="or is refused: could not find an available bridge"):
        network.create("dev", "label")
