# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine: the one that answers, else a private one, which lives as long as there are nodes in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from lab import programs
from lab.command import attempt, run, say
from lab.docker.host_settings import HostSettings, give_room_back, make_room
from lab.errors import DockerError, EngineMissingError, LabError
from lab.packages import install

LABEL = "controlplane.etcd.nodes"
_ANSWER_SECONDS = 20.0
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.1
_LAST_LINES = 10
_UNIT_DIRECTORY = Path("/lib/systemd/system")
_UNITS = ("docker.service", "docker.socket", "containerd.service")


def obtain() -> None:
    """Make ``docker`` work in this process and its children, by ``DOCKER_HOST`` if that is needed.

    If no engine answers, and this is root on Debian or Ubuntu, a private one is started, and installed before if
    it is missing. Raises ``EngineMissingError`` if that is not possible, ``DockerError`` if an engine's host
    has no room for nodes.
    """
    if _answers():
        with alone("lock"):
            _make_room()
        return
    with alone("lock"):
        private = _Private(directory())
        if not private.running:
            _require_debian_root()
            try:
                _install_docker()
                _make_room()
                private.start()
            except LabError as error:
                give_room_back(_room())
                raise EngineMissingError(f"no Docker engine answers, and none can be started here: {error}") from error
        os.environ["DOCKER_HOST"] = private.url


def find() -> bool:
    """Make ``docker`` work as ``obtain`` does if an engine runs already; return whether one does."""
    if _answers():
        return True
    private = _Private(directory())
    if private.running:
        os.environ["DOCKER_HOST"] = private.url
    return private.running


def release() -> None:
    """Put back what was changed on the host for the nodes if there are none any more; a private engine is stopped."""
    with alone("lock"):
        private = _Private(directory())
        if private.running:
            os.environ["DOCKER_HOST"] = private.url
            if _nodes():
                say(f"the private Docker engine stays for other nodes: DOCKER_HOST={private.url}")
                return
        elif _answers() and _nodes():
            return
        attempt(private.stop, partial(give_room_back, _room()))


def directory() -> Path:
    """Return the directory of the private engine, which keeps its images from one run to the next, and of our locks."""
    home = programs.store().directory / "engine"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return home


class _Private:
    """A dockerd with a socket, data and a pid file of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._pid_file = home / "dockerd.pid"
        self._log = home / "dockerd.log"
        self._before = home / "host.json"
        self.url = f"unix://{home}/docker.sock"

    @property
    def running(self) -> bool:
        """Whether it runs, started by this process or by one that was killed."""
        return self._pid() is not None

    def start(self) -> None:
        """Start it and wait until it answers; the host's settings of before are kept in a file."""
        say(f"no Docker engine answers: starting a private one, with its log in {self._log}")
        try:
            self._start()
        except DockerError:
            # One that was killed while it made a network may have left a list of networks with which none starts.
            networks = self._home / "data" / "network" / "files" / "local-kv.db"
            if not networks.exists():
                raise
            say("it does not come up; starting it once more, without the networks of the one before")
            networks.unlink()
            self._start()

    def _start(self) -> None:
        self._keep_settings()
        command = [
            "dockerd",
            f"--host={self.url}",
            f"--data-root={self._home}/data",
            f"--exec-root={self._home}/exec",
            f"--pidfile={self._pid_file}",
        ]
        with self._log.open("wb") as log:
            # In a session of its own, so that Ctrl-C reaches it only after the nodes are removed.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self.url):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                printed = "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:])
                raise DockerError(f"dockerd does not come up; its last lines:\n{printed}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop it if it runs, and put back the host's settings if they are not yet."""
        if pid := self._pid():
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_SECONDS
            while self._pid() == pid:
                if time.monotonic() > deadline:
                    raise DockerError(
                        f"the private dockerd (pid {pid}) has not exited within {_STOP_SECONDS:.0f} s; the host's "
                        f"network settings are still its own, those of before are in {self._before}"
                    )
                _reap(pid)
                time.sleep(_POLL_SECONDS)
        attempt(self._restore, *(partial(run, "umount", mounted) for mounted in self._mounts()))

    def _restore(self) -> None:
        if self._before.exists():
            if before := HostSettings.from_json(json.loads(self._before.read_text("utf-8"))):
                before.restore()
            self._before.unlink()

    def _mounts(self) -> list[str]:
        """Return what dockerd leaves mounted in its directory, the last first; always a network namespace."""
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
        return [place for place in reversed(mounted) if place.startswith(f"{self._home}/")]

    def _keep_settings(self) -> None:
        # Left by an engine that was killed: then these are the settings of before, not what is there now.
        if self._before.exists() and HostSettings.from_json(json.loads(self._before.read_text("utf-8"))):
            return
        aside = self._before.with_suffix(".new")
        aside.write_text(json.dumps(HostSettings.measure().as_json(), indent=1), "utf-8")
        aside.rename(self._before)

    def _pid(self) -> int | None:
        """Return the pid of the running dockerd of this directory; the number in its file may be another's by now."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text("ascii"))
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if f"--pidfile={self._pid_file}".encode() in words:
                return pid
        return None


def docker(*arguments: str, stdin: str | IO[bytes] | None = None, seconds: float | None = None) -> str:
    """Run ``docker`` on the engine that the environment names (``DOCKER_HOST``); see ``run``."""
    return run("docker", *arguments, stdin=stdin, seconds=seconds)


def _nodes() -> str:
    return docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}")


def _make_room() -> None:
    # An engine elsewhere has limits of its own.
    if not os.environ.get("DOCKER_HOST", "").startswith(("ssh:", "tcp:")):
        make_room(_room())


def _room() -> Path:
    return directory() / "watchers"


def _reap(pid: int) -> None:
    """Take the exit code of a process if it is this one's child: else it stays on as a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _answers(url: str | None = None) -> bool:
    command = ["docker", *(["--host", url] if url else []), "info"]
    try:
        return subprocess.run(command, capture_output=True, timeout=_ANSWER_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _require_debian_root() -> None:
    reason = ""
    if not shutil.which("apt-get"):
        reason = "this is neither Debian nor Ubuntu"
    elif os.geteuid():
        reason = "this user is not root"
    if reason:
        raise EngineMissingError(
            f"`docker info` reaches no engine, and a private one cannot be started because {reason}; start Docker, or "
            f"say with DOCKER_HOST where it is"
        )


def _install_docker() -> None:
    """Install what is missing; what comes along as a service is neither started nor there after the next boot."""
    wanted = {"dockerd": "docker.io", "iptables": "iptables", "ip": "iproute2"}
    missing = [package for program, package in wanted.items() if not shutil.which(program)]
    if missing:
        before = {unit for unit in _UNITS if _UNIT_DIRECTORY.joinpath(unit).exists()}
        install(*missing)
        came = [unit for unit in _UNITS if unit not in before and _UNIT_DIRECTORY.joinpath(unit).exists()]
        if came and shutil.which("systemctl"):
            run("systemctl", "disable", *came)
    if not shutil.which("docker"):  # a package of its own from Debian 13 on
        install("docker-cli")


@contextlib.contextmanager
def alone(name: str, waiting: str = "") -> Iterator[None]:
    """Let one process at a time do what goes by this name; print ``waiting`` if another is at it."""
    with (directory() / name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                print(waiting, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
