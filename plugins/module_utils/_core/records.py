# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Frozen records to plain results, and results back to records, with a type for every value.

A key that is missing or holds something else is a bug, or comes from another release of this collection. It raises
ValueError that names the place, and is never replaced by a default.
"""

from __future__ import annotations

import typing as t

Json = t.Dict[str, t.Any]  # evaluated, also on Python 3.8


def plain(value: t.Any) -> t.Any:
    """Dictionaries, lists and scalars instead of records and tuples, as JSON has them."""
    names = getattr(value, "_fields", None) or getattr(value, "__dataclass_fields__", None)
    if names:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, t.Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


class Fields:
    """A dictionary of a result, read with a type for each of its keys. `place` names it in errors."""

    def __init__(self, body: object, place: str) -> None:
        """Raises ValueError if it is no dictionary."""
        if not isinstance(body, t.Mapping):
            raise ValueError(f"{place} is no dictionary, but {_shown(body)}.")
        self._body: t.Mapping[str, object] = body
        self.place = place

    def has(self, key: str) -> bool:
        """Whether there is a value that is not null."""
        return self._body.get(key) is not None

    def text(self, key: str) -> str:
        value = self._value(key)
        if isinstance(value, str):
            return value
        raise self._wrong(key, "text")

    def whole(self, key: str) -> int:
        value = self._value(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self._wrong(key, "a whole number")

    def number(self, key: str) -> float:
        value = self._value(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        raise self._wrong(key, "a number")

    def flag(self, key: str) -> bool:
        value = self._value(key)
        if isinstance(value, bool):
            return value
        raise self._wrong(key, "true or false")

    def text_or_none(self, key: str) -> str | None:
        return None if self._value(key) is None else self.text(key)

    def whole_or_none(self, key: str) -> int | None:
        return None if self._value(key) is None else self.whole(key)

    def number_or_none(self, key: str) -> float | None:
        return None if self._value(key) is None else self.number(key)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) < len(values):
            raise self._wrong(key, "a list of texts")
        return texts

    def texts_by_key(self, key: str) -> dict[str, str]:
        body = self.record(key)
        return {name: body.text(name) for name in body.names()}

    def record(self, key: str) -> Fields:
        return Fields(self._value(key), f"{self.place}.{key}")

    def record_or_none(self, key: str) -> Fields | None:
        return None if self._value(key) is None else self.record(key)

    def records(self, key: str) -> tuple[Fields, ...]:
        return tuple(Fields(value, f"{self.place}.{key}[{at}]") for at, value in enumerate(self._list(key)))

    def names(self) -> tuple[str, ...]:
        return tuple(self._body)

    def _list(self, key: str) -> t.Sequence[object]:
        value = self._value(key)
        if isinstance(value, (list, tuple)):
            return value
        raise self._wrong(key, "a list")

    def _value(self, key: str) -> object:
        try:
            return self._body[key]
        except KeyError:
            raise ValueError(f"{self.place}.{key} is missing.") from None

    def _wrong(self, key: str, expected: str) -> ValueError:
        return ValueError(f"{self.place}.{key} is not {expected}, but {_shown(self._body[key])}.")


def _shown(value: object) -> str:
    return f"{type(value).__name__} {value!r:.80}"


__all__ = ("Fields", "Json", "plain")
