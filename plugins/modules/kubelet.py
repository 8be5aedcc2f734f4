#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubelet
short_description: Restart the kubelet of a control-plane node, wait for its etcd, hold the kubelet while there is work
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Restarting a kubelet ends the back-off that keeps a crashed etcd down for up to five minutes. It tries again within
    two seconds. What is running keeps running.
  - A kubelet is held while the probes of the static pod would kill etcd in the middle of the work. It is stopped, and a
    systemd timer set beforehand restarts it even if the run dies. Nothing is edited.
  - A kubelet that somebody else has stopped or masked is not started.
  - The running etcd is found in C(/proc), by the name and data directory of the manifest, whatever the runtime is.
extends_documentation_fragment:
  - controlplane.etcd._connection
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - With O(state=awaited) it looks once and does not wait.
options:
  after:
    description:
      - With O(state=released), start the kubelet only after this many seconds, by its timer. The module does not wait
        for that.
    type: float
    default: 0.0
  hold:
    description:
      - With O(state=awaited), stop the kubelet as soon as the process of etcd is there. If etcd dies before it answers,
        the kubelet is started again, and stopped again as soon as the next process is there.
    type: bool
    default: false
  hold_seconds:
    description:
      - Seconds after which its timer starts a held kubelet. Calling the module again resets the timer.
    type: float
    default: 300.0
  kubelet_unit:
    description:
      - Name of the systemd unit.
    type: str
    default: kubelet
  only_if_backed_off:
    description:
      - With O(state=restarted), restart the kubelet only if a static pod of the manifests folder is not running.
    type: bool
    default: false
  owner:
    description:
      - Who holds it, such as the id of a run.
      - With O(state=released), only what this one holds is released; without it, whatever is held.
    type: str
  revive:
    description:
      - With O(state=awaited), restart the kubelet whenever it has been running for a minute and has no etcd, which ends
        a back-off.
    type: bool
    default: false
  state:
    description:
      - V(restarted) restarts it and returns at once. Waiting is a task of its own, so that all kubelets of a cluster
        are restarted at the same time.
      - V(awaited) waits until the etcd of this node answers.
      - V(released) starts a kubelet that is held, and does nothing to others.
    type: str
    choices: [awaited, released, restarted]
    required: true
  wait_timeout:
    description:
      - Seconds to wait for etcd, on top of the time that it needs to read its log.
    type: float
    default: 120.0
"""

EXAMPLES = r"""
---
- name: Restart all kubelets at once
  controlplane.etcd.kubelet:
    state: restarted
  become: true

- name: Wait for etcd
  controlplane.etcd.kubelet:
    state: awaited
  become: true
"""

RETURN = r"""
---
backed_off:
  description: The static pods that were not running, and for how long the kubelet said it would wait.
  returned: with O(only_if_backed_off)
  type: list
  elements: str
  sample: ["kube-apiserver (back-off 1m20s)"]
etcd:
  description: The process of etcd.
  returned: with O(state=awaited)
  type: dict
  contains:
    answers:
      description: Whether it answers. Always true, except in check mode.
      returned: always
      type: bool
      sample: true
    knows_leader:
      description: Whether it knows a leader.
      returned: always
      type: bool
      sample: true
    new:
      description: Whether it was started after the kubelet's own last start.
      returned: always
      type: bool
      sample: true
    pid:
      description: Its process id, null if it is not running.
      returned: always
      type: int
      sample: 4711
    seconds:
      description: How long the module waited for it.
      returned: always
      type: float
      sample: 2.4
held_until:
  description: When its timer starts the kubelet, in seconds since 1970 by the node's clock; null if it is not held.
  returned: success
  type: float
  sample: 1795428300.0
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import command
from ..module_utils._core.units import mib
from ..module_utils._etcd.errors import LASTING, EtcdError
from ..module_utils._etcd.transport import Json
from ..module_utils._etcd.wal import wal_bytes
from ..module_utils._module import CONNECTION_SPEC, LocalMember
from ..module_utils._node import kubelet, kubelet_hold, pod_log, process, static_pods
from ..module_utils._node.etcd_manifest import EtcdManifest, ManifestError, read_manifest
from ..module_utils._node.kubelet import Unit, UnitError
from ..module_utils._node.probes import ELECTION_SECONDS, replay_seconds

_POLL_SECONDS = 0.2
# A kubelet that starts tries at once, but only when it has tried to register its node, which takes 10 s and more where
# the API servers hang for want of etcd. Restarted before that, it would never come to it.
_REVIVE_SECONDS = 60.0
_GRACE_SECONDS = 5.0
# A kubelet that was just started has its static pods running by then, also where it first tries to register its node.
_STARTED_SECONDS = 30.0
# The kubelet says at every look at a pod that it still waits, every ten to fifteen seconds.
_SAID_SECONDS = 30.0


