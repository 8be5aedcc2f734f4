# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Results of other modules, as far as they are reported."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.records import Fields
from ...module_utils._node.report import ClusterReport


@dataclass(frozen=True)
class WriteCheck:
    """The result of etcd_write_check."""

    cluster: ClusterReport
    writes: tuple[str, ...]
    hashes_agree: bool
    hashes_reason: str
    growth_bytes_per_minute: float
    minutes_to_full: float | None
    findings: tuple[str, ...]

    @classmethod
    def from_result(cls, body: object) -> WriteCheck:
        found = Fields(body, "the result of etcd_write_check")
        return cls(
            cluster=ClusterReport.read(found.record("cluster")),
            writes=found.texts("writes"),
            hashes_agree=found.has("hashes_agree") and found.flag("hashes_agree"),
            hashes_reason=found.text("hashes_reason"),
            growth_bytes_per_minute=found.number("growth_bytes_per_minute"),
            minutes_to_full=found.number_or_none("minutes_to_full"),
            findings=found.texts("findings"),
        )


@dataclass(frozen=True)
class TakenSnapshot:
    """The result of etcd_snapshot."""

    path: str
    revision: int
    reused: bool

    @classmethod
    def from_result(cls, body: object) -> TakenSnapshot | None:
        """The snapshot, None if none was taken."""
        found = Fields(body, "the result of etcd_snapshot")
        if not found.has("path"):
            return None
        return cls(found.text("path"), found.whole("revision"), found.flag("reused"))


@dataclass(frozen=True)
class DeletedKeys:
    """The result of etcd_delete."""

    keys_by_directory: t.Mapping[str, int]

    @classmethod
    def from_result(cls, body: object) -> DeletedKeys | None:
        """What was deleted, None if the module did not run or failed."""
        found = Fields(body, "the result of etcd_delete")
        if not found.has("deleted"):
            return None
        return cls({each.text("directory"): each.whole("key_count") for each in found.records("deleted")})


@dataclass(frozen=True)
class ApiServerCheck:
    """The result of apiserver_write_check."""

    outcome: str
    reason: str
    seconds: float

    @classmethod
    def from_results(cls, results: object) -> dict[str, ApiServerCheck]:
        """The results by host, without hosts on which the module did not run or failed."""
        found = Fields(results, "the results of apiserver_write_check")
        each = ((host, found.record(host)) for host in found.names())
        return {
            host: cls(result.text("outcome"), result.text("reason"), result.number("seconds"))
            for host, result in each
            if result.has("outcome")
        }


@dataclass(frozen=True)
class RolledMember:
    """The result of etcd_manifest or etcd_unit. `method` is how a manifest was made, else which file was edited, and
    `owner` what to set elsewhere, so that it stays."""

    changed: bool
    method: str
    reason: str
    seconds: float
    differences: tuple[str, ...]
    flags_before: t.Mapping[str, str]
    flags_after: t.Mapping[str, str]
    owner: str = ""

    @classmethod
    def from_result(cls, body: object) -> RolledMember:
        found = Fields(body, "the result of etcd_manifest or etcd_unit")
        flags, of_unit = found.record("flags"), found.has("file")
        return cls(
            changed=found.flag("changed"),
            method=found.text("file" if of_unit else "method"),
            reason="" if of_unit else found.text("reason"),
            seconds=found.number("seconds"),
            differences=() if of_unit else found.texts("differences"),
            flags_before=flags.texts_by_key("before"),
            flags_after=flags.texts_by_key("after"),
            owner=found.text("owner") if of_unit else "",
        )


def replaced_arguments(results: t.Iterable[object]) -> list[dict[str, str]]:
    """The arguments that editing kubeadm's configuration would replace, of those results that tell."""
    found = [Fields(result, "the result of a check of kubeadm's configuration") for result in results]
    return [each.texts_by_key("replaced") for each in found if each.has("replaced")]


def has_changed(result: object) -> bool:
    """Whether a module changed something; one that did not run has not."""
    found = Fields(result, "a result")
    return found.has("changed") and found.flag("changed")


def leader_of(result: object) -> str | None:
    """The leader's name in a result of etcd_info, None if there is none, or if it failed."""
    found = Fields(result, "the result of etcd_info")
    return found.record("cluster").text_or_none("leader") if found.has("cluster") else None


__all__ = (
    "ApiServerCheck",
    "DeletedKeys",
    "RolledMember",
    "TakenSnapshot",
    "WriteCheck",
    "has_changed",
    "leader_of",
    "replaced_arguments",
)
