# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""etcdctl's gRPC to one endpoint, for members whose JSON gateway is off, on nodes without a library for gRPC.

What is asked and answered has the form of the gateway's JSON, so that nobody above knows the difference.
"""

from __future__ import annotations

import json
import typing as t

from .._core.command import NOT_STARTED, CommandResult
from .._core.records import Json
from .errors import EtcdctlMissing, EtcdError, HungUp, NotOffered, TimedOut, TlsRejected, Unreachable, of_answer
from .etcdctl_commands import ALARM, DISARM, Command, command_for
from .transport import ANSWER_SECONDS, GatewayTransport, RunEtcdctl, TlsFiles

_GRACE_SECONDS = 2.0  # for etcdctl to say that its own time is over
_USAGE = ("unknown flag", "invalid txn request")  # said before anything is sent


class EtcdctlTransport:
    """One member, asked through etcdctl: each call is a process of its own."""

    def __init__(
        self, endpoint: str, tls: TlsFiles | None, run: RunEtcdctl, *, timeout: float = ANSWER_SECONDS
    ) -> None:
        """Raises TlsRejected and InvalidEndpoint as the gateway's transport does."""
        self._http = GatewayTransport(endpoint, tls, timeout=timeout)
        self.endpoint, self._tls, self._run, self._timeout = self._http.endpoint, tls, run, timeout
        self._newest = True
        self._hung_up: HungUp | None = None

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        if path == ALARM and body.get("action") == "DEACTIVATE":
            return self._disarm(body, timeout)
        return self._tell(path, body, timeout)

    def stream(self, path: str, body: Json, timeout: float | None = None) -> t.Iterator[Json]:
        """Nothing that streams is offered. Raises NotOffered."""
        raise NotOffered(
            "etcdctl has no command that streams this: it needs the gateway, or gRPC", endpoint=self.endpoint
        )

    def text(self, path: str, timeout: float | None = None) -> str:
        """No etcdctl: members serve this beside gRPC, also with the gateway switched off."""
        return self._http.text(path, timeout)

    def _disarm(self, body: Json, timeout: float | None) -> Json:
        """Disarm one alarm, and with it all others of its kind. Raises NotOffered if there are some of another kind:
        etcdctl would disarm those as well."""
        listed = self.call(ALARM, {"action": "GET"}, timeout)["alarms"]
        if not any(str(each.get("memberID")) == body["memberID"] and each["alarm"] == body["alarm"] for each in listed):
            return {}
        others = sorted({each["alarm"] for each in listed} - {body["alarm"]})
        if others:
            raise NotOffered(
                f"etcdctl disarms all alarms at once, and {', '.join(others)} is armed as well: it needs the gateway,"
                " or gRPC",
                endpoint=self.endpoint,
            )
        return self._answer(DISARM, self._start(DISARM, timeout), timeout)

    def _tell(self, path: str, body: Json, timeout: float | None) -> Json:
        """A call, told so that this etcdctl understands it."""
        command = command_for(path, body, newest=self._newest)
        outcome = self._start(command, timeout)
        if self._newest and any(said in outcome.err for said in _USAGE):
            self._newest = False
            return self._tell(path, body, timeout)
        return self._answer(command, outcome, timeout)

    def _start(self, command: Command, timeout: float | None) -> CommandResult:
        seconds = self._seconds(timeout)
        self._knock(min(seconds, self._timeout))
        limit = f"{seconds * 1000:.0f}ms"
        options = ("--endpoints", self.endpoint, "--command-timeout", limit, "--dial-timeout", limit)
        words = (*options, "--write-out", "json", *command.words)
        return self._run(words, command.stdin, seconds + _GRACE_SECONDS)

    def _knock(self, timeout: float) -> None:
        """Ask for what members say over HTTP: etcdctl takes all of its time to say that it was not let in, and does not
        say why. Raises TimedOut, TlsRejected, Unreachable."""
        self._hung_up = None
        try:
            self._http.text("/version", timeout)
        except HungUp as exc:  # as a port without HTTP does
            self._hung_up = exc
        except EtcdError as exc:
            if isinstance(exc, (TimedOut, TlsRejected, Unreachable)):
                raise

    def _answer(self, command: Command, outcome: CommandResult, timeout: float | None) -> Json:
        """The answer that was printed. Raises the error that a failure stands for."""
        if outcome.code == 0:
            return command.answer(outcome.out)
        if outcome.code == NOT_STARTED:
            raise EtcdctlMissing(f"there is no etcdctl that could be run: {outcome.output}", endpoint=self.endpoint)
        seconds = self._seconds(timeout)
        error = None if outcome.code is None else _explained(outcome.err, self._tls, self.endpoint)
        raise error or self._hung_up or TimedOut(f"no answer within {seconds:g} s", endpoint=self.endpoint)

    def _seconds(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else timeout


def _explained(printed: str, tls: TlsFiles | None, endpoint: str) -> EtcdError | None:
    """What etcdctl printed to its standard error, as the error that it stands for: the last line, and before it those
    of a log, in JSON, that say what became of the connection. None if its time was over."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    logged = [line for line in lines if line.startswith("{")]
    said = next((line for line in reversed(lines) if line not in logged), "no reason given")
    message = said.partition("Error: ")[2] or said
    reason = _logged_error(logged[-1]) if logged else ""
    if "etcdserver: " in message:
        return of_answer({"message": message}, endpoint=endpoint)
    if tls and "remote error: tls: " in reason:
        return TlsRejected(
            f"the server did not accept the client certificate {tls.client_cert}: {reason.rpartition('tls: ')[2]}",
            endpoint=endpoint,
        )
    if any(word in reason for word in ("tls: ", "x509: ", "handshake")):
        return TlsRejected(f"the certificates were not accepted: {reason}", endpoint=endpoint)
    if "connection error" in reason or "code = Unavailable" in reason:
        return Unreachable(reason.rpartition("desc = ")[2], endpoint=endpoint)
    if "context deadline exceeded" in message:
        return None
    return of_answer({"message": message}, endpoint=endpoint)


def _logged_error(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:
        return ""
    return str(found.get("error", "")) if isinstance(found, dict) else ""


__all__ = ("EtcdctlTransport",)