class Waiting:
    """One wait for the etcd of this node."""

    def __init__(self, params: Json, manifest: EtcdManifest) -> None:
        self._params = params
        self._manifest = manifest
        self._unit: str = params["kubelet_unit"]
        self._replay = replay_seconds(wal_bytes(manifest.wal_dir))
        self._held_at = float("-inf")

    def look(self) -> Json:
        """How it stands now, without waiting."""
        pid = process.find(self._manifest)
        return self._seen(pid, self._leader() if pid else None, 0.0)

    def until_it_answers(self) -> tuple[Json, bool]:
        """How it stands when it answers, and whether a kubelet was stopped or started. Raises UnitError."""
        start, changed = time.monotonic(), False
        deadline = start + self._params["wait_timeout"] + self._replay
        answered = None
        while True:
            pid = process.find(self._manifest)
            if self._params["hold"]:
                changed = self._hold_or_wake(pid) or changed
            if self._params["revive"] and not pid:
                changed = self._revive() or changed
            leader = self._leader() if pid else None
            now = time.monotonic()
            if leader is not None:
                answered = now if answered is None else answered
                # One that answers with no leader waits for the others; without them there will be none.
                if leader or now > min(answered + ELECTION_SECONDS, deadline):
                    break
            elif now > deadline:
                raise UnitError(self._why(pid, now - start))
            time.sleep(_POLL_SECONDS)
        if self._params["hold"] and time.monotonic() - self._held_at > _POLL_SECONDS * 2:
            self._hold()  # its time begins anew
        return self._seen(pid, leader, now - start), changed

    def _seen(self, pid: int | None, leader: int | None, waited: float) -> Json:
        return {
            "pid": pid,
            "answers": leader is not None,
            "knows_leader": bool(leader),
            "new": self._is_new(pid),
            "seconds": round(waited, 1),
        }

    def _hold_or_wake(self, pid: int | None) -> bool:
        """Stop the kubelet while etcd runs, start it while it does not."""
        running = kubelet.unit(command.run, self._unit).running
        if pid and running:
            self._hold()
            # Killed in that very moment, there would be nobody to start it.
            return process.find(self._manifest) == pid or self._hold_or_wake(None)
        if not pid and not running:
            kubelet.start(command.run, self._unit)
            return True
        return False

    def _revive(self) -> bool:
        """Restart a kubelet that has no etcd for too long."""
        try:
            found = kubelet.unit(command.run, self._unit)
        except UnitError:  # without systemd there is nothing to restart
            return False
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        if kubelet.start_refusal(found, held=False) or now - found.started < _REVIVE_SECONDS:
            return False
        kubelet.restart(command.run, self._unit)
        return True

    def _hold(self) -> None:
        owner, seconds = self._params["owner"] or "somebody", self._params["hold_seconds"]
        kubelet_hold.hold(command.run, self._unit, owner=owner, seconds=seconds)
        self._held_at = time.monotonic()

    def _leader(self) -> int | None:
        """The leader it knows, 0 where it knows none, None where it does not answer (yet). Raises UnitError."""
        try:
            return LocalMember(self._params).endpoint.status().leader_id
        except LASTING as exc:
            raise UnitError(f"etcd runs, but it will not answer this node: {exc}") from exc
        except EtcdError:
            return None

    def _is_new(self, pid: int | None) -> bool:
        age = process.age(pid) if pid else None
        try:
            started = kubelet.unit(command.run, self._unit).started
        except UnitError:  # waiting needs no systemd
            return False
        return age is not None and started > 0 and time.clock_gettime(time.CLOCK_MONOTONIC) - age > started

    def _why(self, pid: int | None, waited: float) -> str:
        said = pod_log.last_words()
        if pid:
            what = (
                f"its process {pid} is running but does not answer: a starting member reads its log first, which is"
                f" {mib(wal_bytes(self._manifest.wal_dir))} here"
            )
        else:
            what = "it is not running"
            said += kubelet.last_lines(command.run, self._unit)
        return f"etcd did not come up within {waited:.0f} s: {what}." + kubelet.quoted("Last lines", said)


def restarted(params: Json, *, check: bool) -> Json:
    backed_off = _not_running(params) if params["only_if_backed_off"] else None
    if backed_off is not None:
        _must_stay_up(params)
    result: Json = {"changed": backed_off != [], "held_until": None}
    if backed_off is not None:
        result["backed_off"] = backed_off
    if result["changed"]:
        _startable(params)
        if not check:
            kubelet_hold.restart_and_release(command.run, params["kubelet_unit"])
    return result


