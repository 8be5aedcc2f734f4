# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The command line of the node tool."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
import sys
import syslog
import typing as t

from .._core import command, run_lock
from .._core.failures import Refused
from .._core.files import reading
from .._etcd.connection import AUTO, WAYS
from .._etcd.transport import ANSWER_SECONDS
from .._etcd.usage_count import Wanted
from .._node.etcd_manifest import DEFAULT_PATH
from .._node.member import CONNECTION_OPTIONS
from .._node.settings import is_unit
from .._node.settings_source import find_source
from . import defrag_run, metrics, next_run, recover, recover_options, state, status, usage, watch
from .context import FAILED, REFUSED, Context, Paths, say
from .due import Limits
from .progress import Progress

_ABOUT = """\
Maintains the etcd of a kubeadm control-plane node. Each node has this tool and its schedule; in a run only the leader's
node acts, on one other member at a time, and never two nodes at once."""

_BY_PEOPLE = ("status", "usage", "recover")

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
no room. While a voter is down, only members over --full-percent of their quota are defragmented. The disks of other
nodes cannot be seen from here: this node's stands in for them. etcd 3.5.0 to 3.5.5 can come back with different data
from the other members if it dies during a defragmentation, and is left alone unless --allow-unsafe-version is given.
The only member of a cluster serves nothing while it is defragmented, about a second for each 120 MiB in use, and all
the API server's requests wait; by default that is done, since the alternative is a full database."""

_RECOVER = """\
Recovers a cluster that is out of space from this node alone, without Ansible: it brings the member of this node back if
that is down, takes a snapshot of it, compacts, defragments one member after the other, the leader last, disarms the
alarm, and proves that writes are accepted through every member. It asks no other node for anything but etcd's own API:
of the kubelets it holds that of this node only, and checks this node's disk only. So the playbook
controlplane.etcd.recover does more; this is for whoever reaches one node only. A lost connection does not end it:
"journalctl -t etcd-maintenance" says what became of it. It can be run again wherever it stopped."""

_USAGE = """\
Counts keys and bytes in the database of the member of this node, or in FILE, by resource and namespace, live data and
history apart. It reads the file alone, so etcd may be down or refuse writes; nothing is asked of it, and nothing is
changed. With --since it says how fast it grows, and what of it, since a snapshot or another database."""

_WATCH = """\
Looks at the member of this node alone, and writes metrics for node-exporter's textfile collector. With --heal, under a
NOSPACE alarm, the leader's node compacts, defragments each member that needs it, and disarms when all members fit: at
most three times a day in the whole cluster, never under CORRUPT, never without a leader, never if a liveness probe
fails under the alarm. A member that a probe could kill during its defragmentation, or whose disk has no room for the
copy, is passed over."""


def parser() -> argparse.ArgumentParser:
    limits = Limits()
    shared = argparse.ArgumentParser(add_help=False)
    where = "the static pod manifest of etcd, or its systemd unit (%(default)s)"
    shared.add_argument("--manifest", default=DEFAULT_PATH, help=where)
    shared.add_argument("--timeout", type=float, default=ANSWER_SECONDS, help="seconds for one answer (%(default)g)")
    shared.add_argument(
        "--state-dir", default=state.DIRECTORY, help="directory for what the tool remembers (%(default)s)"
    )
    shared.add_argument("--lock", default=run_lock.DEFAULT_PATH, help="the run lock (%(default)s)")
    for name, what in (
        ("ca-cert", "the CA of etcd's server certificates"),
        ("client-cert", "the client certificate to show"),
        ("client-key", "its key"),
        ("endpoint", "the URL at which the member of this node is reached"),
    ):
        shared.add_argument(f"--{name}", default="", help=f"{what} (by the manifest)")
    shared.add_argument("--transport", choices=WAYS, default=AUTO, help="the way to etcd (%(default)s)")
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
    verbs = found.add_subparsers(dest="verb", metavar="status|usage|watch|run|recover", required=True)

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
    _add_usage(verb("usage", "show what fills the database, even with etcd down", _USAGE))
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
    _add_recover(verb("recover", "recover a cluster that is out of space, from this node", _RECOVER, unsafe))
    return found


