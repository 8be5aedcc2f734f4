# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command lines of the backends have in common."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.record import Record

if TYPE_CHECKING:
    # What add_subparsers() returns has no public name.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Run the command that the arguments name, by its default ``run``, and return the exit code."""
    exit_on_signals()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def exit_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into a ``SystemExit``, so that everything on the stack takes down what it put up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def add_fill(commands: Commands, help_text: str) -> argparse.ArgumentParser:
    """Add the command ``fill``."""
    command = commands.add_parser("fill", help=help_text)
    command.add_argument("record", type=Path, metavar="FILE", help="where to keep the record of what is in it then")
    return command


def add_compare(commands: Commands) -> argparse.ArgumentParser:
    """Add the command ``compare``."""
    command = commands.add_parser("compare", help="fail if an object of that record is gone or changed")
    command.add_argument("record", type=Path, metavar="FILE", help="the record")
    command.add_argument(
        "--changed", action="append", default=[], metavar="KEY", help="a key of etcd whose value has to be another one"
    )
    return command


def compare(options: argparse.Namespace, losses: Callable[[Record, Collection[str]], list[str]]) -> None:
    """Run the command ``compare`` with a backend's own function of that name."""
    record = Record.read(options.record)
    if lost := losses(record, options.changed):
        raise LabError("\n".join([f"{len(lost)} of {len(record.entries)} objects are not as before:", *lost[:20]]))
    print(f"all of {len(record.entries)} objects are there")
