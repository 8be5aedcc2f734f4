# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node image of a generation: a host of Debian packages, seeded with programs and container images."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import programs
from lab.command import run, say
from lab.docker import archive, engine
from lab.docker.archive import Image, write_archive
from lab.docker.engine import docker
from lab.docker.generations import Generation
from lab.errors import CommandFailedError, DockerError
from lab.packages import install

REPOSITORY = "controlplane-etcd"
_CONTEXT = Path(__file__).parent / "image"
_LIGHT_CONTEXT = Path(__file__).parent / "light"
_BASE = "debian:trixie"
_INPUTS_LABEL = "controlplane.etcd.inputs"
_NODE_PROGRAMS = ("kubeadm", "kubelet", "kubectl")
_COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
# What a container needs to become a node: mounts for systemd and the kubelet, a look at what processes of other users
# have open, as root has it on any host; but not all of --privileged, which hosts that limit their own root refuse.
RIGHTS = (
    "--cap-add=SYS_ADMIN",
    "--cap-add=SYS_PTRACE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
)
# On volumes, because containerd's overlays cannot lie on Docker's, and because etcd should meet a real file system.
# Docker fills the first from the image when a node is made, which is much faster than an import on every node.
_CHANGES = ('CMD ["/usr/local/sbin/node-init"]', 'VOLUME ["/var/lib/containerd", "/var/lib/etcd"]')


def obtain(generation: Generation) -> str:
    """Return the id of the node image of a generation, after making it if it is missing or out of date."""
    kubernetes, etcd = programs.kubernetes(generation.kubernetes), programs.etcd(generation.etcd)
    inputs = _inputs_of(kubernetes, etcd)
    name = f"{REPOSITORY}/node:{generation.name}"
    # Two at once would both make the host that all generations share.
    with engine.alone("images.lock"):
        _make(name, inputs, kubernetes, etcd, generation)
    return docker("image", "inspect", "--format={{.Id}}", name).strip()


def obtain_light() -> str:
    """Return the id of the image of hosts without Kubernetes, after making it if it is missing or out of date."""
    with engine.alone("images.lock"):
        inputs = f"{_inputs_in_directory(_CONTEXT)} {_inputs_in_directory(_LIGHT_CONTEXT)}"
        name = _build(f"{REPOSITORY}/light", _LIGHT_CONTEXT, inputs, _host)
    return docker("image", "inspect", "--format={{.Id}}", name).strip()


def _make(name: str, inputs: str, kubernetes: Path, etcd: Path, generation: Generation) -> None:
    if _inputs_in(name) != inputs:
        say(f"making the image of nodes with Kubernetes {generation.kubernetes} and etcd {generation.etcd} ...")
        start = time.monotonic()
        _seed(name, inputs, _host(), kubernetes, etcd, generation)
        say(f"{name} is made ({time.monotonic() - start:.0f} s)")
        # The one before has lost its name to this one.
        docker("image", "prune", "--force", f"--filter=label={_INPUTS_LABEL}")


def _inputs_of(kubernetes: Path, etcd: Path) -> str:
    """Return a hash of all that goes into a node image; of programs it is size and time, which is enough and quick."""
    digest = hashlib.sha256(_inputs_in_directory(_CONTEXT).encode())
    for path in (Path(__file__), Path(archive.__file__)):
        digest.update(path.read_bytes())
    for path in sorted([*kubernetes.iterdir(), *etcd.iterdir()]):
        digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _inputs_in_directory(context: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in context.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(context)} {path.stat().st_mode & 0o111:o}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _inputs_in(name: str) -> str | None:
    """Return the hash that an image was made from, None if there is no such image."""
    with contextlib.suppress(CommandFailedError):
        labels = json.loads(docker("image", "inspect", "--format={{json .Config.Labels}}", name))
        return str((labels or {}).get(_INPUTS_LABEL))
    return None


def _host() -> str:
    """Return the image of a host without Kubernetes, which all generations share."""
    return _build(f"{REPOSITORY}/host", _CONTEXT, _inputs_in_directory(_CONTEXT), _base)


