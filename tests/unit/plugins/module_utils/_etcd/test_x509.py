# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dates of certificates, as the cryptography library reads them."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.x509 import (
    CLIENT_AUTH,
    Validity,
    fingerprints,
    names_and_uses,
    validities,
)

KEY = ec.generate_private_key(ec.SECP256R1())
UTC = dt.UTC


def certificate(start: dt.datetime, end: dt.datetime, name: str = "etcd-ca", serial: int = 1) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(KEY, hashes.SHA256())
    )


def pem_of(found: x509.Certificate) -> str:
    return found.public_bytes(serialization.Encoding.PEM).decode("ascii")


START = dt.datetime(2026, 11, 23, 17, 55, 1, tzinfo=UTC)

DATES: list[tuple[str, dt.datetime, dt.datetime]] = [
    ("a year", START, START.replace(year=2027)),
    ("last second of 2049", START, dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("first second of 2050", START, dt.datetime(2050, 1, 1, tzinfo=UTC)),
    ("both beyond 2050", dt.datetime(2050, 1, 1, tzinfo=UTC), dt.datetime(2051, 1, 1, tzinfo=UTC)),
    ("no end", START, dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("leap day", dt.datetime(2024, 2, 29, tzinfo=UTC), dt.datetime(2028, 2, 29, tzinfo=UTC)),
    ("from 1950", dt.datetime(1950, 1, 1, tzinfo=UTC), START),
    ("from 1968", dt.datetime(1968, 12, 31, tzinfo=UTC), START),
    ("from 1970", dt.datetime(1970, 1, 1, tzinfo=UTC), START),
]


@pytest.mark.parametrize(("start", "end"), table(DATES))
def test_dates(start: dt.datetime, end: dt.datetime) -> None:
    assert validities(pem_of(certificate(start, end))) == [Validity(start, end)]


moments = st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(9999, 12, 31), timezones=st.just(UTC))


@given(st.tuples(moments, moments).map(sorted), st.text("abc-", min_size=1, max_size=60), st.integers(1, 2**159 - 1))
def test_same_as_cryptography(dates: list[dt.datetime], name: str, serial: int) -> None:
    start, end = (moment.replace(microsecond=0) for moment in dates)
    made = certificate(start, end, name, serial)
    assert validities(pem_of(made)) == [Validity(made.not_valid_before_utc, made.not_valid_after_utc)]


PEM = pem_of(certificate(START, START.replace(year=2027)))

AROUND: list[tuple[str, str]] = [
    ("alone", PEM),
    ("text before it", "Certificate:\n    Data:\n" + PEM),
    ("after its key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n" + PEM),
    ("line ends of Windows", PEM.replace("\n", "\r\n")),
]


@pytest.mark.parametrize("pem", table(AROUND))
def test_file(pem: str) -> None:
    assert validities(pem) == [Validity(START, START.replace(year=2027))]


def test_several_in_a_file() -> None:
    other = pem_of(certificate(START, START.replace(year=2040)))
    assert [found.not_after.year for found in validities(PEM + other)] == [2027, 2040]


BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

REFUSED: list[tuple[str, str, str]] = [
    ("empty", "", "no certificate in it"),
    ("a key", "-----BEGIN RSA PRIVATE KEY-----", "no certificate in it"),
    ("no end", PEM.replace(END, ""), "no certificate in it"),
    ("nothing between", f"{BEGIN}\n{END}\n", "not a certificate"),
    ("no base64", f"{BEGIN}\n!\n{END}\n", "not a certificate"),
    ("text in base64", f"{BEGIN}\naGVsbG8gd29ybGQ=\n{END}\n", "not a certificate"),
    ("cut off", PEM[:200] + "\n" + END, "not a certificate"),
    ("end before begin", f"{END}\n{BEGIN}\n", "no certificate in it"),
]


@pytest.mark.parametrize(("pem", "message"), table(REFUSED))
def test_refused(pem: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        validities(pem)


@given(st.integers(len(BEGIN) + 1, len(PEM) - len(END) - 2), st.sampled_from("AQgw+/=9\n!"))
def test_damaged(at: int, letter: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(validities(PEM[:at] + letter + PEM[at + 1 :])[0], Validity)


OTHER = pem_of(certificate(START, START.replace(year=2040), "another-ca"))


def sha256(pem: str) -> str:
    """The fingerprint of one certificate, as the cryptography library reads it."""
    der = x509.load_pem_x509_certificate(pem.encode("ascii")).public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()


OWN, BOTH = [sha256(PEM)], sorted([sha256(PEM), sha256(OTHER)])

FINGERPRINTS: list[tuple[str, str, list[str]]] = [
    ("one", PEM, OWN),
    ("text around it", f"# our CA\n\n{PEM}\nthe end\n", OWN),
    ("line ends of Windows", PEM.replace("\n", "\r\n"), OWN),
    ("no line end", PEM.rstrip("\n"), OWN),
    ("the same one twice", PEM + PEM, OWN),
    ("two", PEM + OTHER, BOTH),
    ("two, the other way round", OTHER + PEM, BOTH),
    ("beside a key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n" + PEM, OWN),
]


@pytest.mark.parametrize(("pem", "expected"), table(FINGERPRINTS))
def test_fingerprints(pem: str, expected: list[str]) -> None:
    assert fingerprints(pem) == expected


NO_FINGERPRINTS: list[tuple[str, str, str]] = [
    ("empty", "", "no certificate in it"),
    ("a key", "-----BEGIN RSA PRIVATE KEY-----", "no certificate in it"),
    ("no end", PEM.replace(END, ""), "no certificate in it"),
    ("end before begin", f"{END}\n{BEGIN}\n", "no certificate in it"),
    ("broken base64", f"{BEGIN}\nAAAAA\n{END}\n", "base64"),
]


@pytest.mark.parametrize(("pem", "message"), table(NO_FINGERPRINTS))
def test_no_fingerprints(pem: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fingerprints(pem)


USAGES: list[tuple[str, list[x509.ObjectIdentifier], bool]] = [
    ("client", [ExtendedKeyUsageOID.CLIENT_AUTH], True),
    ("both", [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH], True),
    ("server", [ExtendedKeyUsageOID.SERVER_AUTH], False),
]


@pytest.mark.parametrize(("usages", "client"), table(USAGES))
def test_names_and_uses(usages: list[x509.ObjectIdentifier], client: bool) -> None:
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd-ca")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cp1")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(START).not_valid_after(START.replace(year=2027))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False).sign(KEY, hashes.SHA256())
    (found,) = names_and_uses(pem_of(made))
    assert (found.issuer, found.subject) == (issuer.public_bytes(), subject.public_bytes())
    assert (len(found.uses), CLIENT_AUTH in found.uses) == (len(usages), client)


def test_names_without_uses() -> None:
    (found,) = names_and_uses(pem_of(certificate(START, START.replace(year=2027))))
    assert found.issuer == found.subject
    assert found.uses == frozenset()


def test_names_of_no_certificate() -> None:
    block = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError, match="not a certificate"):
        names_and_uses(block)
