# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Fingerprints and validity of the certificates in a file: a TLS alert tells neither."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import ssl
import typing as t

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18


class Validity(t.NamedTuple):
    """The time for which a certificate is valid, in UTC."""

    not_before: dt.datetime
    not_after: dt.datetime


def _value(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the value whose header starts at `at` (X.690 section 8.1)."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    return der[at], start, start + length


def _time(tag: int, text: bytes) -> dt.datetime:
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}[tag]
    moment = dt.datetime.strptime(text.decode("ascii"), form).replace(tzinfo=dt.timezone.utc)
    if tag == _UTC_TIME and moment.year >= 2050:  # two digits mean 1950 to 2049 there (RFC 5280 section 4.1.2.5.1)
        return moment.replace(year=moment.year - 100)
    return moment


def fingerprints(pem: str) -> list[str]:
    """The SHA-256 of each certificate in `pem`, in hexadecimal, sorted and without repeats; comments do not count.

    Raises ValueError if there is none or one is damaged.
    """
    return sorted({hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest() for block in _blocks(pem)})


def validities(pem: str) -> list[Validity]:
    """The validity of each certificate in `pem`, in their order. Raises ValueError as `fingerprints` does."""
    return [_validity(block) for block in _blocks(pem)]


def _blocks(pem: str) -> list[str]:
    blocks = re.findall(rf"{_BEGIN}.*?{_END}", pem, re.DOTALL)
    if not blocks:
        raise ValueError("no certificate in it")
    return blocks


def _validity(block: str) -> Validity:
    try:
        der = ssl.PEM_cert_to_DER_cert(block)
        _tag, at, _end = _value(der, 0)  # Certificate
        _tag, at, _end = _value(der, at)  # TBSCertificate
        if der[at] == 0xA0:  # the version is optional
            at = _value(der, at)[2]
        for _skipped in ("serialNumber", "signature", "issuer"):
            at = _value(der, at)[2]
        _tag, at, _end = _value(der, at)  # Validity
        tag, start, stop = _value(der, at)
        not_before = _time(tag, der[start:stop])
        tag, start, stop = _value(der, stop)
        return Validity(not_before, _time(tag, der[start:stop]))
    except (IndexError, KeyError, ValueError) as exc:
        raise ValueError(f"not a certificate ({exc})") from None


__all__ = ("Validity", "fingerprints", "validities")
