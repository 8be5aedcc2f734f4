# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The edge of every module: the options they share, and the one place where a failure becomes a result."""

from __future__ import annotations

import os
import typing as t
from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule

from ._core import lease, run_lock, time_limit
from ._core.failures import Failure, FileError, Refused, message
from ._core.records import Json
from ._etcd.errors import EtcdError
from ._etcd.estimates import WORK_SECONDS
from ._node.member import DEFAULTS, LocalMember

CONNECTION_SPEC: Json = {
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},  # the path of a file, not a key
    "endpoint": {"type": "str"},
    "manifest": {"type": "path", "default": DEFAULTS["manifest"]},
    "timeout": {"type": "float", "default": DEFAULTS["timeout"]},
}
WORK_SPEC: Json = {"work_timeout": {"type": "float", "default": WORK_SECONDS}}
LEASE_SPEC: Json = {
    "lock_path": {"type": "path", "default": run_lock.DEFAULT_PATH},
    "run": {"type": "str"},
}
UNSAFE_SPEC: Json = {"allow_unsafe_version": {"type": "bool", "default": False}}

UNCHANGED = "Nothing was changed."
_HALF_DONE = "How far it came is not known."

Body = t.Callable[[AnsibleModule], Json]
MemberBody = t.Callable[[AnsibleModule, LocalMember], Json]


def run(
    module: AnsibleModule,
    body: Body,
    *,
    doing: str,
    unchanged: str = UNCHANGED,
    through: t.Callable[[], str] = str,
    leased: bool = True,
) -> None:
    """Run a module's body and exit with its result, or with the one message of its failure. `doing` is what is tried,
    `through` gives the member that is asked, `unchanged` is what is true after a failure. If it is `leased`, the
    lock of the run that its options name is renewed meanwhile."""
    try:
        with time_limit.kept(time_limit.of_environment(os.environ)), _lease(module) if leased else nullcontext():
            result = body(module)
    except time_limit.TimeIsOver as exc:
        only_read = module.check_mode or module._name.endswith("_info")
        late = time_limit.exceeded(exc.seconds)
        said = message(doing, late, unchanged=UNCHANGED if only_read else _HALF_DONE)
        module.fail_json(msg=said, code=late.code)
    except (Failure, OSError) as exc:
        failure = exc if isinstance(exc, Failure) else FileError(exc)
        said = message(doing, failure, through=_asked(failure, through()), unchanged=unchanged)
        module.fail_json(msg=said, code=failure.code, **failure.details())
    module.exit_json(**result)


def run_with_member(module: AnsibleModule, body: MemberBody, *, doing: str, unchanged: str = UNCHANGED) -> None:
    """Run the body of a module that works on the member that the connection options name, as `run` does."""
    url: str = module.params["endpoint"] or module.params["manifest"]  # all that is known if there is no member

    def with_member(module: AnsibleModule) -> Json:
        nonlocal url
        member = LocalMember(module.params)
        url = member.endpoint.url
        return body(module, member)

    run(module, with_member, doing=doing, unchanged=unchanged, through=lambda: url)


def _lease(module: AnsibleModule) -> t.ContextManager[None]:
    """The lease that the module has to keep. In check mode, and without a run, there is none."""
    holder = module.params.get("run")
    return lease.kept(module.params["lock_path"], holder) if holder and not module.check_mode else nullcontext()


def _asked(failure: Failure, through: str) -> str:
    """The member that a message names: one is named only if it was asked, or was about to be."""
    if isinstance(failure, EtcdError):
        return failure.endpoint or through
    return through if isinstance(failure, Refused) else ""


__all__ = (
    "CONNECTION_SPEC",
    "LEASE_SPEC",
    "UNCHANGED",
    "UNSAFE_SPEC",
    "WORK_SPEC",
    "Body",
    "MemberBody",
    "run",
    "run_with_member",
)
