# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of real kubeadms and of people, and which of them would kill etcd in the middle of the work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import DATA, MIB, Json, probes_of, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import parse_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._node.probes import (
    ELECTION_SECONDS,
    Outlook,
    Probe,
    parse_probes,
    replay_seconds,
    threat,
)

VERSIONS = sorted(path.name for path in (DATA / "manifests").iterdir())

# What kubeadm asks, and whether the answer is a failure under the alarm, and without a leader.
OLDEST = {"startup": ("/health", True, True), "liveness": ("/health", True, True)}
EXCLUDING = {
    "startup": ("/health?serializable=false", True, True),
    "liveness": ("/health?exclude=NOSPACE&serializable=true", False, False),
}
NEWEST = {
    "startup": ("/readyz", False, True),
    "liveness": ("/livez", False, False),
    "readiness": ("/readyz", False, True),
}
OF_KUBEADM = {"1.20": OLDEST, "1.22": OLDEST, "1.29": EXCLUDING, "1.30": EXCLUDING}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubeadm(version: str) -> None:
    probes = probes_of(version)
    found = {probe.kind: (probe.path, probe.fails_under_alarm, probe.fails_without_leader) for probe in probes}
    assert found == OF_KUBEADM.get(version, NEWEST)
    # By number until 1.33, then by name.
    assert {probe.port for probe in probes} == {2381}
    patience = {probe.kind: probe.patience for probe in probes}
    assert patience == {"startup": 240.0, "liveness": 80.0, **({"readiness": 3.0} if found == NEWEST else {})}


def test_the_scenario_with_the_probes_of_1_22_asks_what_they_ask() -> None:
    """Its patch changes those of 1.30 into them, but for the times."""
    patch = Path(__file__).parents[5] / "extensions/molecule/recover-probes-1.22/files/short-probes.yaml"
    (container,) = yaml.safe_load(patch.read_text("utf-8"))["spec"]["containers"]
    asked = {probe.kind: probe.path for probe in parse_probes(container)}
    assert asked == {probe.kind: probe.path for probe in probes_of("1.22")}


