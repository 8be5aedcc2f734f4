# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of the roles as people pass them."""

from __future__ import annotations

from typing import Any

import pytest
from unit.architecture.sources import load
from unit.builders import Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.options import (
    CLOSE,
    alike,
    check_options,
    mapping,
)


def specs(role: str) -> dict[str, Json]:
    found: Any = load(f"roles/{role}/meta/argument_specs.yml")
    options: dict[str, Json] = found["argument_specs"]["main"]["options"]
    return options


SPECS = {**specs("recover"), **specs("harden")}


def refusals(role: str, values: Json) -> list[str]:
    found = check_options(role, specs(role), values, names=values, extra=())
    assert {refused.code for refused in found.refusals} <= {"invalid_option"}
    return [refused.text for refused in found.refusals]


READ: list[tuple[str, str, Any]] = [
    ("a flag", "recover_hold", False),
    ("a flag as text", "recover_hold", "no"),
    ("a flag as capitals", "recover_hold", "True"),
    ("a flag as a number", "recover_hold", 0),
    ("a whole number", "recover_hold_seconds", 300),
    ("a whole number as text", "recover_hold_seconds", "300"),
    ("nothing at all", "recover_hold_seconds", 0),
    ("a number", "recover_timeout", 0.5),
    ("a number as text", "recover_timeout", "2.5"),
    ("a size", "recover_quota_backend_bytes", "8GiB"),
    ("a size in bytes", "recover_quota_backend_bytes", 8589934592),
    ("no size", "recover_quota_backend_bytes", ""),
    ("a path", "recover_snapshot_dir", "/mnt/backup"),
    ("a choice", "harden_method", "patch"),
    ("a mapping", "harden_extra_args", {"snapshot-count": "5000"}),
    ("JSON of a mapping", "harden_extra_args", '{"snapshot-count": "5000"}'),
    ("YAML of a mapping", "harden_extra_args", "snapshot-count: 5000"),
    ("an empty mapping", "harden_extra_args", {}),
    ("a mapping whose lines are commented out", "harden_extra_args", None),
]


@pytest.mark.parametrize(("name", "value"), table(READ))
def test_values_that_can_be_read(name: str, value: Any) -> None:
    assert refusals(name.partition("_")[0], {name: value}) == []


WRONG: list[tuple[str, str, Any, str]] = [
    ("no flag", "recover_hold", "maybe", "recover_hold is 'maybe', which is not true or false."),
    # Ansible's own filter takes it for false.
    ("a letter", "recover_hold", "y", "is 'y', which is not true or false."),
    ("an empty flag", "recover_snapshot", "", "recover_snapshot is empty, which is not true or false."),
    ("a list as a flag", "recover_snapshot", [True], "is [True], which is not true or false."),
    ("a unit", "recover_hold_seconds", "5m", "is '5m', which is not a whole number, 0 or more."),
    ("a fraction", "recover_hold_seconds", 1.5, "is 1.5, which is not a whole number"),
    ("below nothing", "recover_hold_seconds", -1, "is -1, which is not a whole number, 0 or more."),
    ("true as a number", "recover_snapshot_keep", True, "is True, which is not a whole number"),
    ("no number", "recover_timeout", "soon", "is 'soon', which is not a number, 0 or more."),
    ("no end", "recover_timeout", "inf", "is 'inf', which is not a number, 0 or more."),
    ("null as text", "recover_quota_backend_bytes", None, "is empty, which is not text."),
    ("a list as text", "recover_kubelet_unit", ["kubelet"], "is ['kubelet'], which is not text."),
    ("text that must not be empty", "recover_kubelet_unit", "", "is empty, which is not text."),
    ("no path", "recover_manifest", " ", "which is not a path."),
    ("no choice", "harden_method", "Patch", "is 'Patch', which is not one of auto, kubeadm, patch."),
    ("text instead of a mapping", "harden_extra_args", "snapshot-count=5000", "which is not a mapping, such as"),
    ("a mapping instead of a list", "recover_delete", {"a": "b"}, "which is not a list of texts, or one text"),
    ("a list of lists", "recover_delete", [["/registry/events/"]], "which is not a list of texts, or one text"),
    ("broken JSON", "harden_extra_args", '{"snapshot-count": ', "which is not a mapping, such as"),
    ("a list", "harden_extra_args", ["snapshot-count"], "which is not a mapping, such as"),
    ("numbers as names", "harden_extra_args", {1: "2"}, "which is not a mapping, such as"),
]


