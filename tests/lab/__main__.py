# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: ``python -m lab programs|demo|up|fill|compare|down``, the last four on loopback addresses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lab import cli, programs
from lab.command import say
from lab.errors import LabError, ProgramMissingError
from lab.loopback import commands as loopback
from lab.programs import kube

_PROGRAM_SETS = {
    "etcd": (programs.etcd, programs.pinned_versions),
    "kubernetes": (programs.kubernetes, kube.pinned_versions),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    description = "Real etcd clusters on loopback addresses; `python -m lab.docker` has whole nodes in Docker."
    parser = argparse.ArgumentParser(prog="python -m lab", description=description)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("programs", help="get program sets, or list those that are there")
    command.add_argument("name", nargs="?", choices=sorted(_PROGRAM_SETS), help="the program set")
    command.add_argument("versions", nargs="*", help="versions such as 3.6.16; without any, the pinned ones")
    command.set_defaults(run=_programs)
    loopback.add(commands)
    return cli.run(parser, arguments)


def _programs(options: argparse.Namespace) -> None:
    if options.name is None:
        for version in programs.installed_versions():
            print(f"etcd {version}  {programs.etcd(version)}")
        return
    obtain, pinned = _PROGRAM_SETS[options.name]
    for version in options.versions:
        print(obtain(version))
    failed = []
    for version in pinned() if not options.versions else ():
        try:
            print(obtain(version))
        except ProgramMissingError as error:
            say(f"going on without {options.name} {version}: {error}")
            # Not every machine can have Debian's; tests of what is missing are skipped.
            if programs.can_be_built(version):
                failed.append(version)
    if failed:
        raise LabError(f"{options.name} {', '.join(failed)} could not be had, see above")


if __name__ == "__main__":
    sys.exit(main())