ARMED = Outlook(armed=True, leaderless=False)
LEADERLESS = Outlook(armed=False, leaderless=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_threat_of_kubeadm(version: str) -> None:
    kinds = {"1.20": "liveness probe", "1.22": "liveness probe", "1.29": "startup probe", "1.30": "startup probe"}
    found = threat(probes_of(version), ARMED)
    if version in kinds:
        assert found is not None
        assert found.startswith(f"its {kinds[version]} (/health")
        assert " fails under the alarm, and etcd is killed after " in found
    else:
        assert found is None
    # To elect may take more than a fifth of what the oldest liveness probes allow; the later ones do not mind.
    leaderless = threat(probes_of(version), LEADERLESS)
    if OF_KUBEADM.get(version) == OLDEST:
        assert leaderless is not None
        assert leaderless.startswith("its liveness probe (/health) fails without a leader (up to 30 s)")
    else:
        assert leaderless is None


STARTUP = Probe("startup", "/readyz", 2381, period=10.0, threshold=24)
LIVENESS = Probe("liveness", "/livez", 2381, period=10.0, threshold=8)
READINESS = Probe("readiness", "/health", 2381, period=1.0, threshold=1)
HEALTH = Probe("startup", "/health", 2381, period=10.0, threshold=24)
COMMAND = Probe("liveness", "", None, period=1.0, threshold=1, handler="exec")
CONNECTION = Probe("liveness", "", 2379, period=1.0, threshold=1, handler="tcpSocket")


def outlook(*, armed: bool = False, leaderless: bool = False, start: float = 0.0, defrag: float = 0.0) -> Outlook:
    return Outlook(armed=armed, leaderless=leaderless, start_seconds=start, defrag_seconds=defrag)


def patient(path: str, seconds: float, kind: str = "startup") -> Probe:
    """A probe that kills after so many seconds."""
    return Probe(kind, path, 2381, period=seconds / 4, threshold=4)


THREATS: list[tuple[str, list[Probe], Outlook, str | None]] = [
    ("no probes", [], outlook(armed=True, leaderless=True, start=9e9, defrag=9e9), None),
    ("nothing ahead", [HEALTH, LIVENESS], outlook(), None),
    (
        "alarm",
        [HEALTH],
        outlook(armed=True),
        "its startup probe (/health) fails under the alarm, and etcd is killed after 240 s of it",
    ),
    ("alarm, however patient", [patient("/health", 9e6)], outlook(armed=True), "under the alarm"),
    ("alarm, probes that do not mind", [STARTUP, LIVENESS], outlook(armed=True), None),
    (
        "the one that kills first is named",
        [HEALTH, patient("/health", 80, "liveness")],
        outlook(armed=True),
        "its liveness probe (/health) fails under the alarm, and etcd is killed after 80 s of it",
    ),
    ("log, exactly a fifth of the time", [STARTUP], outlook(start=48.0), None),
    (
        "log, a little more",
        [STARTUP],
        outlook(start=48.1),
        "(/readyz) fails while its log and its database are read (about 48 s), and etcd is killed after 240 s of it",
    ),
    ("log: a liveness probe waits for the startup probe", [STARTUP, LIVENESS], outlook(start=17.0), None),
    (
        "log: without a startup probe it does not wait",
        [LIVENESS],
        outlook(start=16.1),
        "while its log and its database are read",
    ),
    ("log: exactly a fifth of the time without one", [LIVENESS], outlook(start=16.0), None),
    ("defragmentation, exactly a fifth of the time", [LIVENESS], outlook(defrag=16.0), None),
    (
        "defragmentation, a little more",
        [STARTUP, LIVENESS],
        outlook(defrag=16.1),
        "(/livez) fails during the defragmentation (about 16 s), and etcd is killed after 80 s of it",
    ),
    ("election, exactly a fifth of the time", [patient("/readyz", ELECTION_SECONDS * 5)], LEADERLESS, None),
    (
        "election, a little less",
        [patient("/readyz", ELECTION_SECONDS * 5 - 0.4)],
        LEADERLESS,
        "without a leader (up to 30 s), and etcd is killed after 150 s of it",
    ),
    ("election, a probe that does not mind", [patient("/livez", 4)], LEADERLESS, None),
    ("there is a leader", [patient("/readyz", 4)], outlook(), None),
    ("readiness kills nobody", [READINESS], outlook(armed=True, leaderless=True, start=9e9, defrag=9e9), None),
    (
        "a command",
        [COMMAND],
        ARMED,
        "it cannot be told whether its liveness probe (exec) fails under the alarm, and etcd would be killed after 1 s",
    ),
    (
        "a command, no leader",
        [COMMAND],
        LEADERLESS,
        "it cannot be told whether its liveness probe (exec) fails without a leader (up to 30 s)",
    ),
    ("a command, nothing ahead", [COMMAND], outlook(), None),
    (
        "a command, busy",
        [COMMAND],
        outlook(leaderless=True, defrag=7.0),
        "(exec) fails during the defragmentation (about 7 s), and etcd would be killed after 1 s of it",
    ),
    ("a connection", [CONNECTION], outlook(armed=True, leaderless=True), None),
    (
        "a connection, busy",
        [CONNECTION],
        outlook(armed=True, defrag=7.0),
        "it cannot be told whether its liveness probe (tcpSocket) fails during the defragmentation (about 7 s)",
    ),
]


@pytest.mark.parametrize(("probes", "ahead", "expected"), table(THREATS))
def test_threat(probes: list[Probe], ahead: Outlook, expected: str | None) -> None:
    found = threat(probes, ahead)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert expected in found


seconds = st.floats(0, 1e5)
outlooks = st.builds(outlook, armed=st.booleans(), leaderless=st.booleans(), start=seconds, defrag=seconds)


@given(st.sampled_from(VERSIONS), outlooks)
def test_more_work_is_no_smaller_threat(version: str, ahead: Outlook) -> None:
    more = Outlook(ahead.armed, ahead.leaderless, ahead.start_seconds * 2 + 1, ahead.defrag_seconds * 2 + 1)
    if threat(probes_of(version), ahead):
        assert threat(probes_of(version), more)


@pytest.mark.parametrize(("margin", "expected"), [(2.0, False), (4.0, False), (4.1, True), (5.0, True)])
def test_margin(margin: float, expected: bool) -> None:
    """Work of 20 s beside a probe that allows 80 s."""
    ahead = Outlook(armed=False, leaderless=False, defrag_seconds=20.0)
    assert bool(threat(probes_of("1.33"), ahead, margin=margin)) is expected


ANSWERS: list[tuple[str, str, bool, bool]] = [
    ("health", "/health", True, True),
    ("health, as it is by default", "/health?serializable=false", True, True),
    ("health of the member alone", "/health?serializable=true", True, False),
    ("without the alarm", "/health?exclude=NOSPACE", False, True),
    ("without another alarm", "/health?exclude=CORRUPT", True, True),
    ("without both", "/health?exclude=CORRUPT&exclude=NOSPACE&serializable=true", False, False),
    ("livez", "/livez", False, False),
    ("readyz", "/readyz", False, True),
    ("anything else", "/metrics", False, False),
    ("no path: a command, which is taken for the strictest", "", True, True),
]


@pytest.mark.parametrize(("path", "alarm", "leader"), table(ANSWERS))
def test_what_an_answer_means(path: str, alarm: bool, leader: bool) -> None:
    probe = Probe("liveness", path, 2381)
    assert (probe.fails_under_alarm, probe.fails_without_leader) == (alarm, leader)


PORTS: list[Json] = [{"containerPort": 2379, "name": "client"}, {"containerPort": 2381, "name": "probe-port"}]

# What stands in a container's livenessProbe, and the probe.
BODIES: list[tuple[str, Json, Probe]] = [
    ("nothing but what is asked", {"httpGet": {"path": "/livez", "port": 2381}}, Probe("liveness", "/livez", 2381)),
    ("port as text", {"httpGet": {"path": "/livez", "port": "2381"}}, Probe("liveness", "/livez", 2381)),
    ("named port", {"httpGet": {"path": "/livez", "port": "probe-port"}}, Probe("liveness", "/livez", 2381)),
    ("a name that no port has", {"httpGet": {"path": "/livez", "port": "metrics"}}, Probe("liveness", "/livez", None)),
    ("no path is the root", {"httpGet": {"port": 2381}}, Probe("liveness", "/", 2381)),
    (
        "a connection",
        {"tcpSocket": {"port": "client"}, "periodSeconds": 5},
        Probe("liveness", "", 2379, period=5.0, handler="tcpSocket"),
    ),
    ("a command", {"exec": {"command": ["etcdctl", "get", "k"]}}, Probe("liveness", "", None, handler="exec")),
    ("gRPC", {"grpc": {"port": 2379}}, Probe("liveness", "", 2379, handler="grpc")),
    ("nothing that is known", {"periodSeconds": 10}, Probe("liveness", "", None, handler="exec")),
    (
        "all numbers",
        {
            "httpGet": {"path": "/livez", "port": 2381},
            "periodSeconds": 2,
            "timeoutSeconds": 3,
            "failureThreshold": 4,
            "initialDelaySeconds": 5,
        },
        Probe("liveness", "/livez", 2381, period=2.0, timeout=3.0, threshold=4, initial_delay=5.0),
    ),
    (
        "a zero is the default",
        {"httpGet": {"path": "/livez", "port": 2381}, "periodSeconds": 0, "failureThreshold": 0},
        Probe("liveness", "/livez", 2381),
    ),
]


@pytest.mark.parametrize(("body", "expected"), table(BODIES))
def test_body(body: Json, expected: Probe) -> None:
    assert parse_probes({"livenessProbe": body, "ports": PORTS}) == (expected,)


def test_defaults_of_kubernetes() -> None:
    (probe,) = parse_probes({"livenessProbe": {"httpGet": {"path": "/livez", "port": 2381}}})
    assert (probe.period, probe.timeout, probe.threshold, probe.initial_delay) == (10.0, 1.0, 3, 0.0)
    assert probe.patience == 30.0


NONE: list[tuple[str, Json]] = [
    ("no probes", {}),
    ("an empty one", {"livenessProbe": {}}),
    ("a null", {"livenessProbe": None, "ports": None}),
]


@pytest.mark.parametrize("container", table(NONE))
def test_none(container: Json) -> None:
    assert parse_probes(container) == ()


WRONG: list[tuple[str, object]] = [
    ("no number", {"periodSeconds": "soon"}),
    ("no mapping", "/livez"),
    ("a list", ["/livez"]),
]


@pytest.mark.parametrize("body", table(WRONG))
def test_wrong_probe_is_a_wrong_manifest(body: object) -> None:
    pod = {"spec": {"containers": [{"name": "etcd", "command": ["etcd"], "livenessProbe": body}]}}
    with pytest.raises(Failure, match=r"^x\.yaml is not the manifest of a pod"):
        parse_manifest(yaml.safe_dump(pod), "x.yaml")


def test_replay_seconds() -> None:
    assert replay_seconds(0) == 0.0
    assert replay_seconds(50 * MIB) == 2.0
    # 2 GiB took 70 to 85 s.
    assert 70 < replay_seconds(2048 * MIB) < 85
