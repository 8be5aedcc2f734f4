# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what real etcds answer, byte by byte, into answers/<version>/.

    PYTHONPATH=tests .venv/bin/python tests/unit/data/record.py 3.5.1 3.5.35 3.6.5 3.6.16 3.7.3

Bodies that are JSON end in .json, streams of JSON in .jsonl, all others in .txt; http.json has the HTTP status of each.
metrics.txt is the one stretch of the metrics that is about the server, wal.bin the beginning of a write-ahead log. The
programs come from the lab. It takes about a minute for each version.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from lab import pki
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

ANSWERS = Path(__file__).parent / "answers"
QUOTA = 8 << 20
KEYS = 200
WAL_BYTES = 4096
Json = dict[str, Any]


class Recorder:
    """The directory of one version, and the way into it."""

    def __init__(self, version: str) -> None:
        self._directory = ANSWERS / version
        self._http: dict[str, int] = {}
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)

    def ask(self, situation: str, node: MemberProcess, path: str, body: Json | None = None) -> requests.Response:
        """Send one request (GET without a body) and keep the answer under the name of the situation."""
        answer = send(node, path, body)
        self._http[situation] = answer.status_code
        self._path(situation, answer.content).write_bytes(answer.content)
        return answer

    def keep(self, name: str, content: bytes) -> None:
        """Keep something that was no answer."""
        (self._directory / name).write_bytes(content)

    def close(self) -> None:
        """Write the list of HTTP statuses."""
        text = json.dumps(self._http, indent=1, sort_keys=True)
        self.keep("http.json", f"{text}\n".encode())

    def _path(self, situation: str, content: bytes) -> Path:
        try:
            kind = ".json" if isinstance(json.loads(content), dict) else ".txt"
        except ValueError:
            kind = ".jsonl" if content.startswith(b'{"result"') else ".txt"
        return self._directory / (situation + kind)