def _add_usage(found: argparse.ArgumentParser) -> None:
    usual = Wanted()
    found.add_argument("path", nargs="?", default="", metavar="FILE", help="a snapshot, or another database")
    found.add_argument("--since", default="", metavar="FILE", help="an earlier snapshot or database")
    found.add_argument("--prefix", default=usual.prefix, help="the API server's --etcd-prefix (%(default)s)")
    found.add_argument("--top", type=_count, default=usual.top, metavar="N", help="lines of each table (%(default)d)")
    found.add_argument("--managed-fields", action="store_true", help="and what managedFields take of the live values")
    found.add_argument("--json", action="store_true", help="for programs")


def _count(text: str) -> int:
    """A number that is not below 0. Raises ValueError."""
    found = int(text)
    if found < 0:
        raise ValueError(text)
    return found


def _add_recover(found: argparse.ArgumentParser) -> None:
    usual = recover_options.Options()
    found.add_argument("--check", action="store_true", help="only say what would be done")
    found.add_argument(
        "--snapshot-dir", default=usual.snapshot_dir, help="directory for the snapshot of before (%(default)s)"
    )
    found.add_argument(
        "--snapshot-keep",
        type=int,
        default=usual.snapshot_keep,
        metavar="N",
        help="of them, keep so many (%(default)d)",
    )
    found.add_argument("--no-snapshot", action="store_true", help="take none")
    found.add_argument("--no-hold", action="store_true", help="never stop the kubelet of this node")
    found.add_argument("--kubelet-unit", default=usual.kubelet_unit, help="its unit of systemd (%(default)s)")
    found.add_argument("--take-over-lock", action="store_true", help="although another run holds it; see who, first")
    for name, what in (
        ("wait-timeout", "seconds for etcd or the API server of this node to come up"),
        ("settle-seconds", "seconds between the two rounds of writes"),
    ):
        default = getattr(usual, name.replace("-", "_"))
        found.add_argument(f"--{name}", type=float, default=default, metavar="S", help=f"{what} (%(default)g)")


def _recover(context: Context, given: argparse.Namespace) -> int:
    # Whoever has only a connection to this node may lose it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    options = recover_options.Options(
        check=given.check,
        snapshot=not given.no_snapshot,
        snapshot_dir=given.snapshot_dir,
        snapshot_keep=given.snapshot_keep,
        hold=not given.no_hold,
        kubelet_unit=given.kubelet_unit,
        allow_unsafe=given.allow_unsafe_version,
        take_over_lock=given.take_over_lock,
        wait_timeout=given.wait_timeout,
        settle_seconds=given.settle_seconds,
    )
    syslog.openlog("etcd-maintenance")
    return recover.Recovery(context, options, Progress(terminal=sys.stdout.isatty())).run()


def _manifest(given: argparse.Namespace) -> str:
    """What names the member of this node. People need not know it; a schedule keeps to what it was installed for.
    Raises Refused if several may be meant."""
    if given.verb not in _BY_PEOPLE:
        return str(given.manifest)
    return find_source(given.manifest).name or str(given.manifest)


def _needs_root(manifest: str) -> bool:
    """Whether this user may not read the file: neither etcd nor what is remembered can be read then."""
    if is_unit(manifest):  # who may see its files and its database
        return os.geteuid() != 0
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
    connection = {name: getattr(given, name) for name in CONNECTION_OPTIONS}
    try:
        manifest = _manifest(given)
    except Refused as exc:
        say(f"{exc.text} Name the one that is meant: --manifest. Nothing was done.")
        return REFUSED
    context = Context(Paths(manifest, given.lock, given.state_dir, textfile_dir), given.timeout, connection)
    if _needs_root(manifest):
        say(f"etcd-maintenance needs root: {manifest} cannot be read. Nothing was done.")
        return FAILED
    try:
        if given.verb == "status":
            when = next_run.next_run(command.run, dt.datetime.now())
            return status.status(context, as_json=given.json, next_run=when)
        if given.verb == "usage":
            wanted = Wanted(given.prefix, given.top, given.managed_fields)
            return usage.usage(context, usage.Options(given.path, given.since, wanted, given.json))
        if given.verb == "watch":
            return watch.watch(context, watch.Options(heal=given.heal, allow_unsafe=given.allow_unsafe_version))
        if given.verb == "recover":
            return _recover(context, given)
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
