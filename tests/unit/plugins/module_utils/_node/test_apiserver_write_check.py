# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check that an API server can write: what its answers mean, and how long it is waited for."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from unit.builders import api_failure, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node import apiserver_write_check
from ansible_collections.controlplane.etcd.plugins.module_utils._node.apiserver import Answer, ApiServer
from ansible_collections.controlplane.etcd.plugins.module_utils._node.apiserver_write_check import Outcome

NO_SPACE = "etcdserver: mvcc: database space exceeded"
AGAIN = ("not ready", "it asked to try again")


WEBHOOK = 'Internal error occurred: failed calling webhook "x.example.org": connect: connection refused'

# The answer to a write, and the outcome.
CLASSIFIED: list[tuple[str, Answer, tuple[str, str]]] = [
    ("made", Answer(201, "{}"), ("accepted", "")),
    ("deleted", Answer(200, "{}"), ("accepted", "")),
    ("a webhook", api_failure(WEBHOOK), ("refused", f"HTTP 500: {WEBHOOK}")),
    ("a policy", api_failure("denied the request", 403), ("refused", "HTTP 403: denied the request")),
    ("leader changed", api_failure("etcdserver: leader changed"), AGAIN),
    ("no leader", api_failure("etcdserver: no leader"), AGAIN),
    ("request timed out", api_failure("etcdserver: request timed out"), AGAIN),
    ("a member stops", api_failure("etcdserver: server stopped"), AGAIN),
    ("etcd is busy", api_failure("etcdserver: too many requests"), AGAIN),
    ("whatever else etcd says", api_failure("etcdserver: user name is empty"), AGAIN),
    ("conflict", api_failure("already exists", 409), ("refused", "HTTP 409: already exists")),
    ("busy", api_failure("Too many requests, please try again later.", 429), AGAIN),
    ("a proxy's error", Answer(503, "Service Unavailable"), AGAIN),
    ("time is over", api_failure("Timeout: request did not complete within requested timeout", 504), AGAIN),
]

# The answer to a write that etcd refuses; the code, and etcd's words.
LASTING: list[tuple[str, Answer, str, str]] = [
    ("no space", api_failure(NO_SPACE), "nospace_alarm", NO_SPACE),
    ("corrupt", api_failure("etcdserver: corrupt cluster"), "apiserver_write_refused", "etcdserver: corrupt cluster"),
    ("no space, as a status that passes", api_failure(NO_SPACE, 503), "nospace_alarm", NO_SPACE),
]


@pytest.mark.parametrize(("answer", "expected"), table(CLASSIFIED))
def test_classify(answer: Answer, expected: tuple[str, str]) -> None:
    assert apiserver_write_check.classify(answer) == expected


@pytest.mark.parametrize(("answer", "code", "message"), table(LASTING))
def test_etcd_refuses_the_write(answer: Answer, code: str, message: str) -> None:
    with pytest.raises(Failure, match=f"^The API server of this node still cannot write: {message}$") as caught:
        apiserver_write_check.classify(answer)
    assert caught.value.code == code


STARTING = """\
[+]ping ok
[+]log ok
[-]etcd failed: reason withheld
[+]poststarthook/start-apiextensions-informers ok
[-]poststarthook/rbac/bootstrap-roles failed: reason withheld
readyz check failed
"""

FAILED_CHECKS: list[tuple[str, str, str]] = [
    ("checks", STARTING, "etcd, poststarthook/rbac/bootstrap-roles"),
    ("text", " shutting down\n", "shutting down"),
    ("long text", "x" * 300, "x" * 200),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("body", "expected"), table(FAILED_CHECKS))
def test_failed_checks(body: str, expected: str) -> None:
    assert apiserver_write_check.failed_checks(body) == expected


class FakeApi(ApiServer):
    """An API server that gives these answers one after the other, and the last one for ever; errors are raised."""

    def __init__(self, ready: list[Answer | Failure], writes: list[Answer | Failure]) -> None:
        self.ready, self.writes = ready, writes
        self.written = 0

    def readiness(self) -> Answer:
        return self._next(self.ready)

    def write(self) -> Answer:
        self.written += 1
        return self._next(self.writes)

    def _next(self, answers: list[Answer | Failure]) -> Answer:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Failure):
            raise found
        return found


READY, MADE = Answer(200, "[+]ping ok\n"), Answer(201, "{}")
NOT_READY = Answer(500, STARTING)
FORBIDDEN = api_failure('forbidden: User "kubernetes-admin" cannot get path "/readyz"', 403)
NOT_ALLOWED = f"HTTP 403: {FORBIDDEN.message}"
QUOTA = api_failure("status unknown for quota", 403)
DOWN = Failure("apiserver_unreachable", "it does not answer at https://192.0.2.2:6443: Connection refused")


def test_attempt_writes_only_when_it_is_ready() -> None:
    api = FakeApi([READY], [MADE])
    assert apiserver_write_check.attempt(api, check=False) == ("accepted", "")
    assert api.written == 1