def send(node: MemberProcess, path: str, body: Json | None = None) -> requests.Response:
    """One request to the member's gateway, shown with the health check's certificate."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            "GET" if body is None else "POST",
            node.client_url + path,
            data=None if body is None else json.dumps(body),
            verify=str(node.ca),
            cert=(str(node.client_pair.certificate), str(node.client_pair.key)),
            timeout=60,
        )


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def record(version: str) -> None:
    recorder = Recorder(version)
    for situation in (of_a_cluster, without_gateway, with_auth, without_client_usage):
        with tempfile.TemporaryDirectory() as directory:
            situation(recorder, Path(directory), version)
    recorder.close()


def of_a_cluster(recorder: Recorder, directory: Path, version: str) -> None:
    with Cluster(directory, members=3, version=version, quota_bytes=QUOTA) as cluster:
        healthy(recorder, cluster)
        learner(recorder, cluster)
        cluster.add_member(start=False)
        recorder.ask("members-unstarted", cluster.leader(), "/v3/cluster/member/list", {})
        corrupt(recorder, cluster)
        nospace(recorder, cluster)
        no_leader(recorder, cluster)


def healthy(recorder: Recorder, cluster: Cluster) -> None:
    leader, follower = cluster.leader(), cluster.followers()[0]
    recorder.ask("version", leader, "/version")
    recorder.ask("status-leader", leader, "/v3/maintenance/status", {})
    recorder.ask("status-follower", follower, "/v3/maintenance/status", {})
    recorder.ask("members", leader, "/v3/cluster/member/list", {})
    recorder.ask("alarms-none", leader, "/v3/maintenance/alarm", {"action": "GET"})
    recorder.ask("put", leader, "/v3/kv/put", {"key": text(b"a"), "value": text(b"1")})
    for number in range(KEYS):
        send(leader, "/v3/kv/put", {"key": text(b"/registry/%d" % number), "value": text(b"value")})
    recorder.ask("count", leader, "/v3/kv/range", {"key": text(b"\0"), "range_end": text(b"\0"), "count_only": True})
    recorder.ask("hashkv", leader, "/v3/maintenance/hashkv", {"revision": "0"})
    lease = recorder.ask("lease-grant", leader, "/v3/lease/grant", {"TTL": "60"}).json()["ID"]
    recorder.ask("lease-revoke", leader, "/v3/lease/revoke", {"ID": lease})
    recorder.ask("compaction-future", leader, "/v3/kv/compaction", {"revision": "99999"})
    recorder.ask("range-future", leader, "/v3/kv/range", {"key": text(b"a"), "revision": "99999"})
    recorder.ask("compaction", leader, "/v3/kv/compaction", {"revision": "3", "physical": True})
    recorder.ask("compaction-compacted", leader, "/v3/kv/compaction", {"revision": "3", "physical": True})
    recorder.ask("range-compacted", leader, "/v3/kv/range", {"key": text(b"a"), "revision": "1"})
    recorder.ask("defragment", follower, "/v3/maintenance/defragment", {})
    recorder.ask("snapshot", follower, "/v3/maintenance/snapshot", {})
    metrics = re.findall(
        rb"# HELP etcd_server_.*^etcd_server_[^\n]*\n", send(follower, "/metrics").content, re.M | re.S
    )
    recorder.keep("metrics.txt", b"".join(metrics))
    recorder.ask("transfer-not-leader", follower, "/v3/maintenance/transfer-leadership", {"targetID": "1"})
    recorder.ask("transfer-bad-target", leader, "/v3/maintenance/transfer-leadership", {"targetID": "1"})
    recorder.ask("bad-value", leader, "/v3/kv/compaction", {"revision": "many"})
    recorder.ask("unknown-path", leader, "/v3/nothing/here", {})
    recorder.ask("get-on-post-path", leader, "/v3/maintenance/alarm")
    newest = max((follower.data_dir / "member" / "wal").glob("*.wal"))
    recorder.keep("wal.bin", newest.read_bytes()[:WAL_BYTES])


def learner(recorder: Recorder, cluster: Cluster) -> None:
    node = cluster.add_member(learner=True)
    recorder.ask("status-learner", node, "/v3/maintenance/status", {})
    recorder.ask("learner-defragment", node, "/v3/maintenance/defragment", {})
    recorder.ask("learner-alarms", node, "/v3/maintenance/alarm", {"action": "GET"})
    recorder.ask("learner-members", node, "/v3/cluster/member/list", {})


def nospace(recorder: Recorder, cluster: Cluster) -> None:
    leader = cluster.leader()
    large = {"key": text(b"large"), "value": text(b"x" * (1 << 20))}
    while send(leader, "/v3/kv/put", large).status_code == 200:
        pass
    recorder.ask("nospace-put", leader, "/v3/kv/put", large)
    recorder.ask("nospace-lease-grant", leader, "/v3/lease/grant", {"TTL": "60"})
    recorder.ask("nospace-txn", leader, "/v3/kv/txn", {"failure": [{"requestPut": large}]})
    recorder.ask("nospace-status", leader, "/v3/maintenance/status", {})
    recorder.ask("nospace-alarms", leader, "/v3/maintenance/alarm", {"action": "GET"})


def corrupt(recorder: Recorder, cluster: Cluster) -> None:
    leader = cluster.leader()
    alarm = {"memberID": send(leader, "/v3/maintenance/status", {}).json()["leader"], "alarm": "CORRUPT"}
    send(leader, "/v3/maintenance/alarm", {"action": "ACTIVATE", **alarm})
    recorder.ask("corrupt-put", leader, "/v3/kv/put", {"key": text(b"a"), "value": text(b"1")})
    recorder.ask("corrupt-compaction", leader, "/v3/kv/compaction", {"revision": "9"})
    recorder.ask("corrupt-status", leader, "/v3/maintenance/status", {})
    recorder.ask("corrupt-alarms", leader, "/v3/maintenance/alarm", {"action": "GET"})
    recorder.ask("corrupt-disarm", leader, "/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarm})
    recorder.ask("corrupt-disarm-again", leader, "/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarm})


def no_leader(recorder: Recorder, cluster: Cluster) -> None:
    survivor = cluster.nodes[0]
    for node in cluster.nodes[1:]:
        node.kill()
    while "leader" in send(survivor, "/v3/maintenance/status", {}).json():
        time.sleep(0.2)
    recorder.ask("no-leader-status", survivor, "/v3/maintenance/status", {})
    recorder.ask("no-leader-members", survivor, "/v3/cluster/member/list", {})
    recorder.ask("no-leader-alarms", survivor, "/v3/maintenance/alarm", {"action": "GET"})
    recorder.ask("no-leader-compaction", survivor, "/v3/kv/compaction", {"revision": "9"})
    recorder.ask("no-leader-range", survivor, "/v3/kv/range", {"key": text(b"a")})


def without_gateway(recorder: Recorder, directory: Path, version: str) -> None:
    cluster = Cluster(directory, members=1, version=version, flags={"enable-grpc-gateway": "false"})
    try:
        node = cluster.nodes[0]
        node.start(wait=False)
        while not _serves(node):
            time.sleep(0.2)
        recorder.ask("gateway-off", node, "/v3/maintenance/status", {})
    finally:
        cluster.close()


def _serves(node: MemberProcess) -> bool:
    try:
        return send(node, "/health").status_code == 200
    except requests.ConnectionError:
        return False


def with_auth(recorder: Recorder, directory: Path, version: str) -> None:
    with Cluster(directory, members=1, version=version) as cluster:
        node = cluster.nodes[0]
        recorder.ask("status-default-quota", node, "/v3/maintenance/status", {})
        send(node, "/v3/auth/user/add", {"name": "root", "password": "root"})
        send(node, "/v3/auth/user/grant", {"user": "root", "role": "root"})
        send(node, "/v3/auth/enable", {})
        recorder.ask("auth-on", node, "/v3/maintenance/status", {})


def without_client_usage(recorder: Recorder, directory: Path, version: str) -> None:
    cluster = Cluster(directory, members=1, version=version)
    try:
        node = cluster.nodes[0]
        pki.issue_server_without_client_usage(cluster.authority, node.pki / "etcd" / "server", node.name, node.address)
        node.start(wait=False)
        while not _serves(node):
            time.sleep(0.2)
        # By chance it also says that the connection broke.
        while b"bad certificate" not in recorder.ask("server-certificate", node, "/v3/maintenance/status", {}).content:
            pass
    finally:
        cluster.close()


if __name__ == "__main__":
    for each in sys.argv[1:]:
        record(each)
