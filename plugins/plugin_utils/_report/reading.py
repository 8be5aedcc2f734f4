# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Status documents as a page reads them: whatever is null or of another type is not known, and is never a failure.

Names and keys come from etcd, errors from anybody. All text passes here: control characters and those that turn the
direction of a text become visible, and what is very long is cut.
"""

from __future__ import annotations

import math
import typing as t

from ...module_utils._core.text import printable

# Keys of etcd may have a million characters.
MAX_CHARACTERS = 400


class Part:
    """A dictionary of a document, or nothing."""

    def __init__(self, body: object) -> None:
        self._body: t.Mapping[str, object] = body if isinstance(body, t.Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._body)

    def text(self, key: str) -> str:
        """The text, empty if it is not known."""
        return _text(self._body.get(key))

    def texts(self, key: str) -> list[str]:
        return [text for text in map(_text, self._list(key)) if text]

    def number(self, key: str) -> float | None:
        value = self._body.get(key)
        known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return t.cast(float, value) if known else None

    def amount(self, key: str) -> float:
        """A number that is not negative, 0 if it is not known."""
        return max(self.number(key) or 0, 0)

    def flag(self, key: str) -> bool | None:
        value = self._body.get(key)
        return value if isinstance(value, bool) else None

    def part(self, key: str) -> Part:
        return Part(self._body.get(key))

    def parts(self, key: str) -> list[Part]:
        return [part for part in map(Part, self._list(key)) if part]

    def _list(self, key: str) -> t.Sequence[object]:
        value = self._body.get(key)
        return value if isinstance(value, (list, tuple)) else ()


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    if len(value) <= MAX_CHARACTERS:
        return printable(value)
    return f"{printable(value[:MAX_CHARACTERS])}… ({len(value)} characters)"


__all__ = ("MAX_CHARACTERS", "Part")
