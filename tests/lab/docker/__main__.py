# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of nodes in Docker: ``python -m lab.docker COMMAND``.

What it is good for is in ``lab.docker``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lab import cli
from lab.docker import cluster, engine, gateway
from lab.docker.access import size_and_quota
from lab.docker.fill import compare, fill, fragment
from lab.docker.generations import GENERATIONS, generation
from lab.docker.installations import INSTALLATIONS, installation
from lab.docker.inventory import write_inventory
from lab.docker.nodes import Cluster
from lab.errors import DockerError

DEFAULT_NAME = "dev"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return cli.run(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.docker", description="Real control-plane nodes in Docker.")
    parser.add_argument(
        "--name",
        default=os.environ.get("NODES_NAME", DEFAULT_NAME),
        help="the cluster's name; containers are NAME-cp1 and so on (default: $NODES_NAME, else dev)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("up", help="make a cluster, or keep the one that is there if it is as wanted")
    command.add_argument("--generation", default="1.33", choices=GENERATIONS, help="default: %(default)s")
    command.add_argument("--installation", default="kubeadm", choices=INSTALLATIONS, help="default: %(default)s")
    command.add_argument("--nodes", type=int, default=3, choices=(1, 3, 5), help="default: %(default)s")
    command.add_argument("--quota", type=int, default=64, metavar="MIB", help="of etcd, in MiB (default: %(default)s)")
    command.add_argument(
        "--etcd-patch", default="", metavar="FILE", help="a strategic merge patch for etcd's static pod, for kubeadm"
    )
    command.add_argument(
        "--manifests",
        default="as-made",
        choices=("as-made", "any"),
        help="whether settings that were changed since count as wanted (default: %(default)s)",
    )
    command.add_argument("--inventory", type=Path, metavar="FILE", help="write an Ansible inventory there")
    command.set_defaults(run=_up)

    command = commands.add_parser("status", help="say what is there, and fail if it is not healthy")
    command.set_defaults(run=_status)

    command = cli.add_fill(commands, "fill etcd until kubectl is refused, and record what is in it then")
    command.add_argument("--live", action="store_true", help="with objects that are all still there, not with history")
    command.add_argument("--events", action="store_true", help="with events instead of ConfigMaps")
    command.set_defaults(run=_fill)

    command = commands.add_parser("fragment", help="have files that are mostly free pages")
    command.add_argument("mib", type=int, metavar="MIB", help="how large")
    command.add_argument("--record", type=Path, metavar="FILE", help="keep the record of what is in it then there")
    command.set_defaults(run=_fragment)

    command = cli.add_compare(commands)
    command.add_argument("--events", action="store_true", help="in the etcd that has the events")
    command.set_defaults(run=_compare)

    command = commands.add_parser(
        "headroom", help="fail unless all members of every etcd have headroom and take writes"
    )
    command.set_defaults(run=_headroom)

    command = commands.add_parser("gateway", help="restart all members with their JSON gateway on or off")
    command.add_argument("state", choices=("on", "off"))
    command.set_defaults(run=_gateway)

    command = commands.add_parser("down", help="remove the cluster, and stop the private Docker if that was the last")
    command.set_defaults(run=_down)

    command = commands.add_parser("env", help="print what makes docker find the engine, for eval")
    command.set_defaults(run=_env)
    return parser


def _up(options: argparse.Namespace) -> None:
    others = engine.find()
    engine.obtain()
    try:
        made = cluster.up(
            options.name,
            generation(options.generation),
            nodes=options.nodes,
            quota_mib=options.quota,
            installed_by=options.installation,
            any_manifests=options.manifests == "any",
            etcd_patch=Path(options.etcd_patch).read_text("utf-8") if options.etcd_patch else "",
        )
    except BaseException:
        cluster.down(options.name)
        if not others:  # who has started it may be about to make nodes
            engine.release()
        raise
    if options.inventory:
        write_inventory(options.inventory, made)
    _show(made)


def _status(options: argparse.Namespace) -> None:
    found = _existing(options.name)
    _show(found)
    if reason := cluster.obstacle(found):
        raise DockerError(f"the cluster {found.name!r} is not healthy: {reason}")


def _show(shown: Cluster) -> None:
    spec = shown.spec
    kubernetes = generation(spec.generation).kubernetes
    print(f"{shown.name}: {spec.installation}, Kubernetes {kubernetes}, etcd's quota is {spec.quota_mib} MiB")
    for node in shown.nodes:
        print(f"{node.hostname}: {node.address}, container {node.name}")


def _fill(options: argparse.Namespace) -> None:
    fill(_existing(options.name), live=options.live, events=options.events).write(options.record)


def _fragment(options: argparse.Namespace) -> None:
    record = fragment(_existing(options.name), options.mib << 20)
    if options.record:
        record.write(options.record)


def _compare(options: argparse.Namespace) -> None:
    cli.compare(options, partial(compare, _existing(options.name), events=options.events))


def _headroom(options: argparse.Namespace) -> None:
    found = _existing(options.name)
    installed_by = installation(found.spec.installation)
    if reason := installed_by.etcd_obstacle(found):
        raise DockerError(f"etcd of {found.name!r} is not as it should be: {reason}")
    for etcd in installed_by.etcds:
        for node in found.nodes:
            size, quota = size_and_quota(installed_by.access(node, etcd))
            print(f"{node.hostname}: {etcd}, {size >> 20} of {quota >> 20} MiB")


def _gateway(options: argparse.Namespace) -> None:
    gateway.switch(_existing(options.name), on=options.state == "on")


def _existing(name: str) -> Cluster:
    # If no engine runs, no node does.
    if engine.find() and (found := cluster.find(name)):
        return found
    raise DockerError(f"there is no cluster {name!r}; `python -m lab.docker --name {name} up` makes it")


def _down(options: argparse.Namespace) -> None:
    # Started if it must be: nodes also outlive a private one that was killed.
    engine.obtain()
    cluster.down(options.name)
    engine.release()


def _env(_options: argparse.Namespace) -> None:
    if not engine.find():
        raise DockerError("no Docker engine runs; `python -m lab.docker up` starts one if it can")
    if "DOCKER_HOST" in os.environ:
        print(f"export DOCKER_HOST={os.environ['DOCKER_HOST']}")


if __name__ == "__main__":
    sys.exit(main())
