# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Foreign etcds of this node: those that are not run by what is asked for, a manifest or a unit. They are named, and
nothing is done to them.

Nobody is told to write a manifest while anything has the database open: that would start a second etcd on it.
"""

from __future__ import annotations

import os
import typing as t

from .._core.failures import Failure, Refused
from . import process
from .control_group import units_of
from .database_users import database_users, is_locked, users_of
from .installation import (
    KUBESPRAY,
    POD,
    SYSTEMD,
    TOOL,
    TRACES,
    DatabaseUser,
    Installation,
    of_process,
    of_traces,
)
from .settings import MemberSettings

_ONLY = "Only an etcd that a static pod, a systemd unit, RKE2 or k3s runs is worked on here."
_NO_SECOND = "Write no manifest for it: that would start a second etcd on the same data."
MODULES = (
    "The modules etcd_info, etcd_compact, etcd_defrag and etcd_alarm work on its members when they are given endpoint,"
    " ca_cert, client_cert and client_key."
)


def traces() -> frozenset[str]:
    """Those of `TRACES` that are on this node."""
    return frozenset(path for path in TRACES if os.path.lexists(path))


def refuse_foreign(member: MemberSettings) -> None:
    """Refuse a node on which something else than the member of these settings has its database open, or its unit has
    another one open. Raises Refused."""
    users = users_of(member.database)
    found = [user for user in users if not process.is_member(user.words, member, user.cgroup)]
    there = traces()
    # The kubelet's own one may still be of an older manifest.
    if any(member.unit or of_process(user, there) != POD for user in found):
        raise in_use(member.path, member.database, users, there)
    others = [] if users or not member.unit else _of_unit(member.unit)
    if others:
        raise Refused(
            "unit_changed",
            f"{member.path} runs on {others[0].database}, but by its settings that is {member.database} now: it was"
            " changed, and not restarted since.",
            f"See which of the two is right (systemctl cat {member.path}), and restart it or take the change back.",
        )


def _of_unit(unit: str) -> list[DatabaseUser]:
    """The etcds that a unit of this host has started; a container may be a node with units of its own."""
    return [user for user in database_users() if unit in units_of(user.cgroup) and process.of_host(user.pid)]


def manifest_missing(path: str, data_dir: str) -> Failure:
    """The failure of a node that has data of etcd and no manifest."""
    database = os.path.join(data_dir, "member", "snap", "db")
    users, there = users_of(database), traces()
    if users:
        return in_use(path, database, users, there, missing=True)
    try:
        locked = is_locked(database)
    except PermissionError:
        locked = True
    known = os.path.exists(os.path.join(os.path.dirname(os.path.dirname(path)), "pki", "etcd", "server.crt"))
    return not_in_use(path, data_dir, of_traces(there), of_kubeadm=known, locked=locked)


def in_use(
    path: str, database: str, users: t.Sequence[DatabaseUser], there: t.Container[str], *, missing: bool = False
) -> Failure:
    """The refusal of a database that other processes have open than the manifest's own."""
    found = [of_process(user, there) for user in users]
    which = "; ".join(map(_described, users, found))
    state = f"{path} is missing" if missing else f"{path} is there"
    if len(users) > 1:
        return Refused(
            "foreign_etcd",
            f"{state}, and several processes have {database} open for writing: {which}.",
            "Find out which one is to have it, and stop the other: nothing is done here before.",
        )
    if found[0] == POD:
        return Refused(
            "manifest_missing",
            f"{state}, but etcd still runs, {which}, and has {database} open.",
            f"{POD.settings} Write no new one.",
        )
    if found[0].kind == TOOL:
        return Refused("foreign_etcd", f"{database} is open in {which}.", f"{found[0].settings} Then run this again.")
    what_to_do = _NO_SECOND if missing else "Only one of the two may run etcd here: see which, and remove the other."
    only = "" if found[0].kind in (SYSTEMD, KUBESPRAY) else f" {_ONLY}"
    return Refused(
        "foreign_etcd",
        f"{state}, but {database} is open in {which}.{only}",
        f"{what_to_do} {found[0].settings} {MODULES}",
    )


def not_in_use(path: str, data_dir: str, found: t.Sequence[Installation], *, of_kubeadm: bool, locked: bool) -> Failure:
    """The failure of data that no process was found to have open. `of_kubeadm` says whether kubeadm has made a member
    on this node; `locked` whether one may have it open all the same."""
    there = f"{path} is missing, but {data_dir}/member is there"
    if locked:
        return Failure(
            "manifest_missing",
            f"{there}. An etcd may be running on it that cannot be seen: that takes root's rights (become).",
            "Run this as root, outside of any container. Write no manifest before you know.",
        )
    if of_kubeadm and not found:
        return Failure(
            "manifest_missing",
            f"{there}, and no process has its database open: somebody removed the manifest, so this member is not"
            " running.",
            "Put it back (kubeadm init phase etcd local writes one).",
        )
    others = "".join(f" This node may run {each.what}. {each.settings}" for each in found)
    return Failure(
        "manifest_missing" if of_kubeadm else "foreign_etcd",
        f"{there}, and no process has its database open. Whose it is cannot be told.{others}",
        "Find out what ran it, and start that. Write a manifest only if it was the kubelet: there must never be two"
        " etcds on the same data.",
    )


def elsewhere() -> list[str]:
    """The etcds of a node that has no manifest, each in a sentence."""
    there = traces()
    users = database_users()
    running = [of_process(user, there) for user in users]
    kinds = {each.kind for each in running}
    said = [
        f"{user.database} is open in {_described(user, each)}. {each.settings}" for user, each in zip(users, running)
    ]
    return said + [
        f"It may run {each.what}, which is down. {each.settings}" for each in of_traces(there) if each.kind not in kinds
    ]


def _described(user: DatabaseUser, found: Installation) -> str:
    return f"process {user.pid} ({user.program}): {found.what}"


__all__ = ("MODULES", "elsewhere", "in_use", "manifest_missing", "not_in_use", "refuse_foreign", "traces")
