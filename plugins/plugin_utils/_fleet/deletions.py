# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What a recovery is to delete from a cluster: whether it may, what it gains, and what came of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Fields, Json
from ...module_utils._core.text import join, sentences
from ...module_utils._core.units import mib, percent
from ...module_utils._etcd.deletable import deletable, safe_to_lose
from ...module_utils._etcd.kubernetes_keys import OTHERS, owner_of
from ...module_utils._etcd.quota import REFUSED_SHARE
from ...module_utils._node.report import MemberReport
from .cluster import Cluster
from .results import DeletedKeys

# Slower than what was measured on two shared cores: it serves an estimate only.
_KEYS_PER_SECOND = 4000


@dataclass(frozen=True)
class Forecast:
    """What a deletion gains: the lines for people, why it would be in vain, and how long it takes."""

    lines: tuple[str, ...]
    refusals: tuple[Refused, ...]
    expected_seconds: float

    def as_result(self) -> Json:
        refusals = [refused.as_result() for refused in self.refusals]
        return {"lines": list(self.lines), "refusals": refusals, "expected_seconds": self.expected_seconds}


@dataclass(frozen=True)
class _Share:
    """What is below a directory, as far as the usage record says."""

    directory: str
    keys: int
    live_bytes: int


def directories_of(value: object) -> tuple[str, ...]:
    """The directories that the option names: a list, or one text with commas."""
    names = value.split(",") if isinstance(value, str) else t.cast(t.Iterable[object], value or ())
    return tuple(filter(None, (str(name).strip() for name in names)))


def delete_refusals(directories: t.Sequence[str], *, anything: bool, snapshot: bool) -> list[Refused]:
    """The reasons why a recovery may not delete what is below these directories."""
    if not directories:
        return []
    try:
        deletable(directories, anything=anything)
    except Refused as refused:
        return [refused]
    if snapshot:
        return []
    return [
        Refused(
            "delete_without_snapshot",
            f"The keys below {join(directories)} are deleted only after a snapshot, which is the only way back, and"
            " none is wanted (recover_snapshot=false).",
            "Leave that out: a snapshot of an earlier run that holds every value is used again. Without room for one,"
            " name another disk (recover_snapshot_dir).",
        )
    ]


def forecast(cluster: Cluster, usage: object, directories: t.Sequence[str], *, raises: bool) -> Forecast:
    """What deleting gains, from what etcd_usage_info returned. `raises` says whether a larger quota comes after it, so
    that the data need not fit into the present one. Raises ValueError if the result is of another kind."""
    found = Fields(usage, "the result of etcd_usage_info")
    if not found.has("resources"):
        return Forecast(
            (f"How much is below {join(directories)} is not known; it is counted as it is deleted.",), (), 0.0
        )
    shares = [_share(found, directory) for directory in directories]
    lines = tuple(_line(share, directory) for share, directory in zip(shares, directories))
    known = [share for share in shares if share]
    seconds = round(sum(share.keys for share in known) / _KEYS_PER_SECOND, 1)
    if len(known) < len(shares):
        return Forecast(lines, (), seconds)
    gained = sum(share.live_bytes for share in known)
    left = found.record("total").whole("live_bytes") - gained
    smallest = min((each for each in cluster.members if _has_quota(each)), key=_quota, default=None)
    if smallest is None:
        return Forecast(lines, (), seconds)
    share_left = left / smallest.quota_bytes
    stays = f"{mib(left)} of live data stay, {percent(share_left)} of the quota of {mib(smallest.quota_bytes)}"
    if share_left < REFUSED_SHARE or raises:
        return Forecast((*lines, f"{stays}: it goes on."), (), seconds)
    refusal = Refused(
        "live_data_too_large",
        f"Without the {mib(gained)} that are to be deleted (recover_delete), {stays}: that does not fit, so nothing was"
        " deleted.",
        "Name more of what fills it, or a larger quota (recover_quota_backend_bytes).",
    )
    return Forecast(lines, (refusal,), seconds)


def deletion_lines(deleted: DeletedKeys | None, *, check: bool) -> list[str]:
    """The line of the report on what was deleted, none if nothing was to be."""
    if deleted is None:
        return []
    verb = "Would delete" if check else "Deleted"
    each = "; ".join(f"{keys} keys below {directory}" for directory, keys in deleted.keys_by_directory.items())
    unsafe = [name for name in deleted.keys_by_directory if not safe_to_lose(name)]
    by_name = f"Not what is known as safe to lose: {', '.join(unsafe)}." if unsafe else ""
    return [sentences(f"{verb} {each}.", by_name)]


def unused_note(directories: t.Sequence[str]) -> str:
    """The note on a cluster that needs no room."""
    return (
        f"Nothing is deleted below {join(directories)} (recover_delete), because it is not out of space. The module"
        " controlplane.etcd.etcd_delete does it at any time."
    )


def _share(usage: Fields, directory: str) -> _Share | None:
    """What is below a directory, None if the record does not tell it apart."""
    owner = owner_of(directory.rstrip("/").encode())
    part = "consumers" if owner.namespace else "resources"
    wanted = (owner.group, owner.resource, owner.namespace or OTHERS)
    listed = usage.records(part)
    for each in listed:
        if (each.text("group"), each.text("resource"), each.text("namespace")) == wanted:
            return _Share(directory, each.whole("live_keys"), each.whole("live_bytes"))
    # If all that there is is listed, it has nothing.
    everything = sum(each.whole("live_keys") for each in listed) == usage.record("total").whole("live_keys")
    return _Share(directory, 0, 0) if everything else None


def _line(share: _Share | None, directory: str) -> str:
    if share is None:
        return f"Below {directory}: less than each of the largest consumers."
    return f"Below {directory}: {share.keys} keys, {mib(share.live_bytes)} live."


def _has_quota(member: MemberReport) -> bool:
    return member.up and member.quota_bytes > 0 and member.quota_source != "default"


def _quota(member: MemberReport) -> int:
    return member.quota_bytes


__all__ = ("Forecast", "delete_refusals", "deletion_lines", "directories_of", "forecast", "unused_note")
