# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback between Ansible's events and the lines: what it tells itself, and what is told as by default."""

from __future__ import annotations

import io
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit.builders import Json

from ansible_collections.controlplane.etcd.plugins.callback import progress
from ansible_collections.controlplane.etcd.plugins.callback.progress import CallbackModule

ROOT = Path(progress.__file__).resolve().parents[2]
OPTIONS = {
    "bar": True,
    "check_mode_markers": False,
    "display_failed_stderr": False,
    "display_ok_hosts": True,
    "display_skipped_hosts": True,
    "pretty_results": None,
    "result_format": "json",
    "show_per_host_start": False,
    "show_task_path_on_failure": False,
}
DEFRAG = {"changed": True, "line": "cp2: 2.0 MiB -> 1.0 MiB in 0.5 s"}


class Screen:
    """Ansible's display, as far as a callback uses it."""

    def __init__(self) -> None:
        self.verbosity = 0
        self.lines: list[str] = []

    def display(self, msg: str, **_options: object) -> None:
        self.lines += msg.splitlines()

    def banner(self, msg: str, **_options: object) -> None:
        self.lines.append(msg)

    def _error(self, *_args: object, **_options: object) -> None:
        self.lines.append("error")


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def callback(screen: Screen) -> t.Any:
    made: t.Any = CallbackModule()
    made._display = screen
    made._plugin_options = OPTIONS
    made._current_task_result = None
    made.v2_playbook_on_play_start(SimpleNamespace(get_name=lambda: "Recover", strategy="linear", check_mode=False))
    return made


def task(action: str = "controlplane.etcd.etcd_defrag", path: str = "/tmp/x/play.yml:3", **more: t.Any) -> t.Any:
    fields: Json = {
        "_role": None,
        "_uuid": "task",
        "action": action,
        "args": {},
        "check_mode": False,
        "delegate_to": None,
        "get_name": lambda: "A task",
        "get_path": lambda: path,
        "get_vars": dict,
        "ignore_errors": False,
        "loop": None,
        "no_log": False,
    }
    return SimpleNamespace(**{**fields, **more})


def result(of: t.Any, body: Json) -> t.Any:
    host = SimpleNamespace(get_name=lambda: "cp1", get_groups=list)
    return SimpleNamespace(_host=host, host=host, _task=of, task=of, _result=body, result=body, task_name="A task")


def told(screen: Screen) -> list[str]:
    """Lines without the time in front of them."""
    return [line.partition(" s  ")[2] or line for line in screen.lines]


def test_an_item_of_a_delegated_loop_is_a_line_of_its_host(callback: t.Any, screen: Screen) -> None:
    of = task(delegate_to="cp2", loop=[1])
    callback.v2_playbook_on_task_start(of, False)
    callback.v2_runner_item_on_ok(result(of, DEFRAG))
    callback.v2_runner_on_ok(result(of, {"changed": True, "results": [DEFRAG]}))
    assert told(screen) == ["PLAY [Recover]", "cp2  defragmented: 2.0 MiB -> 1.0 MiB in 0.5 s"]


def test_a_member_that_is_left_alone_tells_why(callback: t.Any, screen: Screen) -> None:
    """Ansible takes its reason, `skipped`, out of the result, and for skipped."""
    of = task(loop=[1])
    callback.v2_runner_item_on_skipped(result(of, {"changed": False, "line": "cp1: 1.0 MiB, left alone (small)"}))
    callback.v2_runner_on_skipped(result(task(), {"changed": False, "skip_reason": "Conditional result was False"}))
    assert told(screen)[1:] == ["cp1  not defragmented: 1.0 MiB, left alone (small)"]


def test_a_result_of_another_kind_is_told_as_by_default(callback: t.Any, screen: Screen) -> None:
    callback.v2_runner_on_ok(result(task(), {"changed": True}))
    assert screen.lines == ["PLAY [Recover]", "TASK [A task]", "changed: [cp1]"]


