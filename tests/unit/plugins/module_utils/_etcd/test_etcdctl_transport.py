# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls through a program: what it is given, and what its failures stand for (printed by 3.4.23 to 3.7.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors, etcdctl_transport
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm, Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.etcdctl_transport import EtcdctlTransport
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles

URL = "http://127.0.0.1:2379"
MEMBERS = CommandResult(0, '{"members":[{"ID":9,"name":"m1"}]}\n')
Answer = Callable[[Sequence[str]], CommandResult]


class Program:
    """Answers by the command; ``asked`` are the words from that on, ``given`` all before, and the input."""

    def __init__(self, answer: Answer | CommandResult) -> None:
        self.asked: list[list[str]] = []
        self.given: list[tuple[list[str], str, float]] = []
        self._answer = answer

    def __call__(self, words: Sequence[str], stdin: str, timeout: float) -> CommandResult:
        command = list(words[words.index("json") + 1 :])
        self.asked.append(command)
        self.given.append((list(words[: -len(command)]), stdin, timeout))
        return self._answer if isinstance(self._answer, CommandResult) else self._answer(command)


@pytest.fixture(autouse=True)
def http(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the member says over HTTP, or raises."""
    told: dict[str, Any] = {"/version": "{}", "/metrics": "etcd_server_quota_backend_bytes 4096\n"}

    def text(_self: object, path: str, _timeout: float | None = None) -> str:
        if isinstance(told[path], Exception):
            raise told[path]
        return str(told[path])

    monkeypatch.setattr(etcdctl_transport.GatewayTransport, "text", text)
    return told


def endpoint(program: Program) -> Endpoint:
    return Endpoint(EtcdctlTransport(URL, None, program, timeout=5.0))


def test_what_it_is_given() -> None:
    program = Program(CommandResult(0, "Finished defragmenting etcd member[http://127.0.0.1:2379]\n"))
    endpoint(program).defragment(600.0)
    limits = ["--command-timeout", "600000ms", "--dial-timeout", "600000ms"]
    assert program.given == [(["--endpoints", URL, *limits, "--write-out", "json"], "", 602.0)]
    assert program.asked == [["defrag"]]


def test_metrics_come_over_http() -> None:
    assert endpoint(Program(CommandResult(127, ""))).quota_from_metrics() == 4096


@pytest.mark.parametrize("said", ["Error: unknown flag: --consistency", "Error: invalid txn request: del --range"])
def test_an_older_one_is_asked_without_the_new_flags_from_then_on(said: str) -> None:
    def older(command: Sequence[str]) -> CommandResult:
        return CommandResult(1, "NAME:\n", f"\n{said}\n") if "--consistency" in command else MEMBERS

    program = Program(older)
    asked = endpoint(program)
    for _time in range(2):
        assert [member.name for member in asked.members()] == ["m1"]
    assert program.asked == [["member", "list", "--consistency", "s"], ["member", "list"], ["member", "list"]]


def log(error: str) -> str:
    return json.dumps({"level": "warn", "msg": "retrying of unary invoker failed", "error": error}) + "\n"


REFUSED = 'latest balancer error: connection error: desc = "transport: Error while dialing: connection refused"'
FAILURES: list[tuple[str, CommandResult, type[errors.EtcdError], str]] = [
    ("none", CommandResult(127, "", "not found"), errors.EtcdctlMissing, "no etcdctl that could be run: not found"),
    ("killed", CommandResult(None, "", "timed out"), errors.TimedOut, "no answer within 5 s"),
    ("silent", CommandResult(2, "", ""), errors.EtcdError, "no reason given"),
    (
        "refused by etcd",
        CommandResult(
            1,
            "",
            log("rpc error: code = OutOfRange desc = etcdserver: mvcc: required revision has been compacted")
            + "Error: etcdserver: mvcc: required revision has been compacted\n",
        ),
        errors.Compacted,
        "^etcdserver: mvcc: required revision has been compacted$",
    ),
    (
        "within other words",
        CommandResult(1, "", "Error: failed to grant lease (etcdserver: mvcc: database space exceeded)\n"),
        errors.NoSpace,
        "failed to grant lease",
    ),
    (
        "a follower",
        CommandResult(128, "", "Error: no leader endpoint given at [http://127.0.0.1:2379]\n"),
        errors.NotLeader,
        "no leader endpoint given",
    ),
    (
        "in time it got no answer",
        CommandResult(1, "[]\n", log("code = DeadlineExceeded desc = context deadline exceeded") + "Failed to get the"
                      " status of endpoint http://127.0.0.1:2379 (context deadline exceeded)\n"),
        errors.TimedOut,
        "no answer within 5 s",
    ),
    (
        "in time it got no connection",
        CommandResult(1, "", log(f"rpc error: code = DeadlineExceeded desc = {REFUSED}")
                      + "Error: context deadline exceeded\n"),
        errors.Unreachable,
        "connection refused",
    ),
    (
        "the connection broke",
        CommandResult(1, "", log("rpc error: code = Unavailable desc = error reading from server: EOF")
                      + "Error: rpc error: code = Unavailable desc = error reading from server: EOF\n"),
        errors.Unreachable,
        "^error reading from server: EOF",
    ),
    (
        "its certificate is refused",
        CommandResult(1, "", log(f"code = DeadlineExceeded desc = {REFUSED} remote error: tls: bad certificate")
                      + "Error: context deadline exceeded\n"),
        errors.TlsRejected,
        "tls: bad certificate",
    ),
    ("a log that is none", CommandResult(1, "", "{broken\n"), errors.EtcdError, "no reason given"),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "kind", "reason"), table(FAILURES))
def test_failures(outcome: CommandResult, kind: type[errors.EtcdError], reason: str) -> None:
    with pytest.raises(errors.EtcdError, match=reason) as caught:
        endpoint(Program(outcome)).status()
    assert (type(caught.value), caught.value.endpoint) == (kind, URL)


@pytest.mark.parametrize("kind", [errors.TimedOut, errors.TlsRejected, errors.Unreachable])
def test_it_is_not_run_for_a_member_that_lets_nobody_in(kind: type[errors.EtcdError], http: dict[str, Any]) -> None:
    http["/version"] = kind("so it is", endpoint=URL)
    program = Program(MEMBERS)
    with pytest.raises(kind, match="so it is"):
        endpoint(program).members()
    assert program.asked == []


@pytest.mark.parametrize("kind", [errors.HungUp, errors.GatewayDisabled, errors.EtcdError])
def test_it_is_run_for_a_port_without_http(kind: type[errors.EtcdError], http: dict[str, Any]) -> None:
    http["/version"] = kind("no HTTP", endpoint=URL)
    assert endpoint(Program(MEMBERS)).members()


def test_who_hung_up_is_named_if_nothing_else_is(http: dict[str, Any]) -> None:
    http["/version"] = errors.HungUp("closed", endpoint=URL)
    with pytest.raises(errors.HungUp, match="closed"):
        endpoint(Program(CommandResult(None, "", "timed out"))).status()
    with pytest.raises(errors.NoSpace):
        endpoint(Program(CommandResult(1, "", "Error: etcdserver: mvcc: database space exceeded\n"))).status()


def test_a_certificate_that_is_not_accepted_is_named() -> None:
    reason = 'connection error: desc = "error reading server preface: remote error: tls: unknown certificate authority"'
    outcome = CommandResult(1, "", log(f"rpc error: code = Unavailable desc = {reason}") + "Error: gone\n")
    said = r"did not accept the client certificate /own\.crt: unknown certificate authority"
    error = etcdctl_transport._explained(outcome.err, TlsFiles("/ca.crt", "/own.crt", "/own.key"), URL)
    assert isinstance(error, errors.TlsRejected)
    assert re.search(said, error.reason)


def alarms(*kinds: int) -> Answer:
    listed = json.dumps({"alarms": [{"memberID": 9, "alarm": kind} for kind in kinds]})
    return lambda command: CommandResult(0, listed)


def test_disarming() -> None:
    program = Program(alarms(1))
    endpoint(program).disarm(Alarm(9, "NOSPACE"))
    assert program.asked == [["alarm", "list"], ["alarm", "disarm"]]


@pytest.mark.parametrize("alarm", [Alarm(8, "NOSPACE"), Alarm(9, "CORRUPT")], ids=["of another", "of another kind"])
def test_what_is_not_armed_is_not_disarmed(alarm: Alarm) -> None:
    program = Program(alarms(1))
    endpoint(program).disarm(alarm)
    assert program.asked == [["alarm", "list"]]


def test_no_other_kind_is_disarmed_with_it() -> None:
    program = Program(alarms(1, 2))
    with pytest.raises(errors.NotOffered, match="disarms all alarms at once, and CORRUPT is armed as well"):
        endpoint(program).disarm(Alarm(9, "NOSPACE"))
    assert program.asked == [["alarm", "list"]]


def test_nothing_streams() -> None:
    asked = endpoint(Program(MEMBERS))
    for call in (lambda: list(asked.snapshot(5.0)), lambda: asked.renew_lease(7)):
        with pytest.raises(errors.NotOffered, match="it needs the gateway, or gRPC"):
            call()
