# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share besides the lab: playbooks, modules, and a witness that is not our own client."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from lab.client import Client
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

REPOSITORY = Path(__file__).resolve().parents[2]
RECOVER = "controlplane.etcd.recover"
# The newest patch of each minor version that is supported; others are named where they matter.
VERSIONS = ("3.7.3", "3.6.16", "3.5.35", "3.4.23")
# For what takes long, and asks nothing of etcd that a faster test does not ask of all of them.
SOME_VERSIONS = ("3.7.3", "3.5.35")
MIB = 1 << 20
# Small enough to be filled in about a second, and still far larger than what etcd needs for itself.
QUOTA = 32 * MIB
# Else etcd takes a new member only once all others have been connected for five seconds.
JOIN_AT_ONCE = {"strict-reconfig-check": "false"}
# Seconds that the leases of the events last, from, to: none ends within a test, so that nothing moves by itself.
LEASES = (1800, 3600)
# Generous: a busy machine may be slow, but nothing here may hang.
PATIENCE = 240.0
_POLL_SECONDS = 0.05

Result = dict[str, Any]


def collections_path(spare: Path) -> Path:
    """Return the folder in which the collection is found under its full name, made below ``spare`` where it is not."""
    usual = REPOSITORY / ".collections"
    if (usual / "ansible_collections/controlplane/etcd/galaxy.yml").exists():
        return usual
    link = spare / "collections/ansible_collections/controlplane/etcd"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(REPOSITORY)
    return spare / "collections"


def ansible_env(home: Path, collections: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment for Ansible in which nothing of the user's own configuration counts."""
    home.mkdir(exist_ok=True)
    (home / "ansible.cfg").touch()
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {
        **env,
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",  # a fifth less to do for each task; what is copied is tested, too
        "ANSIBLE_REMOTE_TMP": str(home / "remote"),
        **(extra or {}),
    }


def program(name: str) -> str:
    """Return the path of a program of the virtual environment that the tests run in."""
    return str(Path(sys.executable).with_name(name))


@dataclass(frozen=True)
class Run:
    """A playbook that has ended. ``recap`` is the last table: host, then ``ok``, ``changed``, ``failed`` and so on."""

    rc: int
    out: str
    recap: dict[str, dict[str, int]]
    seconds: float

    @property
    def flat(self) -> str:
        """All that was printed as one line with single blanks: Ansible wraps long texts anywhere."""
        return " ".join(self.out.split())


def parse_recap(out: str) -> dict[str, dict[str, int]]:
    """Return the numbers of the recap at the end of a playbook's output, empty where there is none."""
    _before, _heading, table = out.rpartition("PLAY RECAP")
    lines = re.findall(r"^(\S+)\s*: (ok=\d+ .*)$", table, re.MULTILINE)
    return {host: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", text)} for host, text in lines}


class Playing:
    """A playbook that runs in a session of its own. ``process`` is its Popen; what it prints goes to ``log``."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._start = time.monotonic()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return self.log.read_text("utf-8", "replace")

    def await_text(self, text: str, *, seconds: float = PATIENCE) -> None:
        """Return once ``text`` was printed; fails when the playbook ends before, or is too slow."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            if text in self.out:
                return
            assert not ended, f"the playbook ended without printing {text!r}:\n{self.out}"
            assert time.monotonic() < deadline, f"{text!r} was not printed in {seconds:.0f} s:\n{self.out}"
            time.sleep(_POLL_SECONDS)

    def wait(self, *, seconds: float = PATIENCE) -> Run:
        """Return the result once it has ended; fails where Ansible has warned of a mistake in a role."""
        rc = self.process.wait(seconds)
        assert "is already in use" not in self.out, self.out  # a loop over the name of a variable
        return Run(rc, self.out, parse_recap(self.out), time.monotonic() - self._start)

    def send_signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Signal the main process, or with ``group`` its workers as well, as Ctrl-C in a terminal does."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it and what it has started in its session; harmless when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def module_options(name: str, node: MemberProcess | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's options with the manifest of the node filled in, where there is a node."""
    return {**({"manifest": str(node.manifest)} if node else {}), **options}


@contextlib.contextmanager
def _patched(arguments: Mapping[str, Any]) -> Iterator[None]:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # before ansible-core 2.19
        from unittest import mock

        encoded = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments)}).encode()
        with mock.patch("ansible.module_utils.basic._ANSIBLE_ARGS", encoded):
            yield
    else:
        with patch_module_args(dict(arguments)):
            yield


