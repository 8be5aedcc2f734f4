# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback plugin progress."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Show a recovery or a hardening as one line per step and member
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - For the roles and modules of this collection, prints one line for each step on each member as it happens, with the
    time since the beginning. What they say, why they refuse, and their reports are printed as they are.
  - Tasks that only serve others (facts, includes, conditions that hold, what is skipped) are not shown. Other tasks of
    the same play are shown in one short line each.
  - A step that is silent is mentioned after 10 and 30 seconds, and then each minute, with how long it has taken and how
    long it was expected to take. On a terminal, a bar shows that instead if C(rich) is installed for Ansible's Python
    and an expected time is known.
  - Failures of other tasks, unreachable hosts, warnings, differences with C(--diff) and the recap are those of
    P(ansible.builtin.default#callback). With C(-v) or more, everything is.
requirements:
  - set as stdout callback in the configuration, for example with C(ANSIBLE_STDOUT_CALLBACK=controlplane.etcd.progress)
  - C(rich) for the bar, and for nothing else
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  bar:
    description:
      - Whether a bar is drawn on a terminal. Without it there are lines, as in a pipe.
    type: bool
    default: true
    version_added: 0.1.0
    env:
      - name: CONTROLPLANE_ETCD_PROGRESS_BAR
    ini:
      - section: callback_controlplane_etcd_progress
        key: bar
"""

EXAMPLES = r"""
---
# ansible.cfg
# [defaults]
# stdout_callback = controlplane.etcd.progress
#
# or for one run:
# ANSIBLE_STDOUT_CALLBACK=controlplane.etcd.progress ansible-playbook controlplane.etcd.recover -i cp1,cp2,cp3,
"""

import functools
import os
import shutil
import sys
import time
import typing as t
from contextlib import suppress
from pathlib import Path

from ansible import constants, context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import default
from ansible.template import Templar
from ansible.utils import color

from ..plugin_utils._progress import layout, silence, steps, terminal
from ..plugin_utils._progress.clusters import cluster_key, cluster_names
from ..plugin_utils._progress.heartbeat import Heartbeat
from ..plugin_utils._progress.layout import Columns
from ..plugin_utils._progress.silence import Step

C: t.Any = constants  # its attributes are made from the configuration
Default: t.Any = default.CallbackModule

_COLLECTION_ROOT = Path(__file__).resolve().parents[2]
_BUILTIN = ("ansible.builtin.", "ansible.legacy.")
_EXPECTED = "__expected_seconds"


class _AsByDefault(Exception):
    """What is to be shown as the default callback shows it."""


class CallbackModule(Default):  # type: ignore[misc]  # Ansible has no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "controlplane.etcd.progress"

    def __init__(self) -> None:
        super().__init__()
        self._begun = time.monotonic()
        self._columns = Columns()
        self._known = steps.Known()
        self._keys: dict[str, str] = {}
        self._groups: dict[str, list[str]] = {}
        self._heart: Heartbeat | None = None
        self._next_play: t.Any = None  # whose heading is not printed yet
        self._banners = True

    # Events, in the order of a run.

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        self._play = self._next_play = play

    def v2_playbook_on_no_hosts_matched(self) -> None:
        if _is_of_collection(self._play):  # a second etcd, which hosts seldom have
            return
        self._print_heading()
        super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self._start_silently(super().v2_playbook_on_task_start, task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        self._start_silently(super().v2_playbook_on_handler_task_start, task)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        pass

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._print_warnings(result)
        # A member that is left alone tells why; for Ansible it is skipped.
        if _module(result._task) and "line" in result._result:
            self._print_outcome(result)

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        self.v2_runner_on_skipped(result)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task, found = result._task, result._result
        if isinstance(task, TaskInclude):
            return
        self._print_warnings(result)
        if not (task.loop and "results" in found):
            self._print_outcome(result)
        elif not _is_ours(task) and _action(task) != "debug":
            self._print_short(result)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        task = result._task
        if isinstance(task, TaskInclude):
            return
        self._print_warnings(result)
        if _is_ours(task) or _action(task) == "debug":
            self._print_outcome(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        looped = result._task.loop and "results" in result._result
        if looped and _is_ours(result._task):
            return  # its items were printed
        self._print_failure(result, ignored=ignore_errors)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._print_failure(result, ignored=bool(result._task.ignore_errors))

    def _start_silently(self, start: t.Callable[..., None], *args: t.Any) -> None:
        """Let the default callback remember a task without its banner; it prints that before a failure of the task."""
        self._banners = False
        try:
            start(*args)
        finally:
            self._banners = True

    def _print_task_banner(self, task: t.Any) -> None:
        if self._banners or self._display.verbosity:
            self._print_heading()
            super()._print_task_banner(task)

    # Lines.

    def _print_heading(self) -> None:
        """The play's name, before the first line of it: most plays without a line are not worth one."""
        play, self._next_play = self._next_play, None
        if play is not None:
            super().v2_playbook_on_play_start(play)
            if context.CLIARGS.get("check") and not self.get_option("check_mode_markers"):
                self._display.display("Check mode: nothing will be changed.")

    def _print_line(self, host: str, text: str, shade: str | None = None, stderr: bool = False) -> None:
        self._print_heading()
        line = self._columns.line(time.monotonic() - self._begun, host, text)
        self._display.display(line, color=shade, stderr=stderr)

    def _print_warnings(self, result: t.Any) -> None:
        if hasattr(self, "_handle_warnings_and_exception"):  # from ansible-core 2.19 on
            self._handle_warnings_and_exception(result)
        else:
            self._handle_warnings(result._result)

    def _print_outcome(self, result: t.Any) -> None:
        task = result._task
        if _action(task) == "debug":
            self._print_message(result)
        elif _module(task):
            self._print_step(result)
        elif not _is_ours(task):
            self._print_short(result)
        elif result._result.get("changed"):
            self._print_line(_host(result), f"changed: {_name(result)}", C.COLOR_CHANGED)

    def _print_message(self, result: t.Any) -> None:
        lines = layout.message_lines(result._result.get("msg"))
        if lines is None:
            raise _AsByDefault
        if len(lines) > 1 and _is_ours(result._task):  # a plan or a report, which names its members itself
            self._print_heading()
            self._display.display("\n".join(["", *lines]))
            return
        for line in lines:
            self._print_line(self.host_label(result), line, C.COLOR_OK)

    def _print_step(self, result: t.Any) -> None:
        task, found, host = result._task, result._result, _host(result)
        check = bool(context.CLIARGS.get("check"))
        outcome = steps.Outcome(
            host=host,
            module=_module(task),
            result=found,
            role=task._role.get_name().rpartition(".")[2] if task._role else "",
            changed=bool(found.get("changed")),
            tried=bool(task.check_mode) and not check,
            check=bool(task.check_mode),
            arguments=task.args,
        )
        text, self._known = steps.step(outcome, self._known)
        if outcome.module == "etcd_node_info":
            self._keys[host] = cluster_key(found)
            self._groups[host] = [group.get_name() for group in result._host.get_groups()]
            self._columns = Columns(cluster_names(self._keys, self._groups), self._columns.host_width)
        if text:
            self._print_line(host, text, C.COLOR_CHANGED if outcome.changed else C.COLOR_OK)

    def _print_short(self, result: t.Any) -> None:
        changed = result._result.get("changed")
        shade = C.COLOR_CHANGED if changed else C.COLOR_OK
        self._print_line(self.host_label(result), f"{'changed' if changed else 'ok'}: {_name(result)}", shade)

    def _print_failure(self, result: t.Any, *, ignored: bool) -> None:
        task = result._task
        refused = _is_ours(task) and _action(task) in ("assert", "fail")
        if not (refused or _module(task)):
            raise _AsByDefault
        text = layout.failure_text(result._result, code_needed=not refused, ignored=ignored)
        if text is None:
            raise _AsByDefault
        result._result.pop("exception", None)  # it repeats the message
        self._print_warnings(result)
        self._print_line(_host(result), text, C.COLOR_ERROR, stderr=self.get_option("display_failed_stderr"))

    # Silence.

    def _begin_heartbeat(self) -> None:
        with suppress(Exception):  # without a file descriptor for what is printed there is none
            number = sys.stdout.fileno()
            encoding = sys.stdout.encoding or "utf-8"
            can = terminal.HAS_RICH and self.get_option("bar")
            can = can and terminal.can_draw(os.environ, terminal=os.isatty(number), encoding=encoding)

            def write(text: str) -> None:
                os.write(number, text.encode(encoding, "replace"))

            def line(host: str, text: str) -> str:
                return self._columns.line(time.monotonic() - self._begun, host, text)

            self._heart = Heartbeat(write, line, self._draw if can else None, clear=terminal.CLEAR if can else "")
            self._heart.run()

    def _watch_display(self) -> None:
        """Take the bar away before Ansible prints something by itself, such as warnings of its workers. And if nobody
        reads it any more: without this the thread that prints it would end, and the run wait for it for ever."""
        screen: t.Any = self._display
        display, owner = screen.display, os.getpid()

        def display_anyway(*args: t.Any, **kwargs: t.Any) -> None:
            if os.getpid() != owner:  # a worker inherits this, and a lock that may be locked for ever
                display(*args, **kwargs)
                return
            if self._heart:
                self._heart.clear()
            try:
                display(*args, **kwargs)
            except BrokenPipeError:
                _flush()

        screen.display = display_anyway

    def _draw(self, step: Step, now: float) -> str:
        head = self._columns.line(now - self._begun, step.host, step.doing)
        share = (now - step.started) / (step.expected or 1.0)
        width = shutil.get_terminal_size().columns
        return terminal.drawn_bar(head, silence.elapsed(step, now), share, width=width, color=color.ANSIBLE_COLOR)

    def _begin_step(self, host: t.Any, task: t.Any) -> None:
        name = host.get_name()
        self._columns = Columns(self._columns.clusters, max(self._columns.host_width, len(name)))
        if self._heart and _action(task) != "pause":
            doing = steps.doing(_module(task)) or task.get_name().strip()
            self._heart.begin(name, task._uuid, doing, self._expected_seconds(host, task))

    def _expected_seconds(self, host: t.Any, task: t.Any) -> float | None:
        """What the task says of itself in its variable, which may refer to facts and to variables of the task."""
        try:
            own = task.get_vars()
            if _EXPECTED not in own:
                return None
            manager = self._play.get_variable_manager()
            variables = {**manager.get_vars(play=self._play, host=host), **own}
            return float(Templar(loader=None, variables=variables).template(own[_EXPECTED]))
        except Exception:  # then nobody knows; the task itself does not need it
            return None

    def _track(self, event: str, args: t.Sequence[t.Any]) -> None:
        """Follow what is at work, whatever is printed of it."""
        if event == "v2_playbook_on_start":
            self._watch_display()
            self._begin_heartbeat()
        elif event == "v2_runner_on_start":
            self._begin_step(*args[:2])
        elif self._heart and event == "v2_playbook_on_stats":
            self._heart.stop()
        elif self._heart and event.startswith("v2_runner_"):
            still = event.startswith("v2_runner_item_") or event in ("v2_runner_retry", "v2_runner_on_async_poll")
            follow = self._heart.hear if still else self._heart.end
            follow(args[0]._host.get_name(), args[0]._task._uuid)


def _action(task: t.Any) -> str:
    """Its module, without the prefix of Ansible's own."""
    action = str(task.action)
    # Of a module of this collection, what it resolves to is the action plugin in front of it.
    if "." not in action and str(getattr(task, "resolved_action", "")).startswith(steps.COLLECTION):
        return f"{steps.COLLECTION}{action}"
    return next((action[len(prefix) :] for prefix in _BUILTIN if action.startswith(prefix)), action)


def _module(task: t.Any) -> str:
    """Its module if that is one of this collection, else empty."""
    action = _action(task)
    return action[len(steps.COLLECTION) :] if action.startswith(steps.COLLECTION) else ""


def _is_ours(task: t.Any) -> bool:
    """Whether the task is of this collection: one of its modules, or a line of its roles or playbooks."""
    return bool(_module(task)) or _is_of_collection(task)


def _is_of_collection(read: t.Any) -> bool:
    """Whether a task or play was read from a file of this collection."""
    path = str(read.get_path() or "").rpartition(":")[0]
    return bool(path) and _COLLECTION_ROOT in Path(path).resolve().parents


def _host(result: t.Any) -> str:
    return str(result._task.delegate_to or result._host.get_name())


def _name(result: t.Any) -> str:
    return str(result.task_name).strip()


def _flush() -> None:
    """Show it now: in a pipe Ansible's own display keeps it."""
    _flush_stream(sys.stdout)
    _flush_stream(sys.stderr)


def _flush_stream(stream: t.TextIO) -> None:
    """If nobody reads it any more, the run goes on without it."""
    try:
        stream.flush()
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        pass


def _guarded(event: str, own: t.Callable[..., None], usual: t.Callable[..., None]) -> t.Callable[..., None]:
    """An event, told in our way; as by default with -v, and if anything goes wrong in ours."""

    @functools.wraps(own)
    def tell(self: CallbackModule, *args: t.Any, **kwargs: t.Any) -> None:
        with suppress(Exception):  # then some silence stays unexplained
            self._track(event, args)
        try:
            if self._display.verbosity == 0:
                try:
                    return own(self, *args, **kwargs)
                except Exception:  # no failure may stay hidden for a mistake in here
                    pass
            return usual(self, *args, **kwargs)
        finally:
            _flush()

    return tell


for _event, _usual in vars(Default).items():
    if _event.startswith("v2_"):
        setattr(CallbackModule, _event, _guarded(_event, vars(CallbackModule).get(_event, _usual), _usual))