def _must_stay_up(params: Json) -> None:
    """Raises UnitError: restarting a kubelet that ends by itself helps nobody."""
    found = kubelet.unit(command.run, params["kubelet_unit"])
    if found.crashes(time.clock_gettime(time.CLOCK_MONOTONIC)):
        why = f"{found.name} does not stay up, so nothing that dies on this node will be restarted."
        raise UnitError(why + kubelet.quoted("Its last lines", kubelet.last_lines(command.run, found.name, 10)))


def _not_running(params: Json) -> list[str]:
    """The static pods without a running program, after a moment's grace. Of those that name no program, such as one
    that leaves it to its image, the kubelet knows."""
    started = kubelet.unit(command.run, params["kubelet_unit"]).started
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - started
    deadline = time.monotonic() + max(_GRACE_SECONDS, _STARTED_SECONDS - age)
    while True:
        pods = static_pods.pods(os.path.dirname(params["manifest"]))
        down = [pod for pod in pods if not all(map(process.running, pod.programs))]
        if not down or time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    unknown = [pod for pod in pods if not pod.programs]
    waits = kubelet.back_offs(command.run, params["kubelet_unit"]) if down else {}
    lately = kubelet.back_offs(command.run, params["kubelet_unit"], _SAID_SECONDS) if unknown else {}
    return [pod.name + _wait(pod.name, waits) for pod in down] + [
        pod.name + wait for pod in unknown for wait in (_wait(pod.name, lately),) if wait
    ]


def _wait(name: str, waits: t.Mapping[str, str]) -> str:
    """The kubelet calls a static pod by its name and the node's."""
    found = next((wait for pod, wait in waits.items() if pod.startswith(f"{name}-")), None)
    return f" (back-off {found})" if found else ""


def awaited(params: Json, *, check: bool) -> Json:
    waiting = Waiting(params, read_manifest(params["manifest"]))
    running = params["hold"] and _startable(params).running
    if check:
        return {"changed": running, "etcd": waiting.look(), "held_until": _until(params)}
    etcd, changed = waiting.until_it_answers()
    return {"changed": changed, "etcd": etcd, "held_until": _until(params)}


def released(params: Json, *, check: bool) -> Json:
    held = kubelet_hold.read_hold(params["kubelet_unit"])
    if held is None or (params["owner"] is not None and held.owner != params["owner"]):
        return {"changed": False, "held_until": None}
    if not check and params["after"] > 0:
        kubelet_hold.schedule_release(command.run, params["kubelet_unit"], owner=held.owner, seconds=params["after"])
    elif not check:
        kubelet_hold.release(command.run, params["kubelet_unit"])
    return {"changed": True, "held_until": _until(params)}


def _until(params: Json) -> float | None:
    held = kubelet_hold.read_hold(params["kubelet_unit"])
    return held.until if held else None


def _startable(params: Json) -> Unit:
    """The unit. Raises UnitError where it must not be started."""
    found = kubelet.unit(command.run, params["kubelet_unit"])
    refusal = kubelet.start_refusal(found, held=kubelet_hold.read_hold(params["kubelet_unit"]) is not None)
    if refusal:
        said = kubelet.last_lines(command.run, params["kubelet_unit"]) if found.exists else []
        raise UnitError(refusal + kubelet.quoted("Its last lines", said))
    return found


_WORK = {"awaited": awaited, "released": released, "restarted": restarted}
_DOING = {
    "awaited": ("Waiting for etcd", "Nothing else was changed."),
    "released": ("Releasing the kubelet", "Its timer, if it has one, still starts it."),
    "restarted": ("Restarting the kubelet", "What is running keeps running."),
}


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            "after": {"type": "float", "default": 0.0},
            "hold": {"type": "bool", "default": False},
            "hold_seconds": {"type": "float", "default": 300.0},
            "only_if_backed_off": {"type": "bool", "default": False},
            "owner": {"type": "str"},
            "revive": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["awaited", "released", "restarted"], "required": True},
            "kubelet_unit": {"type": "str", "default": kubelet.UNIT},
            "wait_timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    doing, untouched = _DOING[module.params["state"]]
    try:
        result = _WORK[module.params["state"]](module.params, check=module.check_mode)
    except FileNotFoundError as exc:
        module.fail_json(msg=f"{doing} failed: there is no {exc.filename} on this node. {untouched}")
    except (UnitError, ManifestError, EtcdError, OSError) as exc:
        text = str(exc)
        # Lines of a log stay lines.
        end = "\n" if "\n" in text else " " if text.endswith(".") else ". "
        module.fail_json(msg=f"{doing} failed. {text}{end}{untouched}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
