# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what is there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import yaml
from unit.architecture.sources import PUBLIC_ROLES, ROOT, load, tasks_of
from unit.builders import Json, member, view

from ansible_collections.controlplane.etcd.plugins.module_utils import _member_module, _module
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.diagnosis import diagnosis_result
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import cluster_result
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot

COLLECTION = "controlplane.etcd"
PACKAGE = "ansible_collections.controlplane.etcd.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
OTHER_PLUGINS = sorted(
    (kind, path.stem) for kind in ("callback", "filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py")
)

# Documented in etcd_info; the other modules that return them refer to it.
SHARED = ["cluster", "diagnosis"]


def module(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.modules.{name}")


def documented(name: str) -> Json:
    """The options of a module, those of its fragments included."""
    documentation = yaml.safe_load(module(name).DOCUMENTATION)
    options: Json = dict(documentation.get("options", {}))
    for fragment in documentation["extends_documentation_fragment"]:
        prefix, _sep, part = fragment.removeprefix(f"{COLLECTION}.").partition(".")
        found = importlib.import_module(f"{PACKAGE}.doc_fragments.{prefix}").ModuleDocFragment
        options |= yaml.safe_load(getattr(found, (part or "documentation").upper()))["options"]
    return options


class Called(Exception):
    """AnsibleModule was called with this."""


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> Json:
    def capture(spec: Json, **_options: object) -> None:
        raise Called(spec)

    found = module(name)
    monkeypatch.setattr(found, "AnsibleModule", capture)
    with pytest.raises(Called) as caught:
        found.main()
    return dict(caught.value.args[0])


@pytest.mark.parametrize("name", MODULES)
def test_options_are_those_of_the_argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, options = argument_spec(name, monkeypatch), documented(name)
    assert sorted(options) == sorted(spec)
    for option, given in spec.items():
        for key in ("type", "default", "required", "choices", "elements"):
            assert options[option].get(key) == given.get(key), f"{option}: {key}"


@pytest.mark.parametrize("name", MODULES)
def test_options_are_sorted(name: str) -> None:
    options = list(yaml.safe_load(module(name).DOCUMENTATION).get("options", {}))
    assert options == sorted(options)


def contents(returned: Json) -> Iterator[list[str]]:
    for value in returned.values():
        if "contains" in value:
            yield list(value["contains"])
            yield from contents(value["contains"])


@pytest.mark.parametrize("name", MODULES)
def test_returned_keys_are_sorted(name: str) -> None:
    returned = yaml.safe_load(module(name).RETURN)
    assert list(returned) == sorted(returned)
    for keys in contents(returned):
        assert keys == sorted(keys)


def result_keys(value: Any) -> Any:
    """The shape of a result: keys all the way down, of a list those of its first entry."""
    if isinstance(value, dict):
        return {key: result_keys(each) for key, each in value.items()}
    return result_keys(value[0]) if isinstance(value, list) and value else None


def documented_keys(returned: Json) -> Any:
    return {key: documented_keys(each["contains"]) if "contains" in each else None for key, each in returned.items()}


def test_cluster_and_diagnosis_are_returned_as_documented() -> None:
    seen = view(member(1), leader=0, alarms=[Alarm(1, "NOSPACE")])
    found = {"cluster": cluster_result(seen), "diagnosis": diagnosis_result(seen, allow_unsafe=False)}
    # A member's URLs are lists of text, and so are findings.
    assert result_keys(found) == documented_keys(yaml.safe_load(module("etcd_info").RETURN))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "etcd_info"])
def test_cluster_and_diagnosis_are_documented_once(name: str) -> None:
    returned = yaml.safe_load(module(name).RETURN) or {}
    for key in (key for key in SHARED if key in returned):
        assert f"RV({COLLECTION}.etcd_info#module:{key})" in returned[key]["description"]
        assert "contains" not in returned[key]


def test_snapshot_is_returned_as_documented() -> None:
    found = module("etcd_snapshot").result(Snapshot("", "c1", "", "cp1", 1, 1, "", "file", 0.0), changed=True)
    assert sorted(found) == sorted(["changed", *yaml.safe_load(module("etcd_snapshot").RETURN)])


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_what_there_is(name: str) -> None:
    tasks = [task for each in yaml.safe_load(module(name).EXAMPLES) for task in each.get("tasks", [each])]
    used = [task[f"{COLLECTION}.{name}"] or {} for task in tasks if f"{COLLECTION}.{name}" in task]
    assert used
    options = documented(name)
    for arguments in used:
        assert set(arguments) <= set(options)
        assert {option for option, entry in options.items() if entry.get("required")} <= set(arguments)


