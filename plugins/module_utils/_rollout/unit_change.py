# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The change itself, for an etcd that systemd runs: the edited file in its place, the unit restarted, the process that
runs then verified; or all of it rolled back."""

from __future__ import annotations

import contextlib
import math
import os
import re
import time
import typing as t

from .._core import command, files
from .._core.failures import Failure, Refused
from .._kubeadm import backups, flag_values
from .._node import etcd_arg, pod_log, process, systemd_unit
from .._node.kubelet import SYSTEMCTL_SECONDS, last_lines
from .._node.settings import MemberSettings, variable_of
from . import drop_in
from .change import Changed, uninterrupted
from .roll_back import NO_OTHER, still_reading
from .unit_edit import UnitEdit
from .unit_rollout import UnitRollout
from .verification import Verification, VerificationResult, verification_by_asking

_ASK_SECONDS = 1.0
# After our restart, which sets the count to 0: an etcd that takes too long to exit may keep the port from the next one.
_DOES_NOT_STAY = 2


@uninterrupted()
def change(rollout: UnitRollout, edit: UnitEdit, pid: int) -> Changed:
    """Write the edited file, restart the unit, and verify that etcd runs with it; `pid` is the etcd that runs now.
    Raises Failure after a roll-back, and without one if the new etcd only needs more time; Refused, OSError if nothing
    was changed."""
    old = edit.old.encode("utf-8") if edit.old is not None else b""
    new = edit.new.encode("utf-8")
    backup = backups.back_up(old, edit.path, rollout.backup_dir)
    _write(edit.path, old=old if edit.old is not None else None, new=new, mode=edit.mode)
    return _verified(rollout, edit.path, edit.settings, backup, old=old, new=new, pid=pid)


@uninterrupted()
def finish(rollout: UnitRollout, path: str) -> Changed:
    """Restart a unit whose file has these settings already, but whose etcd does not run with them: an earlier run may
    have been cut off between the two. `path` is that file. Raises Failure, also after a roll-back."""
    new = _content(path)
    begun = _begun_from(rollout, path, new)
    backup, old = begun or ("", new)
    return _verified(rollout, path, rollout.settings, backup, old=old, new=new, pid=_pid_to_replace(rollout))


def _pid_to_replace(rollout: UnitRollout) -> int:
    """The process that a restart is to replace, -1 if there is none: a pod of RKE2 that is as it should be stays."""
    pid, server = process.find(rollout.settings), rollout.source.server
    stays = pid and server and server.in_pod and not rollout.differing(rollout.settings, pid)
    return -1 if pid is None or stays else pid


def mark_verified(rollout: UnitRollout, path: str) -> None:
    """Remember that what an earlier run began is verified by now."""
    if _begun_from(rollout, path, _content(path)):
        backups.remember_verified(_content(path), path, rollout.backup_dir)


def missing(rollout: UnitRollout) -> str:
    """The obstacle between the running etcd and what is written, as half a sentence; empty if there is none."""
    return _verification(rollout, rollout.settings).obstacle()


def _verified(
    rollout: UnitRollout, path: str, settings: MemberSettings, backup: str, *, old: bytes, new: bytes, pid: int
) -> Changed:
    result = _restarted(rollout, lambda: settings, old_pid=pid)
    if result.reading:
        raise still_reading(result, "with its new settings")
    if not result.problem:
        backups.remember_verified(new, path, rollout.backup_dir)
        return Changed(backup, result.away_seconds, result.note)
    if old == new:
        raise Failure(
            "not_verified",
            f"{path} has these settings already, but after {result.seconds:.0f} s {result.problem}."
            f"{rollout.last_words()}",
            f"Find out why (journalctl --unit {rollout.name}).",
        )
    raise _roll_back(rollout, path, result, backup, old=old, new=new, pid=pid)


def _roll_back(
    rollout: UnitRollout, path: str, failed: VerificationResult, backup: str, *, old: bytes, new: bytes, pid: int
) -> Failure:
    """Put the old file back, restart, and verify that etcd runs with it; the failure that says all of it."""
    lines = rollout.last_words()
    story = f"The new {path} was in place, but after {failed.seconds:.0f} s {failed.problem}.{lines or ' '}"
    story += "\n" if lines else ""
    by_hand = f"cp {backup} {path}" if old else f"rm {path}"
    try:
        _write(path, old=new, new=old or None)
    except (Failure, OSError) as exc:
        if _content(path) != old:  # else another run has just done it
            return Failure(
                "rollback_failed",
                f"{story}The old one could not be put back ({str(exc).rstrip('.')}): {path} stays as it is.",
                f"Restore it by hand ({by_hand}), then systemctl daemon-reload and systemctl restart {rollout.name}.",
                unchanged=NO_OTHER,
            )
    replaced = failed.pid if failed.pid not in (None, pid) else None
    result = _restarted(rollout, rollout.settings_now, old_pid=replaced)
    if result.problem:
        return Failure(
            "rollback_failed",
            f"{story}The old one was put back, but after another {result.seconds:.0f} s {result.problem}.",
            f"See what etcd says (journalctl --unit {rollout.name}) before anything else is done.",
            unchanged=NO_OTHER,
        )
    return Failure(
        "rolled_back",
        f"{story}The old one was put back, and etcd answers again with its old settings and has caught up"
        f" ({result.away_seconds:.0f} s later).",
        "Correct what is named above, and run this again.",
        unchanged=NO_OTHER,
    )


def _restarted(
    rollout: UnitRollout, settings: t.Callable[[], MemberSettings], *, old_pid: int | None
) -> VerificationResult:
    """Restart the unit, and wait until its etcd is verified. `settings` are asked for once systemd has read its units
    again. What fails is the problem of the result: whoever has changed a file has to finish."""
    try:
        since = time.time()
        restart(rollout.name)
        return _verification(rollout, settings(), old_pid=old_pid, since=since).until_verified(rollout.timeout)
    except Failure as exc:
        return VerificationResult(exc.reason.rstrip("."), 0.0, None, 0.0)


def restart(name: str) -> None:
    """Let systemd read its units again and begin to restart this one, also one that it has given up. Raises Failure."""
    done = command.run(["systemctl", "daemon-reload"], SYSTEMCTL_SECONDS)
    if done.code != 0:
        raise Failure("systemd_failed", f"systemctl daemon-reload failed: {done.output.rstrip('.')}.")
    systemd_unit.restart(command.run, name)


class _Systemd:
    """systemd, which starts etcd by itself, or says that it has given up."""

    note = ""

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked = float("-inf")
        self._said: str | None = None

    def watch(self, *, old_pid: int | None, new: bool, giving_up: bool) -> float:
        return 0.0

    def given_up(self) -> str | None:
        """What etcd said last, if it does not stay up; None if it may still start."""
        now = time.monotonic()
        if now - self._asked >= _ASK_SECONDS:
            self._asked = now
            with contextlib.suppress(Failure):
                unit = systemd_unit.read_unit(command.run, self._name)
                if unit.active == "failed" or unit.restarts >= _DOES_NOT_STAY:
                    lines = pod_log.sentences(last_lines(command.run, self._name, 20))
                    self._said = lines[-1] if lines else f"systemd: {unit.result}"
        return self._said


def _verification(
    rollout: UnitRollout, settings: MemberSettings, *, old_pid: int | None = None, since: float = math.inf
) -> Verification:
    """A pod's log counts only if it was written to after `since`."""
    managed, server = _managed(rollout), rollout.source.server
    systemd = _Systemd(rollout.name)

    def refused() -> str | None:
        return (pod_log.refused_flag(since) if server and server.in_pod else None) or systemd.given_up()

    return verification_by_asking(
        rollout,
        settings,
        systemd,
        old_pid=old_pid,
        refused_flag=refused,
        differing=lambda pid: rollout.differing(settings, pid, managed),
    )


