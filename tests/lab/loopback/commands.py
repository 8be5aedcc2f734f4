# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the loopback backend: up, fill, compare, down and demo."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import tempfile
from functools import partial
from pathlib import Path

from lab import cli, programs
from lab.loopback import demo
from lab.loopback.cluster import DEFAULT_VERSION, Cluster
from lab.loopback.fill import compare, fill
from lab.loopback.inventory import write_inventory
from lab.loopback.progress import fill_progress
from lab.loopback.running import down, find, running

_MIB = 1 << 20


def add(commands: cli.Commands) -> None:
    """Add the commands to a command line."""
    cluster = argparse.ArgumentParser(add_help=False)
    version = os.environ.get("ETCD_VERSION", DEFAULT_VERSION)
    cluster.add_argument("--members", type=int, default=3, help="number of members (default: %(default)s)")
    cluster.add_argument("--version", default=version, help="etcd version (default: $ETCD_VERSION or %(default)s)")
    cluster.add_argument("--quota", type=int, default=512, metavar="MIB", help="quota in MiB (default: %(default)s)")

    command = commands.add_parser("up", parents=[cluster], help="run a cluster until Ctrl-C or `down`")
    command.add_argument("--directory", type=Path, help="keep its files there (default: a temporary directory)")
    command.add_argument("--ipv6", action="store_true", help="put all members on ::1")
    command.set_defaults(run=_up)

    command = cli.add_fill(commands, "fill a cluster that is up until writes are refused")
    _add_place(command)
    _add_live(command)
    command.set_defaults(run=_fill)

    command = cli.add_compare(commands)
    _add_place(command)
    command.set_defaults(run=_compare)

    command = commands.add_parser("down", help="take a cluster down that is up")
    _add_place(command)
    command.set_defaults(run=lambda options: down(options.directory))

    command = commands.add_parser("demo", parents=[cluster], help="fill a cluster, recover and harden it")
    _add_live(command)
    command.set_defaults(run=_demo)


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--directory", type=Path, required=True, help="the one of `up`")


def _add_live(command: argparse.ArgumentParser) -> None:
    command.add_argument("--live", type=float, default=0.2, metavar="SHARE", help="live share (default: %(default)s)")


def _up(options: argparse.Namespace) -> None:
    programs.etcd(options.version)
    with contextlib.ExitStack() as stack:
        directory = options.directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="etcd-lab-")))
        announce = stack.enter_context(running(directory))
        cluster = stack.enter_context(
            Cluster(
                directory,
                members=options.members,
                version=options.version,
                quota_bytes=options.quota * _MIB,
                ipv6=options.ipv6,
            )
        )
        announce(cluster)
        print(f"directory: {cluster.directory}")
        print(f"inventory: {write_inventory(cluster.directory / 'inventory.yml', cluster)}")
        print(f"etcdctl:   {shlex.join(cluster.nodes[0].etcdctl())}")
        for node in cluster.nodes:
            print(f"{node.name}: {node.client_url} pid {node.pid}, files in {node.directory}")
        print("Ctrl-C takes it down.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def _fill(options: argparse.Namespace) -> None:
    cluster = find(options.directory)
    with fill_progress() as progress:
        fill(cluster, live_fraction=options.live, progress=progress)
    cluster.record().write(options.record)


def _compare(options: argparse.Namespace) -> None:
    cli.compare(options, partial(compare, find(options.directory)))


def _demo(options: argparse.Namespace) -> int:
    return demo.run(
        demo.Settings(
            members=options.members,
            version=options.version,
            quota_bytes=options.quota * _MIB,
            live_fraction=options.live,
        )
    )