def call_module(name: str, options: Mapping[str, Any], *, check: bool = False) -> Result:
    """Run a module of the collection in this process and return its result. One at a time: it prints to stdout."""
    from ansible.module_utils.common import warnings as ours

    ours._global_warnings.clear()
    ours._global_deprecations.clear()
    main = importlib.import_module(f"ansible_collections.controlplane.etcd.plugins.modules.{name}").main
    printed = io.StringIO()
    with (
        _patched({**options, "_ansible_check_mode": check, "_ansible_diff": True}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main()
    result: Result = json.loads(printed.getvalue())
    result.setdefault("failed", False)
    # From ansible-core 2.19 on a warning is an object with the text inside.
    told = result.get("warnings", [])
    result["warnings"] = [each if isinstance(each, str) else each["event"]["msg"] for each in told]
    result.pop("invocation", None)
    return result


_CALL = """
import json, os, sys
from integration.support import call_module
name, options, check, uid = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "check", int(sys.argv[4])
if uid:
    # Once as it is, so that all is loaded: another user may not be able to read this Python's files.
    call_module(name, options, check=True)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
print(json.dumps(call_module(name, options, check=check)))
"""


class Background:
    """A module in a process of its own, with ``uid`` under another user: for what happens while it works."""

    def __init__(
        self, name: str, options: Mapping[str, Any], collections: Path, *, check: bool = False, uid: int = 0
    ) -> None:
        path = os.pathsep.join([str(collections), str(REPOSITORY / "tests")])
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CALL, name, json.dumps(dict(options)), "check" if check else "", str(uid)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def result(self, *, seconds: float = PATIENCE) -> Result:
        """Wait for its end and return what it said."""
        out, err = self.process.communicate(timeout=seconds)
        assert out, f"the module ended with code {self.process.returncode} and said nothing:\n{err}"
        return dict(json.loads(out.splitlines()[-1]))

    def kill(self) -> None:
        """End it; harmless when it has ended."""
        self.process.kill()
        self.process.communicate()


def parse_adhoc(out: str) -> Result:
    """Return the result that the ``ansible`` command printed for its one host; ``printed`` where it is no JSON."""
    found = re.search(r"^\S+ \| (\S+?)!? .*?(=>|>>)\s*", out, re.MULTILINE | re.DOTALL)
    assert found, f"the ansible command printed no result:\n{out}"
    verdict, text = found[1].rstrip("!"), out[found.end() :]
    result: Result = {"changed": verdict == "CHANGED"}
    if found[2] == "=>":
        result = json.JSONDecoder().raw_decode(text)[0]
    return {"warnings": [], **result, "failed": verdict in ("FAILED", "UNREACHABLE"), "printed": out}


@dataclass(frozen=True)
class Truth:
    """What the witness says of one member; ``quota`` is None where the status does not have it."""

    member_id: int
    cluster_id: int
    version: str
    revision: int
    leader: int
    applied_index: int
    db_size: int
    db_size_in_use: int
    quota: int | None
    learner: bool
    errors: tuple[str, ...]


class Witness:
    """The client ``etcd3`` over gRPC: nothing of it is ours, neither the code nor the way to etcd.

    Its stubs are older than some fields of the status. Those are read by their numbers in etcd's rpc.proto.
    """

    def __init__(self, node: MemberProcess) -> None:
        with warnings.catch_warnings():
            # Its stubs were made for an older protobuf, which says so a hundred times.
            warnings.simplefilter("ignore", DeprecationWarning)
            import etcd3

        pair = node.client_pair
        host, _colon, port = node.client_url.removeprefix("https://").rpartition(":")
        self._rpc = etcd3.etcdrpc
        self._client = etcd3.client(
            host=host, port=int(port), ca_cert=str(node.ca), cert_cert=str(pair.certificate), cert_key=str(pair.key)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def status(self) -> Truth:
        """Return what the member says about itself."""
        answer = self._client.maintenancestub.Status(self._rpc.StatusRequest(), timeout=30)
        unknown: dict[int, list[Any]] = {}
        for entry in answer.UnknownFields():
            unknown.setdefault(entry.field_number, []).append(entry.data)

        def newest(number: int) -> int:
            return int(unknown.get(number, [0])[-1])

        return Truth(
            member_id=answer.header.member_id,
            cluster_id=answer.header.cluster_id,
            version=answer.version,
            revision=answer.header.revision,
            leader=answer.leader,
            applied_index=newest(7),
            db_size=answer.dbSize,
            db_size_in_use=newest(9),
            quota=newest(12) or None,
            learner=bool(newest(10)),
            errors=tuple(text.decode() for text in unknown.get(8, [])),
        )

    def alarms(self) -> set[tuple[int, str]]:
        """Return member id and kind of every armed alarm."""
        request = self._rpc.AlarmRequest(action=self._rpc.AlarmRequest.GET)
        answer = self._client.maintenancestub.Alarm(request, timeout=30)
        return {(alarm.memberID, self._rpc.AlarmType.Name(alarm.alarm)) for alarm in answer.alarms}

    def members(self) -> dict[int, tuple[str, list[str], list[str]]]:
        """Return name, client URLs and peer URLs of every member by its id."""
        answer = self._client.clusterstub.MemberList(self._rpc.MemberListRequest(), timeout=30)
        return {each.ID: (each.name, list(each.clientURLs), list(each.peerURLs)) for each in answer.members}


def await_true(condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> None:
    """Return once ``condition`` holds; an answer that does not come, or is an error, counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(EtcdError, requests.RequestException):
            if condition():
                return
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(_POLL_SECONDS)


def await_settled(cluster: Cluster) -> None:
    """Return when all members have applied the same, and their sizes stand still."""
    with contextlib.ExitStack() as stack:
        awake = [node for node in cluster.nodes if node.running and not node.frozen]
        clients = [stack.enter_context(node.client(timeout=5)) for node in awake]

        def look() -> list[tuple[int, int, int]]:
            found = [client.status() for client in clients]
            return [(status.raft_applied_index, status.db_size, status.db_size_in_use) for status in found]

        def settled() -> bool:
            first = look()
            # etcd counts anew with every commit, ten times a second.
            time.sleep(0.15)
            return len({index for index, _size, _in_use in first}) == 1 and first == look()

        await_true(settled, "the members stand still")


def compact(cluster: Cluster) -> None:
    """Compact on every voter that runs, by the lab's own client, and wait until all have done so."""
    for node in cluster.nodes:
        if node.running:
            with node.client() as client:
                if client.status().is_learner:
                    continue
                try:
                    client.compact(client.status().revision)
                except EtcdError as error:
                    if "has been compacted" not in error.message:
                        raise
    await_settled(cluster)


@dataclass(frozen=True)
class Marks:
    """All of a cluster that a check mode must not change. ``databases`` are the inodes of the members' files, since a
    defragmentation renames a new one over the old; ``sizes`` are for comparisons of other kinds, etcd adds a page now
    and then by itself."""

    revision: int
    term: int
    leader: int
    alarms: frozenset[tuple[int, str]]
    databases: tuple[int, ...]
    files: tuple[str, ...]
    sizes: tuple[int, ...] = field(compare=False)


def marks(cluster: Cluster) -> Marks:
    """Return what there is to see of a settled cluster: data, alarms, sizes, and every file below its nodes' folders
    except etcd's own."""
    await_settled(cluster)
    with cluster.leader().client() as client:
        status, alarms = client.status(), client.alarms()
    sizes = []
    for node in cluster.nodes:
        if node.running:
            with node.client() as client:
                sizes.append(client.status().db_size)
    own = [path for node in cluster.nodes for path in (node.data_dir, node.log.parent)]
    files = sorted(
        str(path) for path in cluster.directory.rglob("*") if not any(path.is_relative_to(folder) for folder in own)
    )
    return Marks(
        status.revision,
        status.raft_term,
        status.leader,
        frozenset((alarm.member_id, alarm.name) for alarm in alarms),
        tuple((node.data_dir / "member/snap/db").stat().st_ino for node in cluster.nodes if node.running),
        tuple(files),
        tuple(sizes),
    )


@dataclass
class Writer:
    """Puts through some members, one after the other, in a thread; every refusal is kept."""

    nodes: Sequence[MemberProcess]
    done: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        await_true(lambda: self.done or self.failures, "the first put")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        with contextlib.ExitStack() as stack:
            clients: list[Client] = [stack.enter_context(node.client()) for node in self.nodes]
            number = 0
            while not self._stop.is_set():
                client = clients[number % len(clients)]
                try:
                    client.put(f"/writer/{number % 50}".encode(), b"x" * 100)
                except (EtcdError, requests.RequestException) as error:
                    self.failures.append(f"{client.url}: {error}")
                number += 1
                self.done = number
                self._stop.wait(0.002)
