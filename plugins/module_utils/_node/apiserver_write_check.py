# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The check that an API server can write to etcd: what its answers mean, and how long it is waited for."""

from __future__ import annotations

import time
import typing as t

from .._core.failures import Failure
from .apiserver import Answer, ApiServer

_POLL_SECONDS = 0.5
_SETTLING_SECONDS = 30.0  # until an API server that starts has read who may do what, and how much
# Answers of etcd that do not pass by themselves, as a change of the leader or a member that stops does; their codes.
_LASTING = {"database space exceeded": "nospace_alarm", "corrupt cluster": "apiserver_write_refused"}
_PASSING = ("etcdserver:", "not responding", "too many requests")


class Outcome(t.NamedTuple):
    """The outcome and its reason, by the names in the result of the module `apiserver_write_check`."""

    kind: str
    reason: str = ""

    @property
    def may_pass(self) -> bool:
        """Whether a refusal may be that of an API server that has only just started. A webhook's is somebody else's."""
        return self.kind == "refused" and "webhook" not in self.reason


def check_writes(api: ApiServer, timeout: float, *, check: bool) -> tuple[Outcome, float]:
    """The outcome once it is lasting, and after how many seconds. Raises Failure if etcd refuses the write."""
    start, refused_at = time.monotonic(), float("inf")
    while True:
        outcome = attempt(api, check=check)
        now = time.monotonic()
        if outcome.kind == "refused":
            refused_at = min(refused_at, now)
        settling = outcome.may_pass and now - refused_at < _SETTLING_SECONDS
        if check or now - start > timeout or not (outcome.kind == "not ready" or settling):
            return outcome, time.monotonic() - start
        time.sleep(_POLL_SECONDS)


def attempt(api: ApiServer, *, check: bool) -> Outcome:
    """The outcome of one try, which writes only if it is ready. Raises Failure if etcd refuses the write."""
    try:
        ready = api.readiness()
        written = api.write() if ready.status == 200 and not check else None
    except Failure as exc:
        return Outcome("not ready", exc.reason)
    if ready.status in (401, 403):  # that is so for a moment after each start
        return Outcome("refused", f"HTTP {ready.status}: {ready.message}")
    if ready.status != 200:
        return Outcome("not ready", f"it is not ready: {failed_checks(ready.body)}")
    return classify(written) if written else Outcome("ready")


def classify(answer: Answer) -> Outcome:
    """The outcome of a write that was answered. Raises Failure if it came as far as etcd, which refuses it."""
    if answer.status < 300:
        return Outcome("accepted")
    message = answer.message
    for text, code in _LASTING.items():
        if text in message:
            raise Failure(
                code,
                f"The API server of this node still cannot write: {message}",
                "Run this again, and look at etcd's own alarms (etcd_info).",
            )
    if answer.status in (429, 503, 504) or any(text in message for text in _PASSING):
        return Outcome("not ready", "it asked to try again")
    return Outcome("refused", f"HTTP {answer.status}: {message}")


def failed_checks(body: str) -> str:
    """The checks that failed, of a verbose answer of /readyz."""
    names = [line[3:].split(" ")[0] for line in body.splitlines() if line.startswith("[-]")]
    return ", ".join(names) or body.strip()[:200]


__all__ = ("Outcome", "attempt", "check_writes", "classify", "failed_checks")
