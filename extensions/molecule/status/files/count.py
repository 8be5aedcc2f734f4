# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the keys and bytes in a RangeResponse of etcd on standard input, all and by resource, and print them as JSON.

Only protobuf's wire format is known here: field 2 of the response is a KeyValue, field 1 of that its key.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

PREFIXES = {
    "all": b"",
    "widgets": b"/registry/example.org/widgets/",
    "secrets": b"/registry/secrets/",
    "events": b"/registry/events/",
}


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and what follows it."""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return number, at


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of a message that have a length."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, at = varint(data, at)
        if tag & 7 == 2:
            yield tag >> 3, data[at : at + number]
            at += number


sums = {name: [0, 0] for name in PREFIXES}
for number, record in fields(sys.stdin.buffer.read()):
    if number == 2:
        key = next(value for field, value in fields(record) if field == 1)
        for name, prefix in PREFIXES.items():
            if key.startswith(prefix):
                sums[name][0] += 1
                sums[name][1] += len(record)
print(json.dumps(sums))