def test_attempt_in_check_mode_writes_nothing() -> None:
    api = FakeApi([READY], [MADE])
    assert apiserver_write_check.attempt(api, check=True) == ("ready", "")
    assert api.written == 0


# Answers of /readyz with which nothing is written, and what they mean.
UNWRITTEN: list[tuple[str, Answer | Failure, tuple[str, str]]] = [
    ("not up", DOWN, ("not ready", str(DOWN))),
    ("not ready", NOT_READY, ("not ready", "it is not ready: etcd, poststarthook/rbac/bootstrap-roles")),
    ("a stranger", api_failure("Unauthorized", 401), ("refused", "HTTP 401: Unauthorized")),
    ("not allowed", FORBIDDEN, ("refused", NOT_ALLOWED)),
]


@pytest.mark.parametrize(("ready", "expected"), table(UNWRITTEN))
def test_attempt_that_does_not_come_to_a_write(ready: Answer | Failure, expected: tuple[str, str]) -> None:
    api = FakeApi([ready], [MADE])
    assert apiserver_write_check.attempt(api, check=False) == expected
    assert api.written == 0


# Answers of /readyz and to writes; what comes of it, the reason, and how many writes were tried.
CHECKS: list[tuple[str, list[Any], list[Any], bool, str, str, int]] = [
    ("at once", [READY], [MADE], False, "accepted", "", 1),
    ("when it is up again", [DOWN, DOWN, NOT_READY, READY], [MADE], False, "accepted", "", 1),
    ("when it has read who may do what", [FORBIDDEN, FORBIDDEN, READY], [MADE], False, "accepted", "", 1),
    ("when it has read how much is allowed", [READY], [QUOTA, QUOTA, MADE], False, "accepted", "", 3),
    ("refused in check mode: that may pass, too", [FORBIDDEN], [MADE], True, "refused", NOT_ALLOWED, 0),
    ("never allowed", [FORBIDDEN], [MADE], False, "refused", NOT_ALLOWED, 0),
    ("never up", [DOWN], [MADE], False, "not ready", str(DOWN), 0),
    ("a leader is elected meanwhile", [READY], [api_failure("etcdserver: no leader"), MADE], False, "accepted", "", 2),
    ("dies while it writes", [READY], [DOWN, MADE], False, "accepted", "", 2),
    ("a webhook", [READY], [api_failure(WEBHOOK)], False, "refused", f"HTTP 500: {WEBHOOK}", 1),
    ("check mode", [READY], [MADE], True, "ready", "", 0),
    ("check mode does not wait", [DOWN, READY], [MADE], True, "not ready", str(DOWN), 0),
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reading of the clock takes a second."""
    seconds = count()
    fake = SimpleNamespace(monotonic=lambda: float(next(seconds)), sleep=lambda _seconds: None)
    monkeypatch.setattr(apiserver_write_check, "time", fake)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("ready", "writes", "check", "outcome", "reason", "written"), table(CHECKS))
def test_check_writes(
    ready: list[Any], writes: list[Any], check: bool, outcome: str, reason: str, written: int
) -> None:
    api = FakeApi([*ready], [*writes])
    found, seconds = apiserver_write_check.check_writes(api, 120.0, check=check)
    assert (found, api.written) == ((outcome, reason), written)
    assert seconds <= 125


@pytest.mark.usefixtures("clock")
def test_it_gives_up_in_time() -> None:
    api = FakeApi([READY], [api_failure("etcdserver: no leader")])
    outcome, seconds = apiserver_write_check.check_writes(api, 10.0, check=False)
    assert outcome == AGAIN
    assert 10 < seconds <= 12


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("timeout", "least", "most"), [(120.0, 30, 34), (10.0, 10, 13)])
def test_what_it_keeps_refusing_is_refused(timeout: float, least: float, most: float) -> None:
    """After half a minute, in which an API server that was just started learns what it needs; or with the time."""
    api = FakeApi([READY], [QUOTA])
    outcome, seconds = apiserver_write_check.check_writes(api, timeout, check=False)
    assert outcome == ("refused", "HTTP 403: status unknown for quota")
    assert least <= seconds <= most


@pytest.mark.usefixtures("clock")
def test_what_etcd_refuses_is_a_failure() -> None:
    with pytest.raises(Failure, match="still cannot write"):
        apiserver_write_check.check_writes(FakeApi([READY], [api_failure(NO_SPACE)]), 120.0, check=False)


PASSING: list[tuple[str, str, str, bool]] = [
    ("accepted", "accepted", "", False),
    ("not up yet", "not ready", "it does not answer", False),
    ("refused", "refused", "HTTP 403: forbidden", True),
    ("refused by somebody else", "refused", f"HTTP 500: {WEBHOOK}", False),
]


@pytest.mark.parametrize(("outcome", "reason", "expected"), table(PASSING))
def test_may_pass(outcome: str, reason: str, expected: bool) -> None:
    assert Outcome(outcome, reason).may_pass is expected