def test_action_group_is_the_modules_that_share_the_connection_options(monkeypatch: pytest.MonkeyPatch) -> None:
    sharing = [name for name in MODULES if set(_member_module.CONNECTION_SPEC) <= set(argument_spec(name, monkeypatch))]
    assert load("meta/runtime.yml")["action_groups"]["etcd"] == sharing, "see action_groups in meta/runtime.yml"
    for name in MODULES:
        fragments = yaml.safe_load(module(name).DOCUMENTATION)["extends_documentation_fragment"]
        assert (f"{COLLECTION}._connection" in fragments) == (name in sharing), name


def test_action_group_is_the_modules_that_keep_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    sharing = [name for name in MODULES if set(_module.LEASE_SPEC) <= set(argument_spec(name, monkeypatch))]
    assert load("meta/runtime.yml")["action_groups"]["lease"] == sharing, "see action_groups in meta/runtime.yml"
    both = set(load("meta/runtime.yml")["action_groups"]["etcd"]) & set(sharing)
    for name in MODULES:
        fragments = yaml.safe_load(module(name).DOCUMENTATION)["extends_documentation_fragment"]
        assert (f"{COLLECTION}._lease" in fragments) == (name in sharing and name != "run_lock"), name
        # The first one that says in which groups a module is counts.
        assert (fragments[0] == f"{COLLECTION}._lease.both") == (name in both), name


def test_every_module_that_changes_a_node_keeps_a_lease() -> None:
    leased = set(load("meta/runtime.yml")["action_groups"]["lease"])
    assert set(MODULES) - leased == {"etcd_info", "etcd_node_info", "etcd_schedule", "etcd_usage_info"}


@pytest.mark.parametrize("name", MODULES)
def test_name_of_the_module(name: str) -> None:
    assert yaml.safe_load(module(name).DOCUMENTATION)["module"] == name


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_roles_keep_the_lease_only_where_they_hold_the_lock(role: str) -> None:
    """Else what is done without the lock would take it, and nobody would give it back."""
    group = f"group/{COLLECTION}.lease"
    leasing = [
        block for block in tasks_of(load(f"roles/{role}/tasks/main.yml")) if group in block.get("module_defaults", {})
    ]
    if role == "status":  # it takes no lock
        assert leasing == []
        return
    assert [list(block["module_defaults"][group]) for block in leasing] == [["run", "lock_path"]]
    (block,) = leasing
    assert block["block"][0]["name"] == "Lock"
    assert "Unlock" in [each["name"] for each in tasks_of(block["always"])]


@pytest.mark.parametrize(("kind", "name"), OTHER_PLUGINS)
def test_name_of_the_plugin(kind: str, name: str) -> None:
    documentation = yaml.safe_load(importlib.import_module(f"{PACKAGE}.{kind}.{name}").DOCUMENTATION)
    assert documentation["name"] == name


def role_options(role: str) -> Json:
    options: Json = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_defaults_of_a_role_are_those_of_its_argument_spec(role: str) -> None:
    defaults = load(f"roles/{role}/defaults/main.yml")
    options = role_options(role)
    assert list(defaults) == list(options)
    assert defaults == {name: option["default"] for name, option in options.items()}


@pytest.mark.parametrize("role", ROLES)
def test_options_of_a_role_begin_with_its_name(role: str) -> None:
    assert all(name.startswith(f"{role.lstrip('_')}_") for name in role_options(role))


@pytest.mark.parametrize("role", [role for role in ROLES if role not in PUBLIC_ROLES])
def test_a_private_role_is_given_all_its_options(role: str) -> None:
    assert not (ROOT / "roles" / role / "defaults").exists()
    assert all(option["required"] is True for option in role_options(role).values())


@pytest.mark.parametrize("role", ROLES)
def test_every_task_file_of_a_role_is_used_and_names_its_tasks_after_itself(role: str) -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / "roles").glob("*/tasks/*.yml"))
    for path in (ROOT / "roles" / role / "tasks").glob("*.yml"):
        if path.stem == "main":
            continue
        assert re.search(rf"(_tasks: {path.stem}\.yml|tasks_from: {path.stem})\n", text), path
        for task in tasks_of(load(str(path.relative_to(ROOT)))):
            assert task["name"].startswith(f"{path.stem} | "), task["name"]


KINDS: dict[str, Any] = {
    "path": str,
    "str": str,
    "bool": bool,
    "int": int,
    "float": (int, float),
    "list": list,
    "dict": dict,
}


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_defaults_of_a_role_have_their_type(role: str) -> None:
    for name, option in role_options(role).items():
        assert isinstance(option["default"], KINDS[option["type"]]), name


def test_there_is_something_to_test() -> None:
    assert len(MODULES) >= 8
    assert len(OTHER_PLUGINS) >= 5
