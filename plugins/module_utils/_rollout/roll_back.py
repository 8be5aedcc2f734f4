# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Rolling back: the old manifest back in its place, and what to tell the operator."""

from __future__ import annotations

from .._core.failures import Failure
from .._node.etcd_manifest import read_bytes
from .rollout import Rollout, last_words, replace_manifest
from .verification import VerificationResult, verification_of

NO_OTHER = "No other member was touched."


def roll_back(
    rollout: Rollout, failed: VerificationResult, *, new: bytes, old: bytes, backup_file: str, old_pid: int | None
) -> Failure:
    """Put the old manifest back and verify that etcd runs with it; the failure that says all of it. `old_pid` is the
    etcd that ran from the old manifest before."""
    lines = last_words()
    story = f"The new manifest was in place, but after {failed.seconds:.0f} s {failed.problem}.{_noted(failed)}"
    story += lines or " "
    if lines:
        story += "\n"
    try:
        replace_manifest(rollout.path, old=new, new=old)
    except (Failure, OSError) as exc:
        if _current(rollout.path) != old:  # else another run has just done it
            return Failure(
                "rollback_failed",
                f"{story}The old manifest could not be put back ({str(exc).rstrip('.')}): {rollout.path} stays as it"
                f" is, the old one is in {backup_file}.",
                f"See what is there now, and restore that one by hand (cp {backup_file} {rollout.path}).",
                unchanged=NO_OTHER,
            )
    replaced_pid = failed.pid if failed.pid != old_pid else None
    verification = verification_of(rollout, old.decode("utf-8"), old_pid=replaced_pid)
    result = verification.until_verified(rollout.timeout)
    if result.problem:
        return Failure(
            "rollback_failed",
            f"{story}The old manifest was put back, but after another {result.seconds:.0f} s {result.problem}."
            f"{_noted(result)}",
            "See what the kubelet and etcd say (journalctl --unit kubelet, crictl logs) before anything else is done.",
            unchanged=NO_OTHER,
        )
    return Failure(
        "rolled_back",
        f"{story}The old manifest was put back, and etcd answers again with its old flags and has caught up"
        f" ({result.away_seconds:.0f} s later).",
        "Correct what is named above, and run this again.",
        unchanged=NO_OTHER,
    )


def _noted(result: VerificationResult) -> str:
    """What was done about the kubelet, for the end of a message."""
    return f" {result.note}" if result.note else ""


def still_reading(result: VerificationResult, runs: str) -> Failure:
    """The failure of a wait for an etcd that `runs` as wanted and has not read all of its data: to start it once more
    would only make it begin again."""
    return Failure(
        "still_reading",
        f"etcd runs {runs}, but after {result.seconds:.0f} s it still reads its log or its database, and"
        f" is not back yet: {result.problem}.",
        "Wait until it answers, then run this again, which verifies it.",
        unchanged=f"It was left to it; nothing was rolled back. {NO_OTHER}",
    )


def _current(path: str) -> bytes:
    """The content of the manifest by now, empty if it cannot be read."""
    try:
        return read_bytes(path)
    except (Failure, OSError):
        return b""


__all__ = ("NO_OTHER", "roll_back", "still_reading")
