# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Fingerprints, validity, names and uses of the certificates in a file: a TLS alert tells none of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import ssl
import typing as t

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_IN_TWO_DIGITS = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_IN_FOUR_DIGITS = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_EXTENDED_KEY_USAGE = bytes.fromhex("551d25")  # 2.5.29.37
# Of extended key usages (RFC 5280 section 4.2.1.12): 1.3.6.1.5.5.7.3.2 and 2.5.29.37.0.
CLIENT_AUTH, ANY_USE = bytes.fromhex("2b06010505070302"), bytes.fromhex("551d2500")


class Validity(t.NamedTuple):
    """The time for which a certificate is valid, in UTC."""

    not_before: dt.datetime
    not_after: dt.datetime


class NamesAndUses(t.NamedTuple):
    """Issuer and subject of a certificate as they are encoded, and its extended key usages, empty if it has none: then
    it may be used for everything."""

    issuer: bytes
    subject: bytes
    uses: frozenset[bytes]


def _value(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the value whose header starts at `at` (X.690 section 8.1)."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    return der[at], start, start + length


def _time(tag: int, text: bytes) -> dt.datetime:
    # By itself, since strptime reads all about locales and calendars first.
    found = {_UTC_TIME: _IN_TWO_DIGITS, _GENERALIZED_TIME: _IN_FOUR_DIGITS}[tag].fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no time")
    year, month, day, hour, minute, second = map(int, found.groups())
    if tag == _UTC_TIME:  # two digits mean 1950 to 2049 there (RFC 5280 section 4.1.2.5.1)
        year += 2000 if year < 50 else 1900
    return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.timezone.utc)


def fingerprints(pem: str) -> list[str]:
    """The SHA-256 of each certificate in `pem`, in hexadecimal, sorted and without repeats; comments do not count.

    Raises ValueError if there is none or one is damaged.
    """
    return sorted({hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest() for block in _blocks(pem)})


def validities(pem: str) -> list[Validity]:
    """The validity of each certificate in `pem`, in their order. Raises ValueError as `fingerprints` does."""
    return [_validity(block) for block in _blocks(pem)]


def names_and_uses(pem: str) -> list[NamesAndUses]:
    """The names and uses of each certificate in `pem`, in their order. Raises ValueError as `fingerprints` does."""
    return [_names_and_uses(block) for block in _blocks(pem)]


def _blocks(pem: str) -> list[str]:
    blocks = re.findall(rf"{_BEGIN}.*?{_END}", pem, re.DOTALL)
    if not blocks:
        raise ValueError("no certificate in it")
    return blocks


def _fields(block: str) -> tuple[bytes, list[tuple[int, int, int, int]]]:
    """A certificate and the fields of its TBSCertificate after the version (RFC 5280 section 4.1): tag, beginning of
    the header, start and end of each."""
    der = ssl.PEM_cert_to_DER_cert(block)
    _tag, at, _end = _value(der, 0)  # Certificate
    _tag, at, end = _value(der, at)  # TBSCertificate
    found: list[tuple[int, int, int, int]] = []
    while at < end:
        tag, start, stop = _value(der, at)
        if not (tag == 0xA0 and not found):  # the version is optional
            found.append((tag, at, start, stop))
        at = stop
    return der, found


def _validity(block: str) -> Validity:
    try:
        der, fields = _fields(block)
        tag, start, stop = _value(der, fields[3][2])
        not_before = _time(tag, der[start:stop])
        tag, start, stop = _value(der, stop)
        return Validity(not_before, _time(tag, der[start:stop]))
    except (IndexError, KeyError, ValueError) as exc:
        raise ValueError(f"not a certificate ({exc})") from None


def _names_and_uses(block: str) -> NamesAndUses:
    try:
        der, fields = _fields(block)
        issuer, subject = (der[at:stop] for _tag, at, _start, stop in (fields[2], fields[4]))
        extensions = next((start for tag, _at, start, _stop in fields if tag == 0xA3), None)
        return NamesAndUses(issuer, subject, _uses(der, extensions) if extensions else frozenset())
    except (IndexError, ValueError) as exc:
        raise ValueError(f"not a certificate ({exc})") from None


def _uses(der: bytes, at: int) -> frozenset[bytes]:
    for start, stop in _within(der, *_value(der, at)[1:]):
        parts = list(_within(der, start, stop))
        if der[slice(*parts[0])] == _EXTENDED_KEY_USAGE:
            value = _value(der, parts[-1][0])  # the list within the octets
            return frozenset(der[slice(*each)] for each in _within(der, *value[1:]))
    return frozenset()


def _within(der: bytes, at: int, end: int) -> t.Iterator[tuple[int, int]]:
    """Start and end of each value between two places."""
    while at < end:
        _tag, start, stop = _value(der, at)
        yield start, stop
        at = stop


__all__ = (
    "ANY_USE",
    "CLIENT_AUTH",
    "NamesAndUses",
    "Validity",
    "fingerprints",
    "names_and_uses",
    "validities",
)