@pytest.mark.parametrize(("path", "lines"), [(f"{ROOT}/playbooks/recover.yml:3", 0), ("/tmp/x/play.yml:3", 2)])
def test_a_play_without_hosts(callback: t.Any, screen: Screen, path: str, lines: int) -> None:
    """Of the playbooks here it is one for hosts with a second etcd, which most have not."""
    play = SimpleNamespace(get_name=lambda: "A play", strategy="linear", check_mode=False, get_path=lambda: path)
    callback.v2_playbook_on_play_start(play)
    callback.v2_playbook_on_no_hosts_matched()
    assert len(screen.lines) == lines


def test_a_mistake_in_the_callback_hides_no_failure(
    callback: t.Any, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "_print_failure", None)
    callback.v2_runner_on_failed(result(task(), {"msg": "No.", "code": "no_leader"}))
    assert screen.lines[-1].startswith("fatal: [cp1]: FAILED! => ")
    assert '"msg": "No."' in screen.lines[-1]


def test_everything_is_told_as_by_default_with_v(callback: t.Any, screen: Screen) -> None:
    screen.verbosity = 1
    of = task()
    callback.v2_playbook_on_task_start(of, False)
    callback.v2_runner_on_ok(result(of, DEFRAG))
    assert screen.lines[:2] == ["PLAY [Recover]", "TASK [A task]"]
    assert screen.lines[2].startswith('changed: [cp1] => {"changed": true')


def test_a_failure_of_a_module_is_a_line(callback: t.Any, screen: Screen) -> None:
    callback.v2_runner_on_failed(result(task(), {"msg": "No.", "code": "no_leader", "exception": "(traceback)"}))
    assert told(screen) == ["PLAY [Recover]", "cp1  FAILED (no_leader): No."]


def test_a_refusal_of_a_role_is_a_line(callback: t.Any, screen: Screen) -> None:
    of = task("ansible.builtin.assert", f"{ROOT}/roles/recover/tasks/assess.yml:40")
    callback.v2_runner_on_failed(result(of, {"msg": "Nothing was changed.", "assertion": "false"}))
    assert told(screen)[1:] == ["cp1  FAILED: Nothing was changed."]


@pytest.mark.parametrize("action", ["ansible.builtin.assert", "ansible.builtin.command"])
def test_failures_of_others_are_told_in_full(callback: t.Any, screen: Screen, action: str) -> None:
    callback.v2_runner_on_failed(result(task(action), {"msg": "No.", "rc": 1}), ignore_errors=True)
    assert screen.lines[1] == "TASK [A task]"
    assert '"rc": 1' in screen.lines[-2]
    assert screen.lines[-1] == "...ignoring"


def test_unreachable_hosts_are_told_in_full(callback: t.Any, screen: Screen) -> None:
    callback.v2_runner_on_unreachable(
        result(task(ignore_unreachable=False), {"msg": "ssh: no route", "unreachable": True})
    )
    assert screen.lines[-1].startswith("fatal: [cp1]: UNREACHABLE! => ")


def test_a_report_is_printed_as_it_is_and_one_sentence_in_its_line(callback: t.Any, screen: Screen) -> None:
    of = task("ansible.builtin.debug", f"{ROOT}/roles/recover/tasks/report.yml:4")
    callback.v2_runner_on_ok(result(of, {"msg": ["member  role", "cp1     leader"]}))
    callback.v2_runner_on_ok(result(of, {"msg": "Done."}))
    assert told(screen)[1:] == ["", "member  role", "cp1     leader", "cp1  Done."]


def test_messages_of_others_have_their_host(callback: t.Any, screen: Screen) -> None:
    callback.v2_runner_on_ok(result(task("debug"), {"msg": "one\ntwo"}))
    assert told(screen)[1:] == ["cp1  one", "cp1  two"]


def test_a_variable_is_shown_as_by_default(callback: t.Any, screen: Screen) -> None:
    callback.v2_runner_on_ok(result(task("debug"), {"size": 5, "_ansible_verbose_always": True}))
    assert '"size": 5' in "".join(screen.lines)