@pytest.mark.parametrize(("name", "value", "part"), table(WRONG))
def test_values_that_cannot_be_read(name: str, value: Any, part: str) -> None:
    (text,) = refusals(name.partition("_")[0], {name: value})
    assert text.startswith(name)
    assert part in text
    assert text.endswith("Correct it, or leave it out.")


@pytest.mark.parametrize("name", SPECS)
def test_every_default_can_be_read(name: str) -> None:
    assert refusals(name.partition("_")[0], {name: SPECS[name]["default"]}) == []


def test_mapping() -> None:
    assert mapping("harden_extra_args", {"a": 1}) == mapping("harden_extra_args", '{"a": 1}') == {"a": 1}
    assert mapping("harden_extra_args", "") == {}
    with pytest.raises(Refused, match=r"^harden_extra_args is '5000', which is not a mapping"):
        mapping("harden_extra_args", "5000")


# A name, whether it was given with -e, and what is said: the option that was meant, "?" if none was, nothing if it is
# no reason to refuse.
NAMES: list[tuple[str, str, bool, str]] = [
    ("letters in another order", "recover_hodl", True, "recover_hold"),
    ("in the inventory", "recover_hodl", False, "recover_hold"),
    ("one too many", "recover_snapshots", False, "recover_snapshot"),
    ("a dash", "recover_snapshot-dir", True, "recover_snapshot_dir"),
    ("only its beginning", "recover_quota", False, "recover_quota_backend_bytes"),
    ("the other role's word", "recover_metrics", True, "?"),
    ("a variable of somebody else's", "recover_from_tape", False, ""),
    ("such a one with -e", "recover_from_tape", True, "?"),
    ("another prefix", "recovery_hold", True, "recover_hold"),
    ("capitals", "RECOVER_HOLD", True, "recover_hold"),
    ("another prefix in the inventory", "recovery_hold", False, ""),
    ("an option that only the other role has", "harden_method", True, ""),
    ("something else", "ansible_user", True, ""),
    ("private", "__recover_plan", False, ""),
]


@pytest.mark.parametrize(("name", "given", "said"), table(NAMES))
def test_names(name: str, given: bool, said: str) -> None:
    names = [*specs("recover"), *([] if given else [name])]
    found = check_options("recover", specs("recover"), {}, names=names, extra=[name] if given else [])
    assert [refused.code for refused in found.refusals] == (["unknown_option"] if said else [])
    for refused in found.refusals:
        assert refused.text.startswith(
            f"{name}, {'given with -e' if given else 'set in the inventory or the play'}, is"
        )
        assert (f"; {said} is." in refused.text) is (said != "?")
    own = name.startswith("recover_")
    assert [warning.split()[0] for warning in found.warnings] == ([name] if own and not said else [])


def test_an_option_of_another_role_that_is_this_ones_too() -> None:
    def warnings(*extra: str) -> tuple[str, ...]:
        return check_options("recover", specs("recover"), {}, names=[], extra=extra).warnings

    (said,) = warnings("harden_quota_backend_bytes")
    assert said.endswith("recover, which has recover_quota_backend_bytes: it is ignored.")
    assert warnings("harden_quota_backend_bytes", "recover_quota_backend_bytes") == ()


def test_a_name_without_a_value() -> None:
    (refused,) = check_options("recover", specs("recover"), {}, names=[], extra=["_raw_params"]).refusals
    assert (refused.code, refused.reason) == ("invalid_option", "Something was given with -e that has no value.")


@pytest.mark.parametrize("role", ["recover", "harden"])
def test_options_of_a_role_are_known(role: str) -> None:
    known = specs(role)
    assert check_options(role, known, {}, names=known, extra=known) == check_options(role, {}, {}, names=(), extra=())


@pytest.mark.parametrize("name", SPECS)
def test_one_slip_is_recognised(name: str) -> None:
    """Two neighbours in the other order, or one letter lost, in the middle."""
    role, _sep, rest = name.partition("_")
    at = len(rest) // 2
    for slip in (rest[:at] + rest[at + 1 :], rest[: at - 1] + rest[at] + rest[at - 1] + rest[at + 1 :]):
        assert alike(slip, rest) >= CLOSE
        found = check_options(role, specs(role), {}, names=[f"{role}_{slip}"], extra=())
        assert [refused.code for refused in found.refusals] == ["unknown_option"]
