# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A node's manifest of etcd on its way from one text to another: what is to be written, whether it may be, the change
itself, the proof, and the way back."""

from __future__ import annotations

import glob
import os
import signal
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, replace

from .._core import command, files
from .._core.failures import Failure, Refused, refuse
from .._etcd.api import Status
from .._etcd.errors import EtcdError
from .._etcd.quota import member_quota
from .._etcd.transport import Json
from .._etcd.view import ClusterView
from .._etcd.wal import wal_bytes
from .._kubeadm import (
    backups,
    config,
    configmap,
    flag_values,
    known_flags,
    kubectl,
    manifest_diff,
    manifest_edit,
    manifest_render,
)
from .._kubeadm.manifest_edit import Edited
from .._module import LocalMember
from .._node import kubelet, kubelet_hold, pod_log, process, static_pods
from .._node.apiserver import API_MANIFEST
from .._node.etcd_manifest import ManifestError, parse_manifest, read_bytes
from .._node.kubelet import UnitError
from .._node.probes import replay_seconds
from . import preconditions, verification
from .verification import Verification, VerificationResult

# Where the kubelet's runtime stands: up to about 1.34 in the first one.
_KUBELET_FILES = ("/var/lib/kubelet/kubeadm-flags.env", "/var/lib/kubelet/instance-config.yaml")


class NotProved(Exception):
    """The new manifest was in its place, and etcd was not proved to run with it. The text is for the operator."""


@dataclass(frozen=True)
class Target:
    """What the manifest is to be: `text`, with what it changes of the flags, and how it came about. `reason` is why
    kubeadm was not asked, or its answer not taken."""

    text: str
    edited: Edited
    method: str
    differences: tuple[str, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()


@contextmanager
def _uninterrupted() -> t.Iterator[None]:
    """Go on when the connection is lost, or somebody presses Ctrl-C: on the terminal that ssh opens for a module, both
    would end it, and a manifest that etcd refuses would stay."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Node:
    """The manifest of this node's etcd, and the etcd that runs from it."""

    def __init__(self, params: Json) -> None:
        """Raises Refused, ManifestError, OSError."""
        self._params = params
        self.path: str = params["manifest"]
        backups.refuse_backup_dir(params["backup_dir"], self.path)
        try:
            self.data = read_bytes(self.path)
        except FileNotFoundError:
            raise ManifestError(
                f"There is no {self.path} on this node. Run this on a control-plane node, or name its manifest of etcd"
                " (manifest)"
            ) from None
        self.text = config.text_of(self.data)
        self.manifest = parse_manifest(self.text, self.path)
        self._replay_seconds = replay_seconds(wal_bytes(self.manifest.wal_dir))

    # --- what is to be written ---

    def target(self) -> Target:
        """Raises Failure, OSError."""
        wanted, remove = self._params["extra_args"], self._params["remove"]
        settings = flag_values.checked(wanted, remove, self.manifest.flags)
        edited = manifest_edit.edit(self.text, settings.wanted, remove)
        _refuse_another_member(edited)
        refuse(known_flags.config_file_refusal(self.manifest.flags, self.manifest.env))
        refuse(known_flags.environment_refusal(settings.wanted, self.manifest.env))
        self._refuse_unknown(edited)
        patched = Target(edited.text, edited, "patch", warnings=settings.warnings)
        method = self._params["method"]
        # Where no flag is to change, what kubeadm would do otherwise is nobody's business.
        if method == "patch" or (method == "auto" and edited.text == self.text):
            return patched
        try:
            rendered = self._rendered()
        except (Failure, OSError) as exc:
            if method == "kubeadm":
                raise
            return replace(patched, reason=f"{str(exc).rstrip('.')}.")
        differences = tuple(manifest_diff.differences(edited.text, rendered.text))
        if differences and method == "auto":
            return replace(
                patched, differences=differences, reason="kubeadm's manifest differs in more than these flags."
            )
        if not differences and edited.text == self.text:  # its order and spelling alone are no reason for a restart
            return replace(patched, method="kubeadm")
        self._refuse_another_member(rendered)
        self._refuse_unknown(rendered)
        return Target(rendered.text, rendered, "kubeadm", differences, warnings=settings.warnings)

    def _rendered(self) -> Edited:
        """kubeadm's manifest for this node, with these flags. Raises Failure, OSError."""
        apiserver = os.path.join(os.path.dirname(self.path), os.path.basename(API_MANIFEST))
        node = manifest_render.facts(self.text, _text(apiserver), [_text(path) for path in _KUBELET_FILES])
        source = self._params["kubeadm_config"]
        if source:
            text = config.text_of(config.read(source))
        else:
            text = configmap.read(
                kubectl.Kubectl(kubeconfig=self._params["kubeconfig"], apiserver_manifest=apiserver)
            ).text
        configuration = manifest_render.configuration(text, node, self._params["extra_args"], self._params["remove"])
        rendered = manifest_render.kept(manifest_render.render(configuration), self.manifest.flags)
        return Edited(rendered.text, dict(self.manifest.flags), rendered.after)

    def _refuse_another_member(self, rendered: Edited) -> None:
        """Raises Refused where the new manifest would not be that of this member: also when it is asked for."""
        _refuse_another_member(rendered)
        new = parse_manifest(rendered.text, self.path)
        if (new.image, new.mounts) != (self.manifest.image, self.manifest.mounts):
            raise Refused(
                "kubeadm's manifest has a different image or different volumes from the running one: that is more"
                " than a change of flags. Use the method patch, or fix these first."
            )

    def _refuse_unknown(self, edited: Edited) -> None:
        """Raises Refused for flags that the etcd of the image would not start with."""
        _before, after = edited.differing
        version = known_flags.version_of_image(self.manifest.image)
        if not version:
            try:
                version = self.member().endpoint.status().version
            except EtcdError:
                return
        refuse(known_flags.version_refusal(version, after))

    # --- whether it may be ---

    def refuse_unready(self) -> int:
        """What runs here, which must be what the manifest says: its process id. Raises Refused."""
        strays = static_pods.strays(self.path)
        if strays:
            raise Refused(
                f"{', '.join(strays)} is beside the manifest, and the kubelet may take it for the same pod and start"
                " etcd from it. Move it out of the folder first."
            )
        if not glob.glob(os.path.join(glob.escape(self.manifest.wal_dir), "*.wal")):
            raise Refused(
                f"There is no log of a member in {self.manifest.wal_dir}: etcd would start as another member, or as a"
                " cluster of its own. See whether the disk of its data is mounted; where the data is lost, remove this"
                " member (etcdctl member remove) and join the node again."
            )
        refuse(_kubelet_refusal(self._params["kubelet_unit"]))
        pid = process.find(self.manifest)
        if pid is None:
            raise Refused(
                f"The etcd of this manifest is not running.{_last_words()}Find out why (crictl logs, journalctl --unit"
                f" kubelet) before it is changed.{self._way_back()}"
            )
        others = verification.drift(self.manifest.flags, process.flags(pid) or {})
        if others:
            raise Refused(
                f"The running etcd (process {pid}) was started with other flags than the manifest has"
                f" ({', '.join(others)}): the kubelet has not applied the manifest, or not yet. See what it says"
                " (journalctl --unit kubelet), and run this again."
            )
        return pid

    def refuse_cluster(self) -> str | None:
        """Why the cluster does not allow it now; the alarms apart from the rest, since an earlier step may disarm
        them. Raises Refused, EtcdError."""
        member = self.member()
        own = member.endpoint.status()
        if member.manifest is None:
            raise Refused(f"The member at {member.endpoint.url} is not this node's own: its manifest is elsewhere.")
        if own.learner:
            raise Refused(
                "This member is a learner, which does not show its cluster. Promote it first (etcdctl member promote)."
            )
        view = member.inspect_cluster()
        found = view.by_id(own.member_id)
        if found is None:
            raise Refused(
                "This member is not in the member list any more: it was removed. Take this node out of the inventory,"
                " or reset it (kubeadm reset) and join it again."
            )
        refuse(
            preconditions.restart_refusal(
                view,
                found,
                allow_downtime=self._params["allow_downtime"],
                seconds=preconditions.AWAY_SECONDS + self._replay_seconds,
            )
        )
        return preconditions.alarm_refusal(view, during_recovery=self._params["during_recovery"])

    # --- the change itself ---

    @_uninterrupted()
    def change(self, target: Target, pid: int) -> tuple[str, float]:
        """Put it in its place and prove it: the copy of the old text, and for how long the member was away. Raises
        NotProved, Refused and OSError; after the last two nothing is changed."""
        backup = backups.back_up(self.data, self.path, self._params["backup_dir"])
        new = target.text.encode("utf-8")
        moment = time.time()
        self._replace(there=self.data, text=new)
        outcome = self._watch(target.text, gone=pid, since=moment).until_proved(self._patience)
        if outcome.problem:
            raise NotProved(self._taken_back(outcome, new, self.data, backup, old_pid=pid))
        backups.remember_verified(new, self.path, self._params["backup_dir"])
        return backup, outcome.away_seconds

    def missing(self) -> str:
        """What the etcd that runs lacks of the manifest as it is, empty where nothing."""
        return self._watch(self.text).obstacle()

    @_uninterrupted()
    def finish(self) -> float:
        """Prove what an earlier run has begun; for how long the member was away. Raises NotProved."""
        outcome = self._watch(self.text).until_proved(self._patience)
        if not outcome.problem:
            self.settle()
            return outcome.away_seconds
        # An etcd that runs with these flags is not to blame where the others are away.
        runs = outcome.pid is not None and not verification.drift(self.manifest.flags, process.flags(outcome.pid) or {})
        found = None if runs else self._begun_from()
        if found is None:
            raise NotProved(
                f"The manifest has these flags already, but after {self._patience:.0f} s {outcome.problem}."
                f"{_last_words()}Nothing was changed. Find out why (crictl logs, journalctl --unit kubelet)."
                + (" etcd has run from this very manifest before." if self._was_proved() else self._way_back())
            )
        backup, old = found
        raise NotProved(self._taken_back(outcome, self.data, old, backup, old_pid=None))

    def settle(self) -> None:
        """What an earlier run has begun is proved by now: it is not taken back, should etcd be down one day."""
        if self._begun_from():
            backups.remember_verified(self.data, self.path, self._params["backup_dir"])

    def _was_proved(self) -> bool:
        return backups.was_verified(self.data, self.path, self._params["backup_dir"])

    def _begun_from(self) -> tuple[str, bytes] | None:
        """The newest copy from which this very change makes what is there now, unless that was proved since."""
        if self._was_proved():
            return None
        return next((found for found in self._copies() if self._makes_this(found[1])), None)

    def _copies(self) -> t.Iterator[tuple[str, bytes]]:
        """The copies of this manifest, the newest first."""
        pattern = os.path.join(glob.escape(self._params["backup_dir"]), glob.escape(os.path.basename(self.path)) + ".*")
        for copy in sorted(filter(os.path.isfile, glob.glob(pattern)), key=os.path.getmtime, reverse=True):
            yield copy, config.read(copy)

    def _way_back(self) -> str:
        """How to go back to the newest copy that differs in flags alone, empty where there is none."""
        found = next(
            ((copy, names) for copy, data in self._copies() for names in (self._changed_since(data),) if names), None
        )
        if found is None:
            return ""
        copy, names = found
        return (
            f" Where a flag is to blame, the manifest from before ({', '.join(names)}) is in {copy}: put it back"
            f" (cp {copy} {self.path}), and run this again."
        )

    def _changed_since(self, old: bytes) -> list[str]:
        """The flags that are otherwise in the manifest of now, none where more is."""
        try:
            text = config.text_of(old)
            only_flags = manifest_diff.only_flags_differ(self.text, text)
            return verification.drift(manifest_edit.flags(text), self.manifest.flags) if only_flags else []
        except (Refused, ValueError):
            return []

    def _makes_this(self, old: bytes) -> bool:
        """Whether the change makes what is there now of that, and is one. The quota may be another one by now: the
        automatic one depends on which nodes answer."""
        changed = self._changed_since(old)
        managed = {*self._params["extra_args"], *self._params["remove"], flag_values.QUOTA}
        return bool(changed) and {name.lstrip("-") for name in changed} <= managed

    def _taken_back(
        self, failed: VerificationResult, new: bytes, old: bytes, backup: str, *, old_pid: int | None
    ) -> str:
        """Put the old text back; what to say about all of it."""
        said = f"The new manifest was in place, but after {failed.seconds:.0f} s {failed.problem}.{_last_words()}"
        try:
            self._replace(there=new, text=old)
        except (Refused, OSError) as exc:
            if self._there() != old:  # else another run has just done it
                return (
                    f"{said}The old manifest could not be put back ({str(exc).rstrip('.')}): {self.path} stays as it"
                    f" is, the old one is in {backup}. See what is there now, and restore that one by hand (cp {backup}"
                    f" {self.path}). No other member was touched."
                )
        gone = failed.pid if failed.pid != old_pid else None
        after = self._watch(old.decode("utf-8"), gone=gone).until_proved(self._patience)
        if after.problem:
            return (
                f"{said}The old manifest was put back, but after another {after.seconds:.0f} s {after.problem}. See"
                " what the kubelet and etcd say (journalctl --unit kubelet, crictl logs) before anything else is"
                " done. No other member was touched."
            )
        return (
            f"{said}The old manifest was put back, and etcd answers again with its old flags and has caught up"
            f" ({after.away_seconds:.0f} s later). No other member was touched. Correct what is named above, and run"
            " this again."
        )

    def _there(self) -> bytes:
        """What is in the manifest by now, nothing where it cannot be read."""
        try:
            return read_bytes(self.path)
        except (ManifestError, OSError):
            return b""

    def _replace(self, *, there: bytes, text: bytes) -> None:
        """Raises Refused, OSError."""

        def agrees(data: bytes) -> None:
            if data != text or parse_manifest(config.text_of(data), self.path) != parse_manifest(
                config.text_of(text), self.path
            ):
                raise OSError("what was read back is not what was written")

        files.replace(self.path, there, text, agrees, above=True)

    @property
    def _patience(self) -> float:
        return float(self._params["wait_timeout"]) + self._replay_seconds

    def member(self) -> LocalMember:
        """Made anew each time: one that was silent is remembered as silent."""
        return LocalMember(self._params)

    def _watch(self, text: str, gone: int | None = None, since: float = float("inf")) -> Verification:
        """With `since`, what etcd has said in its log after that moment is taken for its last word."""

        def look() -> ClusterView:
            return self.member().inspect_cluster()

        def status() -> Status:
            return self.member().endpoint.status()

        def quota(said: Status) -> int | None:
            found = member_quota(said, self.member().endpoint, None)
            return found.bytes if found.source in ("status", "metrics") else None

        return Verification(
            parse_manifest(text, self.path),
            status=status,
            look=look,
            quota=quota,
            gone=gone,
            refused=lambda: pod_log.refused_flag(since),
        )


def _refuse_another_member(edited: Edited) -> None:
    before, after = edited.differing
    refuse(known_flags.member_refusal({**before, **after}))


def _kubelet_refusal(unit: str) -> str | None:
    """Why the kubelet would not take a changed manifest; where systemd does not know it, its process tells."""
    try:
        found = kubelet.unit(command.run, unit)
    except UnitError:
        found = None
    if found is None or not found.exists:
        if process.running(unit):
            return None
        return f"{unit} is not running on this node: nothing would start etcd from a changed manifest."
    held = kubelet_hold.read_hold(unit)
    if held:
        return f"{unit} is held by {held.owner}: nothing would start etcd from a changed manifest. Release it first."
    if not found.running:
        return kubelet.start_refusal(found, held=False) or f"{unit} is not running ({found.active}): start it first."
    if found.crashes(time.clock_gettime(time.CLOCK_MONOTONIC)):
        return f"{unit} does not stay up (journalctl --unit {unit}): nothing would start etcd from a changed manifest."
    return None


def _text(path: str) -> str:
    """A file's text, empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _last_words() -> str:
    said = kubelet.quoted("etcd's last words", pod_log.last_words())
    return f"{said}\n" if said else " "


__all__ = ("Node", "NotProved", "Target")
