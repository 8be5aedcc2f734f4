#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: apiserver_write_check
short_description: Prove that the API server of a control-plane node accepts writes again
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
- name: Prove that kubectl can write again
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._etcd.transport import Json
from ..module_utils._node.apiserver import ADMIN_CONF, API_MANIFEST, Answer, ApiServer, KubeError, address_of

_POLL_SECONDS = 0.5
_SETTLING_SECONDS = 30.0  # until an API server that starts has read who may do what, and how much
# Of what etcd answers, this does not pass by itself, as a change of the leader or a member that stops does.
_LASTING = ("database space exceeded", "corrupt cluster")
_PASSING = ("etcdserver:", "not responding", "too many requests")


class Forbidden(KubeError):
    """It knows no such user, or grants it nothing. That is so for a moment after each start."""


class EtcdRefuses(Exception):
    """The write came as far as etcd, which did not take it."""


def judged(answer: Answer) -> tuple[str, str] | None:
    """The outcome and its reason of an answer to a write, None where it is worth another try. Raises EtcdRefuses."""
    if answer.status < 300:
        return "accepted", ""
    message = answer.message
    if any(text in message for text in _LASTING):
        raise EtcdRefuses(message)
    if answer.status in (429, 503, 504) or any(text in message for text in _PASSING):
        return None
    return "refused", f"HTTP {answer.status}: {message}"


def attempt(api: ApiServer, *, check: bool) -> tuple[str, str] | None:
    """One try. Raises KubeError, Forbidden, EtcdRefuses."""
    ready = api.readiness()
    if ready.status in (401, 403):
        raise Forbidden(f"HTTP {ready.status}: {ready.message}")
    if ready.status != 200:
        raise KubeError(f"it is not ready: {unready(ready.body)}")
    return ("ready", "") if check else judged(api.write())


def may_pass(outcome: str, reason: str) -> bool:
    """Whether a refusal may be that of an API server that has only just started. A webhook's is somebody else's."""
    return outcome == "refused" and "webhook" not in reason


def unready(body: str) -> str:
    """The checks that failed, of a verbose answer of /readyz."""
    failed = [line[3:].split(" ")[0] for line in body.splitlines() if line.startswith("[-]")]
    return ", ".join(failed) or body.strip()[:200]


def prove(params: Json, *, check: bool) -> Json:
    """The whole result. Raises KubeError, EtcdRefuses, OSError."""
    result: Json = {"changed": False, "address": "", "outcome": "absent", "reason": "", "seconds": 0.0}
    try:
        with open(params["apiserver_manifest"], encoding="utf-8") as file:
            address = address_of(file.read(), params["apiserver_manifest"])
    except FileNotFoundError:
        return result
    api = ApiServer(address, params["kubeconfig"], timeout=params["timeout"])
    start, refused_at = time.monotonic(), float("inf")
    while True:
        try:
            kind, why = attempt(api, check=check) or ("not ready", "it asked to try again")
        except Forbidden as exc:
            kind, why = "refused", str(exc)
        except KubeError as exc:
            kind, why = "not ready", str(exc)
        now = time.monotonic()
        if kind == "refused":
            refused_at = min(refused_at, now)
        settling = may_pass(kind, why) and now - refused_at < _SETTLING_SECONDS
        if check or now - start > params["wait_timeout"] or not (kind == "not ready" or settling):
            break
        time.sleep(_POLL_SECONDS)
    waited = time.monotonic() - start
    return {**result, "address": str(address), "outcome": kind, "reason": why, "seconds": round(waited, 1)}


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
    try:
        result = prove(module.params, check=module.check_mode)
    except EtcdRefuses as exc:
        module.fail_json(
            msg=f"The API server of this node still cannot write: {exc}. What was done to etcd stays done; run this"
            " again, and look at etcd's own alarms (etcd_info)."
        )
    except (KubeError, OSError) as exc:
        result = {"changed": False, "address": "", "outcome": "refused", "reason": str(exc), "seconds": 0.0}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
