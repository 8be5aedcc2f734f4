# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The edge of every module: the lease that it keeps, and the one place where a failure becomes a result."""

from __future__ import annotations

import os
import typing as t
from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule

from ._core import lease, run_lock, time_limit
from ._core.failures import Failure, FileError, Refused, message
from ._core.records import Json
from ._etcd.errors import EtcdError

LEASE_SPEC: Json = {
    "lock_path": {"type": "path", "default": run_lock.DEFAULT_PATH},
    "run": {"type": "str"},
}

UNCHANGED = "Nothing was changed."
_HALF_DONE = "How far it came is not known."

Body = t.Callable[[AnsibleModule], Json]


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


def with_unlock(module: AnsibleModule, found: Json, *, done: bool = True) -> Json:
    """The result of a module that has the option `unlock`. If that is set, the lock of the run is given back, unless
    there is something left to do, or in check mode; `unlocked` says whether it was."""
    params = module.params
    if not params["unlock"]:
        return found
    final = done and params["run"] and not module.check_mode
    return {**found, "unlocked": bool(final and run_lock.release(params["lock_path"], params["run"]))}


def _lease(module: AnsibleModule) -> t.ContextManager[None]:
    """The lease that the module has to keep. In check mode, and without a run, there is none."""
    holder = module.params.get("run")
    return lease.kept(module.params["lock_path"], holder) if holder and not module.check_mode else nullcontext()


def _asked(failure: Failure, through: str) -> str:
    """The member that a message names: one is named only if it was asked, or was about to be."""
    if isinstance(failure, EtcdError):
        return failure.endpoint or through
    return through if isinstance(failure, Refused) else ""


__all__ = ("LEASE_SPEC", "UNCHANGED", "Body", "run", "with_unlock")
