# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The command line of the node tool."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import typing as t

from .._core import command, run_lock
from .._core.files import reading
from .._etcd.transport import ANSWER_SECONDS
from .._node.etcd_manifest import DEFAULT_PATH
from . import defrag_run, metrics, next_run, state, status, watch
from .context import FAILED, Context, Paths, say
from .due import Limits

_ABOUT = """\
Maintains the etcd of a kubeadm control-plane node. Each node has this tool and its schedule; in a run only the leader's
node acts, on one other member at a time, and never two nodes at once."""

_EXIT = """\
exit codes:
  0  done, or nothing to do here
  1  failed: a member does not answer, or did not do what it was asked
  2  the command line cannot be understood
  3  refused: an alarm is armed, another run works here, a member could be killed in the middle; the reason is printed
"""

_RUN = """\
Defragments what is due, if the member of this node leads: the other voters one after the other, each only while this
node still leads in the same term; then, if its own member is due, it hands over the leadership, and the next run on the
new leader's node defragments the old leader. Learners are never defragmented. A member whose defragmentation might take
longer than half of what the probes of the static pod allow is left alone, and named; so is one for whose copy there is
no room. The disks of other nodes cannot be seen from here: this node's stands in for them. etcd 3.5.0 to 3.5.5 can come
back with different data from the other members if it dies during a defragmentation, and is left alone unless
--allow-unsafe-version is given. The only member of a cluster serves nothing while it is defragmented, about a second
for each 120 MiB in use, and all the API server's requests wait; by default that is done, since the alternative is a
full database."""

_WATCH = """\
Looks at the member of this node alone, and writes metrics for node-exporter's textfile collector. With --heal, under a
NOSPACE alarm, the leader's node compacts, defragments each member that needs it, and disarms when all members fit: at
most three times a day in the whole cluster, never under CORRUPT, never without a leader, never if a liveness probe
fails under the alarm. A member that a probe could kill during its defragmentation, or whose disk has no room for the
copy, is passed over."""


def parser() -> argparse.ArgumentParser:
    limits = Limits()
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--manifest", default=DEFAULT_PATH, help="the static pod manifest of etcd (%(default)s)")
    shared.add_argument("--timeout", type=float, default=ANSWER_SECONDS, help="seconds for one answer (%(default)g)")
    shared.add_argument(
        "--state-dir", default=state.DIRECTORY, help="directory for what the tool remembers (%(default)s)"
    )
    shared.add_argument("--lock", default=run_lock.DEFAULT_PATH, help="the run lock (%(default)s)")
    metric = argparse.ArgumentParser(add_help=False)
    metric.add_argument(
        "--textfile-dir",
        default="",
        help=(
            f"directory for the metrics (the first that exists of {', '.join(metrics.DIRECTORIES)}); nothing is written"
            " if it is missing"
        ),
    )
    unsafe = argparse.ArgumentParser(add_help=False)
    unsafe.add_argument("--allow-unsafe-version", action="store_true", help="also on etcd 3.5.0 to 3.5.5")

    found = argparse.ArgumentParser(
        "etcd-maintenance", description=_ABOUT, epilog=_EXIT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = found.add_subparsers(dest="verb", metavar="status|watch|run", required=True)

    def verb(name: str, about: str, description: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return verbs.add_parser(
            name,
            help=about,
            description=description,
            epilog=_EXIT,
            parents=[shared, *parents],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    shown = verb("status", "show members, sizes, alarms, last and next run", "Shows the cluster, and changes nothing.")
    shown.add_argument("--json", action="store_true", help="for programs")
    watched = verb("watch", "inspect the local member, write metrics, heal if allowed", _WATCH, metric, unsafe)
    watched.add_argument("--heal", action="store_true", help="disarm a NOSPACE alarm: compact, defragment, disarm")
    ran = verb("run", "defragment what is due, if this node leads", _RUN, metric, unsafe)
    ran.add_argument("--check", action="store_true", help="only say what would be done")
    ran.add_argument("--leave-single-member", action="store_true", help="leave the only member of a cluster alone")
    for name, what in (
        ("fragmented-percent", "due when so much of the file is free"),
        ("min-free-mib", "and at least this much of it"),
        ("full-percent", "or due when over this part of the quota"),
        ("full-gain-mib", "and at least this much is free"),
    ):
        default = getattr(limits, name.replace("-", "_"))
        ran.add_argument(f"--{name}", type=float, default=default, metavar="N", help=f"{what} (%(default)g)")
    return found


def _needs_root(manifest: str) -> bool:
    """Whether this user may not read the file: neither etcd nor what is remembered can be read then."""
    try:
        with reading(manifest):
            return False
    except PermissionError:
        return True
    except OSError:
        return False


def _exit(_number: int, _frame: object) -> t.NoReturn:
    raise SystemExit(FAILED)


def main(arguments: t.Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    # By an exception, so that locks are released.
    signal.signal(signal.SIGTERM, _exit)
    textfile_dir = getattr(given, "textfile_dir", "")
    context = Context(Paths(given.manifest, given.lock, given.state_dir, textfile_dir), given.timeout)
    if _needs_root(given.manifest):
        say(f"etcd-maintenance needs root: {given.manifest} cannot be read. Nothing was done.")
        return FAILED
    try:
        if given.verb == "status":
            when = next_run.next_run(command.run, dt.datetime.now())
            return status.status(context, as_json=given.json, next_run=when)
        if given.verb == "watch":
            return watch.watch(context, watch.Options(heal=given.heal, allow_unsafe=given.allow_unsafe_version))
        return defrag_run.run(
            context,
            defrag_run.Options(
                limits=Limits(given.fragmented_percent, given.min_free_mib, given.full_percent, given.full_gain_mib),
                allow_unsafe=given.allow_unsafe_version,
                single_member=not given.leave_single_member,
                check=given.check,
            ),
        )
    except KeyboardInterrupt:
        say("Interrupted. A defragmentation that has begun continues in its member.")
        return FAILED


__all__ = ("main", "parser")
