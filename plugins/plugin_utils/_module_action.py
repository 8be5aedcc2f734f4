# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Running a module, with an ordinary failure if Ansible itself would have none.

- The node's Python is too old: Ansible's own wrapper dies with a traceback, before any line of the module runs.
- The host of a delegated task is lost: Ansible would take the coordinator out of the play for it, and its locks would
  stay. A task says in its variable `__if_unreachable` what is still true then, and what to do.
- The task's `timeout` strikes: Ansible would name neither the host that hangs nor what is known of the step. The module
  is told the limit as well, so that it ends on the node, too.
- A host that falls silent would keep ssh waiting for hours: see `_ssh_keep_alive`.
- Modules that later tasks need, by the variable `__build_ahead`, are built meanwhile: see `_build_ahead`.

`meta/runtime.yml` puts this in front of every module of this collection.
"""

from __future__ import annotations

import shlex
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ..module_utils._core import time_limit
from ..module_utils._core.failures import Failure, Refused
from . import _build_ahead, _ssh_keep_alive

# Ansible's own floor for nodes rose with ansible-core 2.20.
OLDEST = (3, 9) if tuple(int(part) for part in core_version.split(".")[:2]) >= (2, 20) else (3, 8)

_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def python_refusal(printed: str, interpreter: str) -> Refused | None:
    """The reason why modules cannot run, None if they can. `printed` is what the interpreter said its version is."""
    parts = printed.strip().split(".")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None
    if (int(parts[0]), int(parts[1])) >= OLDEST:
        return None
    return Refused(
        "python_too_old",
        f"{interpreter} on this node is Python {'.'.join(parts)}; Python {'.'.join(map(str, OLDEST))} or newer is"
        " needed.",
        "Install one beside it and name it in ansible_python_interpreter.",
        unchanged="Nothing was changed.",
    )


def host_lost(host: str, told: str = "") -> Failure:
    """The failure of a task whose host is lost. `told` is what the task says of it."""
    return Failure(
        "host_unreachable",
        f"{host} cannot be reached any more.",
        told.strip() or "Restore SSH to it, or leave it out of the inventory, and run this again.",
    )


def host_hangs(host: str, task: str, seconds: int, told: str = "", *, only_reads: bool = False) -> Failure:
    """The failure of a task that had not finished in time. `told` is what the task says of a host that is lost."""
    known = "Nothing was changed." if only_reads else "Whether it was done is not known; it may still be going on."
    return Failure(
        "node_hangs",
        f'{host} hangs: it had not finished "{task}" after {seconds} s.',
        told.strip() or f"{known} {time_limit.ADVICE}",
    )


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True
    _hangs = False

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            _ssh_keep_alive.keep_alive(self._connection, _ssh_keep_alive.output_of)
            return {**result, **self._run_module(task_vars)}
        except AnsibleConnectionFailure as exc:
            if not self._task.delegate_to:
                raise
            return {**_failed(host_lost(self._task.delegate_to, self._told(task_vars))), "error": str(exc)}
        except BaseException as exc:
            # Not the same class in all versions of Ansible, and private to it.
            if type(exc).__name__ != "TaskTimeoutError":
                raise
            self._hangs = True
            return _failed(self._host_hangs(task_vars))

    def cleanup(self, force: bool = False) -> None:
        if self._hangs:  # what is asked of the host now has no limit any more; its own files stay there
            return
        try:
            t.cast(t.Any, super()).cleanup(force)
        except AnsibleConnectionFailure:  # as above: it was lost while the module ran
            if not self._task.delegate_to:
                raise

    def _told(self, task_vars: t.Any) -> str:
        """What the task says of a host that is lost."""
        return str(self._templar.template((task_vars or {}).get("__if_unreachable", "")))

    def _host_hangs(self, task_vars: t.Any) -> Failure:
        task = self._task
        host = task.delegate_to or (task_vars or {}).get("inventory_hostname", "This host")
        only_reads = task.check_mode or str(task.action).endswith("_info")
        return host_hangs(host, task.name or task.action, task.timeout, self._told(task_vars), only_reads=only_reads)

    def _run_module(self, task_vars: t.Any, module_args: t.Any = None) -> dict[str, t.Any]:
        if self._task.timeout:
            limit = {time_limit.VARIABLE: str(time_limit.of_task(self._task.timeout))}
            self._task.environment = [*(self._task.environment or []), limit]
        wrap_async = self._task.async_val and not self._connection.has_native_async
        later = (task_vars or {}).get("__build_ahead")
        with _build_ahead.built_meanwhile(self._templar.template(later) if later else ()):
            result: dict[str, t.Any] = self._execute_module(
                module_args=module_args, task_vars=task_vars, wrap_async=wrap_async
            )
        interpreter = (getattr(self, "_used_interpreter", None) or "").lstrip("#!")  # ansible-core keeps the shebang
        if "module_stderr" in result and interpreter:  # it exited without an answer
            asked = self._low_level_execute_command(f"{interpreter} -c {shlex.quote(_ASK)}")
            refusal = python_refusal(asked.get("stdout", ""), interpreter)
            if refusal:
                return _failed(refusal)
        return result


def _failed(failure: Failure) -> dict[str, t.Any]:
    msg = f"{failure.text} {failure.unchanged}".rstrip()
    return {"failed": True, "changed": False, "code": failure.code, "msg": msg}


__all__ = ("OLDEST", "ActionModule", "host_hangs", "host_lost", "python_refusal")
