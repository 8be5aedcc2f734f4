# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Expected failures, and the one message that users see of each of them.

    Failure
    ├── Refused     nothing was tried, because it would be unsafe or in vain
    ├── FileError   the operating system refused a file
    └── EtcdError   a call to etcd failed (see `_etcd/errors.py`)

Every failure has a code, which stays the same when its wording is improved: results, tests and the tables of the
runbook and of the hardening page refer to it.
"""

from __future__ import annotations

import typing as t


class Failure(Exception):
    """An expected failure. `code` is its stable name, `reason` whole sentences or, if `quotes`, the words of somebody
    else; `advice` says what to do, `unchanged` what is still true, empty if the caller knows better."""

    quotes = False

    def __init__(self, code: str, reason: str, advice: str = "", *, unchanged: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.advice = advice
        self.unchanged = unchanged

    @property
    def reason(self) -> str:
        return str(self)

    @property
    def text(self) -> str:
        """The reason and the advice, for a list of refusals."""
        return f"{self.reason} {self.advice}".rstrip()

    def as_result(self) -> dict[str, str]:
        """One entry of the `refusals` in results."""
        return {"code": self.code, "text": self.text}

    def details(self) -> dict[str, t.Any]:
        """The other keys in the result of the module that fails so."""
        return {}


class Refused(Failure):
    """A refusal: nothing was tried."""


class FileError(Failure):
    """An OSError at the edge: the operating system refused a file."""

    code = "file_error"
    quotes = True

    def __init__(self, exc: OSError, *, unchanged: str = "") -> None:
        advice = "Run this as root (become)." if isinstance(exc, PermissionError) else ""
        super().__init__(self.code, str(exc), advice, unchanged=unchanged)


def refuse(refusal: Refused | None) -> None:
    """Raise the refusal, if there is one."""
    if refusal:
        raise refusal


def sentence(text: str) -> str:
    """The text with a full stop at its end. Lines of a log stay lines, with a line break instead."""
    if "\n" in text:
        return f"{text}\n"
    return text if text.endswith(".") else f"{text}."


def message(doing: str, failure: Failure, *, through: str = "", unchanged: str = "") -> str:
    """The message for users: what was tried, through which member, why it failed, what is unchanged, what to do."""
    verb = "was refused" if isinstance(failure, Refused) else "failed"
    said = f"{doing}{f' through {through}' if through else ''} {verb}{':' if failure.quotes else '.'}"
    reason = sentence(failure.reason)
    rest = " ".join(filter(None, (failure.unchanged or unchanged, failure.advice)))
    return f"{said} {reason}{'' if reason.endswith(chr(10)) else ' '}{rest}".rstrip()


__all__ = ("Failure", "FileError", "Refused", "message", "refuse", "sentence")
