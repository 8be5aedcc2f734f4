# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node whose etcd does not run any more: its files, and the options that name them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from unit.builders import Json, recorded

from lab import pki


def write_pki(directory: Path) -> Path:
    """Write the certificates of a node; that takes a moment."""
    pki.write_node_pki(pki.Authority.create(), directory, "cp1", "127.0.0.1")
    return directory


def stopped_node(directory: Path, written_pki: Path) -> Json:
    """Write the files of a node whose etcd was 3.6.16; the options for it."""
    shutil.copytree(written_pki, directory / "pki")
    wal = directory / "etcd/member/wal"
    wal.mkdir(parents=True)
    (wal / "0000000000000000-0000000000000000.wal").write_bytes(recorded("3.6.16", "wal"))
    flags = {
        "name": "cp1",
        "data-dir": str(directory / "etcd"),
        "listen-client-urls": "https://127.0.0.1:1",
        "trusted-ca-file": str(directory / "pki/etcd/ca.crt"),
        "cert-file": str(directory / "pki/etcd/server.crt"),
        "key-file": str(directory / "pki/etcd/server.key"),
    }
    command = ["etcd", *(f"--{name}={value}" for name, value in flags.items())]
    pod = {"spec": {"containers": [{"name": "etcd", "command": command}]}}
    (directory / "etcd.yaml").write_text(yaml.safe_dump(pod), "utf-8")
    return options(
        manifest=str(directory / "etcd.yaml"),
        data_dir=str(directory / "etcd"),
        lock_path=str(directory / "x.lock"),
        kubelet_unit="kubelet-of-the-tests",
        snapshot_dir=str(directory / "snapshots"),
    )


def options(**given: Any) -> Json:
    return {
        "ca_cert": None,
        "client_cert": None,
        "client_key": None,
        "endpoint": None,
        "manifest": "/nowhere/etcd.yaml",
        "timeout": 1.0,
        "transport": "auto",
        "allow_unsafe_version": False,
        **given,
    }


def sha256_of(path: Path) -> str:
    """The fingerprint of a certificate, as the cryptography library reads it."""
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex()
