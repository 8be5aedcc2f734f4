# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: ``python -m lab programs|up|demo``."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from lab import demo, programs
from lab.cluster import DEFAULT_VERSION, Cluster
from lab.errors import LabError, ProgramMissingError
from lab.fill import fill
from lab.inventory import write_inventory
from lab.programs import kube
from lab.show import fill_progress

MIB = 1 << 20
_PROGRAM_SETS = {
    "etcd": (programs.etcd, programs.pinned_versions),
    "kubernetes": (programs.kubernetes, kube.pinned_versions),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # A SystemExit, so that everything on the stack takes down what it put up.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Real etcd clusters on loopback addresses.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("programs", help="get program sets, or list those that are there")
    command.add_argument("name", nargs="?", choices=sorted(_PROGRAM_SETS), help="the program set")
    command.add_argument("versions", nargs="*", help="versions such as 3.6.16; without any, the pinned ones")
    command.set_defaults(run=_programs)

    cluster = argparse.ArgumentParser(add_help=False)
    version = os.environ.get("ETCD_VERSION", DEFAULT_VERSION)
    cluster.add_argument("--members", type=int, default=3, help="number of nodes (default: %(default)s)")
    cluster.add_argument("--version", default=version, help="etcd version (default: $ETCD_VERSION or %(default)s)")
    cluster.add_argument("--quota", type=int, default=512, metavar="MIB", help="quota in MiB (default: %(default)s)")
    cluster.add_argument("--live", type=float, default=0.2, metavar="SHARE", help="live share (default: %(default)s)")

    command = commands.add_parser("up", parents=[cluster], help="run a cluster until Ctrl-C")
    command.add_argument("--fill", action="store_true", help="fill it until writes are refused")
    command.add_argument("--folder", type=Path, help="keep its files there (default: a temporary folder)")
    command.add_argument("--ipv6", action="store_true", help="put all nodes on ::1")
    command.set_defaults(run=_up)

    command = commands.add_parser("demo", parents=[cluster], help="fill a cluster and recover it")
    command.set_defaults(run=_demo)
    return parser


def _programs(options: argparse.Namespace) -> int:
    if options.name is None:
        for version in programs.installed_versions():
            print(f"etcd {version}  {programs.etcd(version)}")
        return 0
    obtain, pinned = _PROGRAM_SETS[options.name]
    for version in options.versions:
        print(obtain(version))
    failed = []
    for version in pinned() if not options.versions else ():
        try:
            print(obtain(version))
        except ProgramMissingError as error:
            print(f"lab: going on without {options.name} {version}: {error}", file=sys.stderr)
            # Not every machine can have Debian's; tests of what is missing are skipped.
            if programs.can_be_built(version):
                failed.append(version)
    if failed:
        print(f"lab: {options.name} {', '.join(failed)} could not be had, see above", file=sys.stderr)
    return int(bool(failed))


def _up(options: argparse.Namespace) -> int:
    programs.etcd(options.version)
    with tempfile.TemporaryDirectory(prefix="etcd-lab-") as temporary:
        folder = options.folder or Path(temporary)
        with Cluster(
            folder,
            members=options.members,
            version=options.version,
            quota_bytes=options.quota * MIB,
            ipv6=options.ipv6,
        ) as cluster:
            inventory = write_inventory(cluster.folder / "inventory.yml", cluster)
            if options.fill:
                with fill_progress() as progress:
                    fill(cluster, live_fraction=options.live, progress=progress)
            print(f"inventory: {inventory}")
            print(f"etcdctl:   {shlex.join(cluster.nodes[0].etcdctl())}")
            for node in cluster.nodes:
                print(f"{node.name}: {node.client_url} pid {node.pid}, files in {node.folder}")
            print("Ctrl-C ends it.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    return 0


def _demo(options: argparse.Namespace) -> int:
    return demo.run(
        demo.Settings(
            members=options.members,
            version=options.version,
            quota_bytes=options.quota * MIB,
            live_fraction=options.live,
        )
    )


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
