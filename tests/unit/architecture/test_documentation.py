# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what is there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from unit.builders import Json, member, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.diagnosis import diagnosis_result
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import cluster_result
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "controlplane.etcd"
PACKAGE = "ansible_collections.controlplane.etcd.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
OTHER_PLUGINS = sorted(
    (kind, path.stem) for kind in ("filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py")
)

# Documented in etcd_info; the other modules that return them refer to it.
SHARED = ["cluster", "diagnosis"]


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


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


def test_action_group_is_all_modules() -> None:
    runtime = read("meta/runtime.yml")
    assert runtime["action_groups"] == {"etcd": MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_name_of_the_module(name: str) -> None:
    assert yaml.safe_load(module(name).DOCUMENTATION)["module"] == name


@pytest.mark.parametrize(("kind", "name"), OTHER_PLUGINS)
def test_name_of_the_plugin(kind: str, name: str) -> None:
    documentation = yaml.safe_load(importlib.import_module(f"{PACKAGE}.{kind}.{name}").DOCUMENTATION)
    assert documentation["name"] == name


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_are_those_of_its_argument_spec(role: str) -> None:
    defaults = read(f"roles/{role}/defaults/main.yml")
    options = read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert list(defaults) == list(options)
    assert defaults == {name: option["default"] for name, option in options.items()}
    assert all(name.startswith(f"{role}_") for name in defaults)


KINDS: dict[str, Any] = {
    "path": str,
    "str": str,
    "bool": bool,
    "int": int,
    "float": (int, float),
    "list": list,
    "dict": dict,
}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_have_their_type(role: str) -> None:
    options = read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    for name, option in options.items():
        assert isinstance(option["default"], KINDS[option["type"]]), name


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) >= 8
    assert ROLES
    assert len(OTHER_PLUGINS) >= 4
