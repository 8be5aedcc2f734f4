#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: apiserver_write_check
short_description: Verify that the API server of a control-plane node accepts writes again
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Asks the API server of this very node, at the address in its manifest, since a virtual address or a load balancer
    may be down. It waits until that one is ready, creates a Lease in C(kube-system) and deletes it again.
  - Fails only if etcd itself refuses the write. If something else does, such as an admission webhook that cannot be
    reached, or if the API server is not ready in time, the result says so.
extends_documentation_fragment:
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode nothing is written, and nothing is waited for.
options:
  apiserver_manifest:
    description:
      - Path of the API server's static pod manifest.
    type: path
    default: /etc/kubernetes/manifests/kube-apiserver.yaml
  kubeconfig:
    description:
      - Path of the kubeconfig of an administrator. Its key is used on the node only.
    type: path
    default: /etc/kubernetes/admin.conf
  timeout:
    description:
      - Seconds that one request may take.
    type: float
    default: 10.0
  wait_timeout:
    description:
      - Seconds to wait until it is ready.
    type: float
    default: 120.0
"""

EXAMPLES = r"""
---
- name: Verify that kubectl can write again
  controlplane.etcd.apiserver_write_check:
  become: true
"""

RETURN = r"""
---
address:
  description: The address that was asked, empty if there is none.
  returned: success
  type: str
  sample: https://192.0.2.11:6443
outcome:
  description:
    - V(accepted), the write was accepted; V(refused), something other than etcd refused it; V(not ready), it was not
      ready in time; V(absent), the node has no manifest of an API server; V(ready), in check mode.
  returned: success
  type: str
  sample: accepted
reason:
  description: Why it was not accepted, in a few words, else empty.
  returned: success
  type: str
  sample: ""
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.4
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import Failure
from ..module_utils._etcd.transport import Json
from ..module_utils._module import run
from ..module_utils._node.apiserver import ADMIN_CONF, API_MANIFEST, Answer, ApiServer, address_of

_POLL_SECONDS = 0.5
_SETTLING_SECONDS = 30.0  # until an API server that starts has read who may do what, and how much
# What etcd answers, and does not pass by itself as a change of the leader or a member that stops does; and its code.
_LASTING = {"database space exceeded": "nospace_alarm", "corrupt cluster": "apiserver_write_refused"}
_PASSING = ("etcdserver:", "not responding", "too many requests")


class Outcome(t.NamedTuple):
    """As in the module's result."""

    kind: str
    reason: str = ""

    @property
    def may_pass(self) -> bool:
        """Whether a refusal may be that of an API server that has only just started. A webhook's is somebody else's."""
        return self.kind == "refused" and "webhook" not in self.reason


def check_writes(module: AnsibleModule) -> Json:
    path = module.params["apiserver_manifest"]
    try:
        with open(path, encoding="utf-8") as file:
            address = address_of(file.read(), path)
        api = ApiServer(address, module.params["kubeconfig"], timeout=module.params["timeout"])
    except FileNotFoundError:
        return result(Outcome("absent"))
    except (Failure, OSError) as exc:
        return result(Outcome("refused", str(exc)))
    outcome, waited = wait(api, module.params["wait_timeout"], check=module.check_mode)
    return result(outcome, str(address), waited)


def result(outcome: Outcome, address: str = "", seconds: float = 0.0) -> Json:
    return {
        "changed": False,
        "address": address,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "seconds": round(seconds, 1),
    }


def wait(api: ApiServer, timeout: float, *, check: bool) -> tuple[Outcome, float]:
    """The outcome once it is lasting, and after how many seconds. Raises Failure if etcd refuses the write."""
    start, refused_at = time.monotonic(), float("inf")
    while True:
        outcome = attempt(api, check=check)
        now = time.monotonic()
        if outcome.kind == "refused":
            refused_at = min(refused_at, now)
        settling = outcome.may_pass and now - refused_at < _SETTLING_SECONDS
        if check or now - start > timeout or not (outcome.kind == "not ready" or settling):
            return outcome, time.monotonic() - start
        time.sleep(_POLL_SECONDS)


def attempt(api: ApiServer, *, check: bool) -> Outcome:
    """The outcome of one try, which writes only if it is ready. Raises Failure if etcd refuses the write."""
    try:
        ready = api.readiness()
        written = api.write() if ready.status == 200 and not check else None
    except Failure as exc:
        return Outcome("not ready", exc.reason)
    if ready.status in (401, 403):  # that is so for a moment after each start
        return Outcome("refused", f"HTTP {ready.status}: {ready.message}")
    if ready.status != 200:
        return Outcome("not ready", f"it is not ready: {failed_checks(ready.body)}")
    return classify(written) if written else Outcome("ready")


def classify(answer: Answer) -> Outcome:
    """The outcome of a write that was answered. Raises Failure if it came as far as etcd, which refuses it."""
    if answer.status < 300:
        return Outcome("accepted")
    message = answer.message
    for text, code in _LASTING.items():
        if text in message:
            raise Failure(
                code,
                f"The API server of this node still cannot write: {message}",
                "Run this again, and look at etcd's own alarms (etcd_info).",
            )
    if answer.status in (429, 503, 504) or any(text in message for text in _PASSING):
        return Outcome("not ready", "it asked to try again")
    return Outcome("refused", f"HTTP {answer.status}: {message}")


def failed_checks(body: str) -> str:
    """The checks that failed, of a verbose answer of /readyz."""
    names = [line[3:].split(" ")[0] for line in body.splitlines() if line.startswith("[-]")]
    return ", ".join(names) or body.strip()[:200]


def main() -> None:
    module = AnsibleModule(
        {
            "kubeconfig": {"type": "path", "default": ADMIN_CONF},
            "apiserver_manifest": {"type": "path", "default": API_MANIFEST},
            "timeout": {"type": "float", "default": 10.0},
            "wait_timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    run(module, check_writes, doing="Checking the API server", unchanged="What was done to etcd stays done.")


if __name__ == "__main__":
    main()
