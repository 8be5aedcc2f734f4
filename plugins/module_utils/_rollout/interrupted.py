# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The rest of an interrupted run: its manifest is in place, but nobody verified it. It is verified now, or rolled
back."""

from __future__ import annotations

import typing as t

from .._core.failures import Failure, Refused
from .._kubeadm import backups, config, flag_values, manifest_edit
from .._kubeadm.manifest_diff import only_flags_differ
from .._node import process
from .change import Changed, uninterrupted
from .roll_back import roll_back, still_reading
from .rollout import Rollout, last_words
from .verification import drift, verification_of


def missing(rollout: Rollout) -> str:
    """The obstacle between the running etcd and the manifest as it is, as half a sentence; empty if there is none."""
    return verification_of(rollout, rollout.text).obstacle()


@uninterrupted()
def finish(rollout: Rollout) -> Changed:
    """Verify what an earlier run began. Raises Failure, also after a roll-back."""
    result = verification_of(rollout, rollout.text).until_verified(rollout.timeout)
    if not result.problem:
        mark_verified(rollout)
        return Changed("", result.away_seconds, result.note)
    if result.reading:
        raise still_reading(result, "from its new manifest")
    # An etcd that runs with these flags is not to blame if the others are away.
    runs = result.pid is not None and not drift(rollout.manifest.flags, process.flags(result.pid) or {})
    origin = None if runs else begun_from(rollout)
    if origin is None:
        before = " etcd has run from this very manifest before." if _was_verified(rollout) else way_back(rollout)
        raise Failure(
            "not_verified",
            f"The manifest has these flags already, but after {result.seconds:.0f} s {result.problem}."
            f"{f' {result.note}' if result.note else ''}{last_words()}",
            f"Find out why (crictl logs, journalctl --unit kubelet).{before}",
        )
    backup, old = origin
    raise roll_back(rollout, result, new=rollout.data, old=old, backup_file=backup, old_pid=None)


def mark_verified(rollout: Rollout) -> None:
    """Remember that what an earlier run began is verified by now: it is not rolled back, should etcd be down later."""
    if begun_from(rollout):
        backups.remember_verified(rollout.data, rollout.path, rollout.options.backup_dir)


def begun_from(rollout: Rollout) -> tuple[str, bytes] | None:
    """The newest copy, and its content, from which this very change makes the current manifest, unless that was
    verified since."""
    if _was_verified(rollout):
        return None
    return next(((copy, old) for copy, old in _copies(rollout) if _makes_current(rollout, old)), None)


def way_back(rollout: Rollout) -> str:
    """The advice how to go back to the newest copy that differs in flags alone, empty if there is none."""
    for copy, old in _copies(rollout):
        names = _changed_since(rollout, old)
        if names:
            return (
                f" Where a flag is to blame, the manifest from before ({', '.join(names)}) is in {copy}: put it back"
                f" (cp {copy} {rollout.path}), and run this again."
            )
    return ""


def _was_verified(rollout: Rollout) -> bool:
    return backups.was_verified(rollout.data, rollout.path, rollout.options.backup_dir)


def _copies(rollout: Rollout) -> t.Iterator[tuple[str, bytes]]:
    """The copies of this manifest, the newest first."""
    for copy in backups.copies(rollout.path, rollout.options.backup_dir):
        yield copy, config.read(copy)


def _changed_since(rollout: Rollout, old: bytes) -> list[str]:
    """The flags that differ in the current manifest, empty if more differs."""
    try:
        text = config.text_of(old)
        only_flags = only_flags_differ(rollout.text, text)
        return drift(manifest_edit.flags(text), manifest_edit.flags(rollout.text)) if only_flags else []
    except (Refused, ValueError):
        return []


def _makes_current(rollout: Rollout, old: bytes) -> bool:
    """Whether the change makes the current manifest from that one, and changes anything. The quota may be another one
    by now: the automatic one depends on which nodes answer."""
    changed = _changed_since(rollout, old)
    managed = {*rollout.options.extra_args, *rollout.options.remove, flag_values.QUOTA}
    return bool(changed) and {name.lstrip("-") for name in changed} <= managed


__all__ = ("begun_from", "finish", "mark_verified", "missing", "way_back")
