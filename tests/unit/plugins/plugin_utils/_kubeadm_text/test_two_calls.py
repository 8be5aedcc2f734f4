# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module in up to two calls: what is between them, and what is left out. What is on the node is in the tests of the
modules."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from unit.builders import Json
from unit.kubeadm_texts import INIT, LIST, QUOTA

from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.exchange import (
    FOR_CONTROLLER,
    FROM_CONTROLLER,
    fingerprint,
    to_edit,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.manifest_render import Facts
from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text.two_calls import (
    change_manifest,
    set_arguments,
)

NEW = LIST.replace("1073741824", "8589934592")
CONFLICT = {"failed": True, "msg": "Somebody else.", "code": "changed_meanwhile", "conflict": True}


class Node:
    """A module that reads this text; `results` are those of the calls that write."""

    def __init__(self, text: str = LIST, *results: Json, **params: Any) -> None:
        wanted = {"extra_args": QUOTA, "remove": [], **params}
        told = {"doing": "Setting", "place": "a.yaml", "subject": "/a.yaml"}
        self._read: Json = {"changed": False, "path": "/a", "warnings": ["w"], **to_edit(wanted, text, **told)}
        self._results = list(results)
        self.written: list[Json] = []
        self.reads = 0

    def __call__(self, told: Json) -> Json:
        if not told:
            self.reads += 1
            return dict(self._read)
        self.written.append(json.loads(told[FROM_CONTROLLER]))
        return self._results.pop(0)


def test_written() -> None:
    node = Node(LIST, {"changed": True, "path": "/a", "backup_file": "/b"})
    result = set_arguments(node, check=False)
    assert node.written == [{"sha256": fingerprint(LIST), "text": NEW}]
    assert (result["changed"], result["backup_file"], result["extra_args"]) == (True, "/b", QUOTA)
    assert (result["diff"]["before"], result["diff"]["after"]) == (LIST, NEW)
    assert result["diff"]["after_header"] == "a.yaml (ClusterConfiguration)"


@pytest.mark.parametrize(("text", "check", "changed"), [(LIST, True, True), (NEW, False, False), (NEW, True, False)])
def test_not_called_again_without_need(text: str, check: bool, changed: bool) -> None:
    node = Node(text)
    result = set_arguments(node, check=check)
    assert (result["changed"], result["path"], result["extra_args"]) == (changed, "/a", QUOTA)
    assert FOR_CONTROLLER not in result
    assert (node.reads, node.written) == (1, [])


def test_nothing_of_another_document_is_returned() -> None:
    text = f"{INIT}certificateKey: SECRET\n---\n{LIST}"
    assert "SECRET" not in json.dumps(set_arguments(Node(text), check=True))
    assert "SECRET" not in json.dumps(set_arguments(Node(text.replace("local:", "external:")), check=True))


def test_what_cannot_be_edited_is_refused() -> None:
    node = Node(LIST.replace("local:", "external:"))
    result = set_arguments(node, check=False)
    assert (result["failed"], result["code"]) == (True, "external_etcd")
    assert result["msg"].startswith("Setting was refused. etcd is external here")
    assert "Nothing was changed." in result["msg"]
    assert node.written == []


def test_failures_of_the_module_are_its_own() -> None:
    failed = {"failed": True, "msg": "It failed.", "code": "file_error"}
    assert set_arguments(lambda _told: dict(failed), check=False) == failed
    assert change_manifest(lambda _told: dict(failed)) == failed
    assert set_arguments(Node(LIST, failed), check=False) == failed


def test_once_more_if_somebody_else_was_quicker() -> None:
    node = Node(LIST, dict(CONFLICT), {"changed": True})
    assert set_arguments(node, check=False)["changed"]
    assert (node.reads, len(node.written)) == (2, 2)
    node = Node(LIST, dict(CONFLICT), dict(CONFLICT))
    assert set_arguments(node, check=False) == {name: CONFLICT[name] for name in ("failed", "msg", "code")}
    assert (node.reads, len(node.written)) == (2, 2)


def test_warnings() -> None:
    node = Node(extra_args={"listen-metrics-urls": "http://192.0.2.1:2381"})
    first, second = set_arguments(node, check=True)["warnings"]
    assert first == "w"
    assert second.startswith("/a.yaml: listen-metrics-urls holds 192.0.2.1.")


FACTS = asdict(Facts("vm", "192.0.2.2", "registry.k8s.io", "3.5.24-0"))


def test_the_configuration_of_a_node() -> None:
    asked = {"text": LIST, "node": FACTS, "extra_args": {"max-wals": 7}, "remove": ["quota-backend-bytes"]}
    told: list[Json] = []

    def call(given: Json) -> Json:
        told.append(given)
        return {"changed": True} if given else {"changed": False, FOR_CONTROLLER: asked}

    assert change_manifest(call) == {"changed": True}
    made = json.loads(told[1][FROM_CONTROLLER])["text"]
    assert '"value": "7"' in made
    assert '"advertiseAddress": "192.0.2.2"' in made
    assert "quota-backend-bytes" not in made

    asked["text"] = LIST.replace("local:", "external:")
    change_manifest(call)
    assert json.loads(told[-1][FROM_CONTROLLER])["refused"]["code"] == "external_etcd"


def test_no_configuration_is_needed() -> None:
    assert change_manifest(lambda told: {"changed": True, "told": told}) == {"changed": True, "told": {}}