def _build(name: str, context: Path, inputs: str, base: Callable[[], str]) -> str:
    """Return an image, after building it if it is missing or out of date."""
    if _inputs_in(name) != inputs:
        docker(
            "build",
            "--quiet",
            # The engine's own bridge may not lead anywhere, while the host could just download the image's base.
            "--network=host",
            f"--build-arg=BASE={base()}",
            f"--label={_INPUTS_LABEL}={inputs}",
            f"--tag={name}",
            str(context),
        )
    return name


def _base() -> str:
    """Return an image of Debian: the registry's, or if there is no registry one made of Debian's packages."""
    own = f"{REPOSITORY}/{_BASE}"
    for name in (_BASE, own):
        if docker("images", "--quiet", name):
            return name
    try:
        docker("pull", "--quiet", _BASE)
    except CommandFailedError as error:
        say(f"{_BASE} cannot be pulled ({str(error).splitlines()[-1]}): making it with mmdebstrap")
        _bootstrap(own)
        return own
    return _BASE


def _bootstrap(name: str) -> None:
    wanted = {
        "/usr/bin/mmdebstrap": "mmdebstrap",
        "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    }
    missing = [package for path, package in wanted.items() if not Path(path).exists()]
    if missing:
        if os.geteuid() or not shutil.which("apt-get"):
            raise DockerError(
                f"{_BASE} cannot be pulled, and cannot be made without {', '.join(missing)}; install that, or give "
                f"this engine an image {_BASE}"
            )
        install(*missing)
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        tar = Path(temporary, "root.tar")
        run("mmdebstrap", "--quiet", "--variant=minbase", _BASE.partition(":")[2], str(tar))
        docker("import", '--change=CMD ["bash"]', str(tar), name)


def _seed(name: str, inputs: str, host: str, kubernetes: Path, etcd: Path, generation: Generation) -> None:
    listed = run(
        str(kubernetes / "kubeadm"), "config", "images", "list", f"--kubernetes-version=v{generation.kubernetes}"
    )
    names = {line.rpartition("/")[2].partition(":")[0]: line for line in listed.split()}
    with (
        tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary,
        _container(host, names["pause"]) as seed,
    ):
        pause = Path(temporary, "pause")
        docker("cp", f"{seed}:/usr/bin/catatonit", str(pause))
        for program in _NODE_PROGRAMS:
            docker("cp", str(kubernetes / program), f"{seed}:/usr/bin/{program}")
        images = [
            Image(names["pause"], {"pause": pause}, ["/usr/local/bin/pause", "-P"]),
            # Kubernetes' image has all three.
            Image(names["etcd"], {path.name: path for path in _etcds(etcd)}, ["/usr/local/bin/etcd"]),
            *(Image(names[part], {part: kubernetes / part}, [f"/usr/local/bin/{part}"]) for part in _COMPONENTS),
        ]
        tar = Path(temporary, "images.tar")
        write_archive(tar, images, os.uname().machine)
        with tar.open("rb") as file:
            docker("start", "--attach", "--interactive", seed, stdin=file)
        labels = f"LABEL {_INPUTS_LABEL}={inputs}"
        docker("commit", *(f"--change={change}" for change in (*_CHANGES, labels)), seed, name)


def _etcds(directory: Path) -> list[Path]:
    return [directory / name for name in ("etcd", "etcdctl", "etcdutl")]


@contextlib.contextmanager
def _container(image: str, pause: str) -> Iterator[str]:
    """Yield a container that is ready to be seeded, and remove it."""
    # As a mount, because what is said by --volume would become a volume of the image, too.
    volume = "--mount=type=volume,target=/seed"
    command = ["/usr/local/sbin/node-seed", pause]
    created = docker("create", "--interactive", volume, *RIGHTS, image, *command).strip()
    try:
        yield created
    finally:
        with contextlib.suppress(CommandFailedError):
            docker("rm", "--force", "--volumes", created)
