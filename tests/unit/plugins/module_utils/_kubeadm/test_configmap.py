# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with kubectl's answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from unit.builders import table
from unit.kubectl_program import CONFIG, OBJECT, TEXT, UNSURE, WHERE, prepare_node

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.configmap import read, stored, write
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.kubectl import Conflict, Kubectl, KubectlFailed

ANSWERS: list[tuple[str, str, str]] = [
    ("no JSON", "<html>", "is not a ConfigMap."),
    ("a list", "[]", "is not a ConfigMap."),
    ("another kind", '{"kind": "Secret", "metadata": {"resourceVersion": "1"}}', "is not a ConfigMap."),
    ("no version", '{"kind": "ConfigMap", "metadata": {}}', "is not a ConfigMap."),
    ("no data", '{"kind": "ConfigMap", "metadata": {"resourceVersion": "1"}}', "(it has nothing)"),
    (
        "another key",
        '{"kind": "ConfigMap", "metadata": {"resourceVersion": "1"}, "data": {"b": "", "a": ""}}',
        "The ConfigMap kubeadm-config in kube-system has no key ClusterConfiguration (it has a, b).",
    ),
]


@pytest.mark.parametrize(("answer", "reason"), table(ANSWERS))
def test_answers_that_cannot_be_used(answer: str, reason: str) -> None:
    with pytest.raises(KubectlFailed) as caught:
        stored(answer, WHERE)
    assert reason in str(caught.value)
    assert caught.value.code == "configmap_missing"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return prepare_node(tmp_path)


def test_read_is_what_others_need(node: Path) -> None:
    kubectl = Kubectl(kubeconfig=str(node / "admin.conf"), program=str(node / "kubectl"), server=WHERE)
    found = read(kubectl)
    assert (found.text, found.whole) == (TEXT, OBJECT)


class Answers:
    """A kubectl that gives these answers, one after the other; `sent` is what it was called with."""

    where, kubeconfig = WHERE, CONFIG

    def __init__(self, *answers: CommandResult) -> None:
        self._answers = iter(answers)
        self.sent: list[tuple[list[str], str]] = []

    def __call__(self, arguments: Sequence[str], text: str) -> CommandResult:
        self.sent.append((list(arguments), text))
        return next(self._answers)


def holding(text: str) -> CommandResult:
    return CommandResult(0, json.dumps({**OBJECT, "data": {**OBJECT["data"], "ClusterConfiguration": text}}))


OLD = stored(json.dumps(OBJECT), WHERE)
CONFLICT = CommandResult(1, "", "Error from server (Conflict): Operation cannot be fulfilled")
SILENT = CommandResult(1, "", "Unable to connect to the server: context deadline exceeded")


def test_written_and_read_back() -> None:
    kubectl: Any = Answers(CommandResult(0, ""), holding("new"))
    write(kubectl, OLD, "new")
    path = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
    (replace, body), (get, nothing) = kubectl.sent
    assert replace == ["replace", f"--raw={path}?fieldManager=controlplane.etcd", "--filename=-"]
    assert json.loads(body) == {**OBJECT, "data": {"ClusterStatus": "ü", "ClusterConfiguration": "new"}}
    assert (get, nothing) == (["get", f"--raw={path}"], "")


# kubectl's answers to the replacement and to the reading; the code, what is true then, whether it may pass by itself.
FAILURES: list[tuple[str, list[CommandResult], type[KubectlFailed], str, str, bool]] = [
    ("somebody was quicker", [CONFLICT], Conflict, "changed_meanwhile", "", False),
    ("no answer", [SILENT], KubectlFailed, "apiserver_unreachable", UNSURE, True),
    ("not read back", [CommandResult(0, ""), SILENT], KubectlFailed, "apiserver_unreachable", "It was written.", False),
    ("changed", [CommandResult(0, ""), holding("x")], KubectlFailed, "changed_meanwhile", "It was written.", False),
]


@pytest.mark.parametrize(("answers", "kind", "code", "unchanged", "away"), table(FAILURES))
def test_not_written(
    answers: list[CommandResult], kind: type[KubectlFailed], code: str, unchanged: str, away: bool
) -> None:
    kubectl: Any = Answers(*answers)
    with pytest.raises(KubectlFailed) as caught:
        write(kubectl, OLD, "new")
    assert caught.type is kind
    assert (caught.value.code, caught.value.unchanged) == (code, unchanged)
    again = {"conflict": True} if kind is Conflict else {}
    assert caught.value.details() == {"away": away, **again}
