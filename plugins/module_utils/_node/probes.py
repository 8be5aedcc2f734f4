# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The probes of a static pod, and whether one of them would kill etcd in the middle of the work.

Observed with etcd 3.5 and 3.7 and the probes that kubeadm 1.20 to 1.37 writes: `/health` is 503 under the alarm and
without a leader, `exclude=NOSPACE` and `serializable=true` take one of the two away; `/livez` minds neither, `/readyz`
only the leader. A member that reads its log or is being defragmented answers nothing at all.
"""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qs, urlsplit

KILLING = ("startup", "liveness")  # a readiness probe only takes a pod out of its services

# How long members that all start in the same moment may be without a leader: each one that checks its data against its
# peers first waits 7 s for every peer that does not answer yet, then they elect.
ELECTION_SECONDS = 30.0

# The speed at which the log is read: 2 GiB of it took 70 to 85 s on two busy cores.
_REPLAY_BYTES_PER_SECOND = 25 * 1024**2

# The work may take a fifth of what a probe allows: speeds differ by that much from disk to disk, and a hold for nothing
# costs nothing.
_MARGIN = 5.0


class Probe(t.NamedTuple):
    """One probe of a container. `kind` is startup, liveness or readiness; `path` has its query, and is empty if
    `handler`, Kubernetes' own word, is not httpGet; all times in seconds.

    A named port is its number here, None if that is not known.
    """

    kind: str
    path: str
    port: int | None
    period: float = 10.0
    timeout: float = 1.0
    threshold: int = 3
    initial_delay: float = 0.0
    handler: str = "httpGet"

    @property
    def patience(self) -> float:
        """Seconds for which it may fail before the container is killed."""
        return self.threshold * self.period

    @property
    def fails_under_alarm(self) -> bool:
        path, query = self._parts()
        return self._may_always_fail or (path == "/health" and "NOSPACE" not in query.get("exclude", []))

    @property
    def fails_without_leader(self) -> bool:
        path, query = self._parts()
        minds = path == "/readyz" or (path == "/health" and query.get("serializable") != ["true"])
        return self._may_always_fail or minds

    @property
    def _may_always_fail(self) -> bool:
        """A command or gRPC is taken for the strictest. A connection is all that a probe by TCP wants."""
        return not self.path and self.handler != "tcpSocket"

    def _parts(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path, parse_qs(parts.query)


class Outlook(t.NamedTuple):
    """The state and the work ahead of a member. `start_seconds` is how long it reads before it answers."""

    armed: bool
    leaderless: bool
    start_seconds: float = 0.0
    defrag_seconds: float = 0.0


def parse_probes(container: t.Mapping[str, t.Any]) -> tuple[Probe, ...]:
    """Parse the probes of a container of a pod; the defaults are Kubernetes' own.

    Raises ValueError if a number is none.
    """
    ports = {port.get("name"): port.get("containerPort") for port in container.get("ports") or []}
    probes = []
    for kind in ("startup", "liveness", "readiness"):
        body = container.get(f"{kind}Probe")
        if not body:
            continue
        handler = next((name for name in ("exec", "grpc", "httpGet", "tcpSocket") if name in body), "exec")
        request = body.get(handler) or {}
        port = str(request.get("port") or "")
        number = port if port.isdigit() else str(ports.get(port) or "")
        probes.append(
            Probe(
                kind,
                str(request.get("path") or "/") if handler == "httpGet" else "",
                int(number) if number.isdigit() else None,
                period=float(body.get("periodSeconds") or 10),
                timeout=float(body.get("timeoutSeconds") or 1),
                threshold=int(body.get("failureThreshold") or 3),
                initial_delay=float(body.get("initialDelaySeconds") or 0),
                handler=handler,
            )
        )
    return tuple(probes)


def replay_seconds(wal_bytes: int) -> float:
    """The estimated seconds for which a member that starts reads its log before it answers."""
    return wal_bytes / _REPLAY_BYTES_PER_SECOND


def threat(probes: t.Iterable[Probe], outlook: Outlook, *, margin: float = _MARGIN) -> str | None:
    """The probe that could kill the member in the middle of its work, as half a sentence; None if none could.

    `margin` is how many times the work has to fit into what a probe allows. Of several probes it is the least patient
    one. A startup probe counts for members that have passed it, too: most kubelets run it again when they are
    restarted.
    """
    killing = sorted((probe for probe in probes if probe.kind in KILLING), key=lambda probe: probe.patience)
    # If there is a startup probe, the liveness probe does not begin before that has been passed.
    first = "startup" if any(probe.kind == "startup" for probe in killing) else "liveness"
    for probe in killing:
        reason = _reason(probe, outlook, first=probe.kind == first, margin=margin)
        if reason:
            name, seconds = f"{probe.kind} probe ({probe.path or probe.handler})", f"{probe.patience:.0f} s"
            if probe.path:
                return f"its {name} fails {reason}, and etcd is killed after {seconds} of it"
            return (
                f"it cannot be told whether its {name} fails {reason}, and etcd would be killed after {seconds} of it"
            )
    return None


def _reason(probe: Probe, outlook: Outlook, *, first: bool, margin: float) -> str | None:
    def too_long(seconds: float) -> bool:
        return seconds * margin > probe.patience

    if outlook.armed and probe.fails_under_alarm:
        return "under the alarm"
    if first and too_long(outlook.start_seconds):
        return f"while its log and its database are read (about {outlook.start_seconds:.0f} s)"
    if too_long(outlook.defrag_seconds):
        return f"during the defragmentation (about {outlook.defrag_seconds:.0f} s)"
    if outlook.leaderless and probe.fails_without_leader and too_long(ELECTION_SECONDS):
        return f"without a leader (up to {ELECTION_SECONDS:.0f} s)"
    return None


__all__ = ("ELECTION_SECONDS", "Outlook", "Probe", "parse_probes", "replay_seconds", "threat")