def test_tasks_that_serve_others_are_silent(callback: t.Any, screen: Screen) -> None:
    inner = f"{ROOT}/roles/recover/tasks/assess.yml:12"
    for action in ("ansible.builtin.set_fact", "ansible.builtin.assert", "ansible.builtin.stat"):
        callback.v2_playbook_on_task_start(task(action, inner), False)
        callback.v2_runner_on_ok(result(task(action, inner), {}))
    callback.v2_runner_on_skipped(result(task(), {"skipped": True}))
    callback.v2_runner_item_on_skipped(result(task(), {"skipped": True}))
    callback.v2_playbook_on_include(SimpleNamespace())
    assert screen.lines == []
    callback.v2_runner_on_ok(result(task("ansible.builtin.template", inner), {"changed": True}))
    assert told(screen) == ["PLAY [Recover]", "cp1  changed: A task"]


def test_tasks_of_others_are_one_line_each(callback: t.Any, screen: Screen) -> None:
    callback.v2_runner_on_ok(result(task("ansible.builtin.command"), {"changed": True}))
    callback.v2_runner_on_ok(result(task("ansible.builtin.stat"), {}))
    looped = task("ansible.builtin.command", loop=[1, 2], delegate_to="localhost")
    callback.v2_runner_item_on_ok(result(looped, {"changed": True}))
    callback.v2_runner_on_ok(result(looped, {"changed": True, "results": [{}, {}]}))
    assert told(screen)[1:] == ["cp1  changed: A task", "cp1  ok: A task", "cp1 -> localhost  changed: A task"]


def test_a_short_name_is_a_module_of_this_collection() -> None:
    """What it resolves to is the action plugin in front of it."""
    short = task("etcd_defrag", resolved_action="controlplane.etcd.etcd_info")
    assert progress._module(short) == "etcd_defrag"
    assert progress._module(task("ansible.builtin.stat")) == ""


@pytest.mark.parametrize(
    ("given", "expected"), [(12, 12.0), ("{{ 2 * some }}", 14.0), ("{{ nothing }}", None), ("soon", None)]
)
def test_expected_seconds(callback: t.Any, given: object, expected: float | None, tmp_path: Path) -> None:
    manager = SimpleNamespace(get_vars=lambda **_options: {"some": 7})
    callback._play = SimpleNamespace(get_variable_manager=lambda: manager)
    marked = _trusted(given)
    assert callback._expected_seconds(None, task(get_vars=lambda: {"__expected_seconds": marked})) == expected
    assert callback._expected_seconds(None, task()) is None


def _trusted(value: object) -> object:
    """A template, as it comes out of a playbook."""
    try:
        from ansible.template import trust_as_template
    except ImportError:  # before ansible-core 2.19 all are
        return value
    return trust_as_template(value) if isinstance(value, str) else value


def test_a_reader_that_is_gone_does_not_stop_the_run(
    callback: t.Any, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(screen, "display", fail)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    callback._watch_display()
    callback.v2_runner_on_failed(result(task(), {"msg": "No.", "code": "no_leader"}))


def test_steps_are_followed_whatever_is_printed(callback: t.Any, screen: Screen) -> None:
    seen: list[str] = []
    callback._heart = SimpleNamespace(
        begin=lambda host, _task, doing, expected: seen.append(f"{host} {doing} {expected}"),
        hear=lambda *_args: seen.append("hear"),
        end=lambda *_args: seen.append("end"),
        clear=lambda: None,
    )
    of, host = task(), SimpleNamespace(get_name=lambda: "cp1")
    screen.verbosity = 1
    callback.v2_runner_on_start(host, of)
    callback.v2_runner_item_on_ok(result(of, dict(DEFRAG)))
    callback.v2_runner_on_ok(result(of, dict(DEFRAG)))
    callback.v2_runner_on_start(host, task("pause"))
    assert seen == ["cp1 defragmenting None", "hear", "end"]
