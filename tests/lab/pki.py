# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as kubeadm makes them for a stacked etcd, and some that are wrong on purpose.

Per cluster one authority ``etcd-ca``; per node the files kubeadm puts below ``/etc/kubernetes/pki``. Keys are EC P-256,
which are made about a hundred times faster than kubeadm's RSA-2048 and are used in the same way by etcd and clients.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
SERVER_AND_CLIENT = SERVER + CLIENT

CA_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=365)
# kubeadm dates certificates back a little, too: clocks of nodes differ.
BACKDATE = timedelta(minutes=5)


@dataclass(frozen=True)
class KeyPair:
    """Two PEM files: ``<stem>.crt`` (0644) and ``<stem>.key`` (0600)."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """A certificate authority held in memory, to be written to every node of its cluster."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, common_name: str = "etcd-ca", *, expired: bool = False) -> Authority:
        """Return a new self-signed authority that is valid for ten years; ``expired``: they expired yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common_name)
        start = _start(CA_LIFETIME, expired=expired)
        certificate = (
            _builder(name, name, key.public_key(), start, start + CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def write(self, stem: Path) -> KeyPair:
        """Write the authority's own certificate and key as ``<stem>.crt`` and ``<stem>.key``."""
        return _write(stem, self.certificate, self.key)

    def issue(
        self,
        stem: Path,
        common_name: str,
        usages: Sequence[ObjectIdentifier],
        *,
        names: Sequence[str] = (),
        addresses: Sequence[str] = (),
        organization: str = "",
        expired: bool = False,
    ) -> KeyPair:
        """Sign a new certificate and write it with its key as ``<stem>.crt`` and ``<stem>.key``.

        ``names`` and ``addresses`` are its subject alternative names (DNS names, IP addresses without brackets). The
        ``organization`` is a group for Kubernetes. ``expired=True`` gives one whose year ended yesterday.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        start = _start(LEAF_LIFETIME, expired=expired)
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ip_address(address)) for address in addresses]
        builder = (
            _builder(
                _name(common_name, organization),
                self.certificate.subject,
                key.public_key(),
                start,
                start + LEAF_LIFETIME,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return _write(stem, builder.sign(self.key, hashes.SHA256()), key)


def _start(lifetime: timedelta, *, expired: bool) -> datetime:
    start = datetime.now(UTC) - BACKDATE
    return start - lifetime - timedelta(days=1) if expired else start


def write_node_pki(authority: Authority, pki: Path, node_name: str, address: str) -> None:
    """Write all etcd-related files of one node below ``pki`` (a node's ``/etc/kubernetes/pki``)."""
    authority.write(pki / "etcd" / "ca")
    for stem in ("server", "peer"):
        _issue_server(authority, pki / "etcd" / stem, node_name, address, SERVER_AND_CLIENT)
    issue_healthcheck_client(authority, pki / "etcd" / "healthcheck-client")
    authority.issue(pki / "apiserver-etcd-client", "kube-apiserver-etcd-client", CLIENT)


def issue_healthcheck_client(authority: Authority, stem: Path, *, expired: bool = False) -> KeyPair:
    """Write a client certificate with the name of kubeadm's health check.

    For a client the cluster must refuse, pass ``expired=True`` or an authority that is not the cluster's.
    """
    return authority.issue(stem, "kube-etcd-healthcheck-client", CLIENT, expired=expired)


def issue_server_without_client_usage(authority: Authority, stem: Path, node_name: str, address: str) -> KeyPair:
    """Write a server certificate without the client usage: etcd serves gRPC with it, but its gateway cannot."""
    return _issue_server(authority, stem, node_name, address, SERVER)


def _issue_server(
    authority: Authority, stem: Path, node_name: str, address: str, usages: Sequence[ObjectIdentifier]
) -> KeyPair:
    addresses = list(dict.fromkeys((address, "127.0.0.1", "::1")))
    return authority.issue(stem, node_name, usages, names=(node_name, "localhost"), addresses=addresses)


def _name(common_name: str, organization: str = "") -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(stem: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    stem.parent.mkdir(parents=True, exist_ok=True)
    pair = KeyPair(stem.with_name(f"{stem.name}.crt"), stem.with_name(f"{stem.name}.key"))
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    # Born with its mode, so that the key is at no moment readable for others; a file to be replaced goes first.
    pair.key.unlink(missing_ok=True)
    with os.fdopen(os.open(pair.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return pair
