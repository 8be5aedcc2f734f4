# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static pod manifest of a member, in the shape the fitting kubeadm writes it.

The manifest is the truth about a lab member: it is started with exactly the command and environment read back from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.errors import LabError


@dataclass(frozen=True)
class Shape:
    """What differs between the manifests of kubeadm's generations.

    ``kubernetes`` names the generation; the paths are probe URLs on etcd's metrics port (an empty one: no such probe).
    """

    kubernetes: str
    registry: str
    flags: Mapping[str, str]
    liveness_path: str
    startup_path: str
    readiness_path: str
    named_probe_port: bool
    creation_timestamp: bool
    security_context: bool
    requests_ephemeral_storage: bool
    extra_flags_last: bool


@dataclass(frozen=True)
class MemberSpec:
    """All that a member's manifest says.

    ``initial_cluster`` maps member names to peer URLs, ``flags`` are added to kubeadm's own or replace them (a value of
    ``None`` leaves one out), without the leading dashes; ``env`` is the container's environment.
    """

    name: str
    version: str
    data_dir: Path
    pki_dir: Path
    client_url: str
    peer_url: str
    metrics_url: str
    metrics_host: str
    advertise_peer_url: str
    initial_cluster: Mapping[str, str]
    joins_existing: bool
    flags: Mapping[str, str | None]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Container:
    """What a manifest starts: the command with its program first, and the environment."""

    command: tuple[str, ...]
    env: Mapping[str, str]


_OLD_FLAGS = {"experimental-initial-corrupt-check": "true", "experimental-watch-progress-notify-interval": "5s"}
_NEW_FLAGS = {"feature-gates": "InitialCorruptCheck=true", "watch-progress-notify-interval": "5s"}

_1_20 = Shape(
    kubernetes="1.20",
    registry="k8s.gcr.io",
    flags={},
    liveness_path="/health",
    startup_path="/health",
    readiness_path="",
    named_probe_port=False,
    creation_timestamp=True,
    security_context=False,
    requests_ephemeral_storage=True,
    extra_flags_last=False,
)
_1_33 = Shape(
    kubernetes="1.33",
    registry="registry.k8s.io",
    flags=_OLD_FLAGS,
    liveness_path="/livez",
    startup_path="/readyz",
    readiness_path="/readyz",
    named_probe_port=False,
    creation_timestamp=True,
    security_context=True,
    requests_ephemeral_storage=False,
    extra_flags_last=True,
)
_1_36 = replace(_1_33, kubernetes="1.36", flags=_NEW_FLAGS, named_probe_port=True, creation_timestamp=False)
_SHAPES = {"3.4": _1_20, "3.5": _1_33, "3.6": _1_36, "3.7": _1_36}


def shape_for(version: str) -> Shape:
    """Return the manifest shape of the kubeadm that goes with an etcd version such as ``3.6.16``."""
    minor = ".".join(version.split(".")[:2])
    try:
        return _SHAPES[minor]
    except KeyError:
        raise LabError(f"no manifest is known for etcd {version}; known are {', '.join(_SHAPES)}") from None


def render(spec: MemberSpec) -> str:
    """Return the manifest's YAML text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["scalar"] = _scalar
    shape = shape_for(spec.version)
    return environment.get_template("etcd.yaml.j2").render(
        shape=shape,
        command=_command(spec, shape),
        env=spec.env,
        image=f"{shape.registry}/etcd:{spec.version}-0",
        client_url=spec.client_url,
        host=spec.metrics_host,
        metrics_port=spec.metrics_url.rpartition(":")[2],
        data_dir=str(spec.data_dir),
        pki_dir=str(spec.pki_dir),
    )


def read_container(path: Path) -> Container:
    """Return what the manifest at ``path`` starts; raises ``LabError`` for a file that is no such manifest."""
    try:
        container = yaml.safe_load(path.read_text("utf-8"))["spec"]["containers"][0]
        command = (*container["command"], *container.get("args", ()))
        env = {entry["name"]: str(entry["value"]) for entry in container.get("env", ())}
    except (OSError, yaml.YAMLError, LookupError, TypeError) as error:
        raise LabError(f"{path} is not a readable etcd manifest: {error!r}") from error
    return Container(tuple(str(argument) for argument in command), env)


def _command(spec: MemberSpec, shape: Shape) -> list[str]:
    pki = spec.pki_dir
    flags = {
        "advertise-client-urls": spec.client_url,
        "cert-file": f"{pki}/server.crt",
        "client-cert-auth": "true",
        "data-dir": str(spec.data_dir),
        "initial-advertise-peer-urls": spec.advertise_peer_url,
        "initial-cluster": ",".join(f"{name}={url}" for name, url in spec.initial_cluster.items()),
        "key-file": f"{pki}/server.key",
        "listen-client-urls": spec.client_url,
        "listen-metrics-urls": spec.metrics_url,
        "listen-peer-urls": spec.peer_url,
        "name": spec.name,
        "peer-cert-file": f"{pki}/peer.crt",
        "peer-client-cert-auth": "true",
        "peer-key-file": f"{pki}/peer.key",
        "peer-trusted-ca-file": f"{pki}/ca.crt",
        "snapshot-count": "10000",
        "trusted-ca-file": f"{pki}/ca.crt",
        **shape.flags,
    }
    if spec.joins_existing:
        flags["initial-cluster-state"] = "existing"
    own = {name: value for name, value in flags.items() if name not in spec.flags}
    extra = {name: value for name, value in spec.flags.items() if value is not None}
    ordered = [*sorted(own.items()), *extra.items()]
    if not shape.extra_flags_last:
        ordered.sort()
    return ["etcd", *(f"--{name}={value}" for name, value in ordered)]


def _scalar(value: str) -> str:
    """Return ``value`` as one line of YAML: plain if YAML allows that, else quoted."""
    return yaml.safe_dump(value, width=float("inf"), allow_unicode=True).removesuffix("\n").removesuffix("\n...")