def _write(path: str, *, old: bytes | None, new: bytes | None, mode: int = 0o644) -> None:
    """Put new content in the place of the old; None is no file, and a new one gets the mode. Raises Refused,
    OSError."""

    def check(data: bytes) -> None:
        if data != new:
            raise OSError("what was read back is not what was written")

    if old is not None and new is not None:
        files.replace(path, old, new, check)
    elif new is not None:
        if os.path.lexists(path):
            raise Refused("changed_meanwhile", f"Somebody else made {path} at the same time.", "Run this again.")
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        files.put(path, new, mode)
        files.sync(os.path.dirname(path))
    else:
        os.unlink(path)


def _begun_from(rollout: UnitRollout, path: str, current: bytes) -> tuple[str, bytes] | None:
    """The newest copy of this file, and its content, if our change alone makes what is there now of it, and that was
    never verified since."""
    if not path or backups.was_verified(current, path, rollout.backup_dir):
        return None
    for copy in backups.copies(path, rollout.backup_dir)[:1]:
        content = files.content(copy)
        only_differs = server_only_differs_in if rollout.source.server else only_differ_in
        if content != current and only_differs(content, current, _managed(rollout)):
            return copy, content
    return None


def _managed(rollout: UnitRollout) -> set[str]:
    """The flags that the options name."""
    return {*rollout.options.extra_args, *rollout.options.remove}


def _with_mode(managed: t.Collection[str]) -> set[str]:
    """The flags that an edit of these changes."""
    return {*managed, *([flag_values.MODE] if flag_values.RETENTION in managed else [])}


def server_only_differs_in(old: bytes, new: bytes, managed: t.Collection[str]) -> bool:
    """As `only_differ_in`, of a file of RKE2 or k3s."""
    try:
        one, other = (etcd_arg.without(each.decode("utf-8"), _with_mode(managed)) for each in (old, new))
    except ValueError:
        return False
    return one == other


def only_differ_in(old: bytes, new: bytes, managed: t.Collection[str]) -> bool:
    """Whether two contents of such a file differ in nothing but lines of these flags: what somebody else has changed is
    not rolled back."""
    words = "|".join(re.escape(word) for name in _with_mode(managed) for word in (name, variable_of(name)))
    ours = re.compile(rf"(?<!\w)(?<!\w-)(?:{words})(?![\w-])" if words else r"(?!)", re.IGNORECASE)

    def others(content: bytes) -> list[str]:
        lines = content.decode("utf-8", "replace").splitlines()
        return [line for line in lines if not ours.search(line)]

    return others(old or drop_in.HEAD.encode()) == others(new)


def _content(path: str) -> bytes:
    """The content of a file by now, empty if it cannot be read."""
    try:
        return files.content(path)
    except OSError:
        return b""


__all__ = ("change", "finish", "mark_verified", "missing", "only_differ_in", "restart", "server_only_differs_in")
