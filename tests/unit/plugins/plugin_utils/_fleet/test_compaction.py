# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which compaction all members get, and what is said about what they had."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.compaction import (
    Setting,
    choose_compaction,
    existing_setting,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import RolledMember

MODE, RETENTION = "auto-compaction-mode", "auto-compaction-retention"
WANTED = {"quota-backend-bytes": "5368709120", MODE: "periodic", RETENTION: "1h"}
HOUR = f"{MODE}=periodic, {RETENTION}=1h"


def trial(*, wanted: Mapping[str, str] = MappingProxyType(WANTED), **has: str) -> RolledMember:
    """A member with this `mode` and `retention`, on which the wanted arguments were tried."""
    flags = {f"auto-compaction-{name}": value for name, value in has.items()}
    changed = {name: value for name, value in wanted.items() if flags.get(name) != value}
    before = {name: value for name, value in flags.items() if name in changed}
    return RolledMember(bool(changed), "patch", "", 0.0, (), before, changed)


SETTINGS: list[tuple[str, dict[str, str], Setting | None]] = [
    ("none", {}, None),
    ("as wanted", {"mode": "periodic", "retention": "1h"}, Setting("periodic", "1h")),
    ("no mode is periodic", {"retention": "30m"}, Setting("periodic", "30m")),
    ("the same mode", {"mode": "periodic", "retention": "8"}, Setting("periodic", "8")),
    ("another mode", {"mode": "revision", "retention": "1000"}, Setting("revision", "1000")),
    ("switched off", {"mode": "periodic", "retention": "0"}, None),
    ("a mode alone", {"mode": "revision"}, None),
]


@pytest.mark.parametrize(("has", "expected"), table(SETTINGS))
def test_existing_setting(has: dict[str, str], expected: Setting | None) -> None:
    assert existing_setting(trial(**has), WANTED) == expected


STRICTER: list[tuple[str, Setting, bool]] = [
    ("half of it", Setting("periodic", "30m"), True),
    ("the same", Setting("periodic", "60m"), False),
    ("hours without a unit", Setting("periodic", "8"), False),
    ("few revisions", Setting("revision", "10000"), True),
    ("many revisions", Setting("revision", "10001"), False),
]


@pytest.mark.parametrize(("setting", "expected"), table(STRICTER))
def test_stricter_than_the_default(setting: Setting, expected: bool) -> None:
    assert setting.stricter_than(Setting("periodic", "1h")) is expected


CHOICES: list[tuple[str, dict[str, RolledMember], dict[str, str], list[str]]] = [
    ("nobody has any", {"a": trial(), "b": trial()}, {}, []),
    ("all have it", {"a": trial(mode="periodic", retention="1h")}, {}, []),
    (
        "stricter",
        {"a": trial(retention="30m"), "b": trial()},
        {RETENTION: "30m"},
        [f"a: {MODE}=periodic, {RETENTION}=30m stays, which is stricter than {HOUR}; every member gets it."],
    ),
    (
        "looser",
        {"a": trial(retention="8"), "b": trial(retention="8")},
        {},
        [f"a, b: {MODE}=periodic, {RETENTION}=8 is replaced by {HOUR}."],
    ),
    (
        "the strictest of all stays",
        {"a": trial(retention="30m"), "b": trial(retention="10m"), "c": trial(retention="8h")},
        {RETENTION: "10m"},
        [
            f"a: {MODE}=periodic, {RETENTION}=30m is replaced by {MODE}=periodic, {RETENTION}=10m.",
            f"b: {MODE}=periodic, {RETENTION}=10m stays, which is stricter than {HOUR}; every member gets it.",
            f"c: {MODE}=periodic, {RETENTION}=8h is replaced by {MODE}=periodic, {RETENTION}=10m.",
        ],
    ),
    (
        "few revisions",
        {"a": trial(mode="revision", retention="1000")},
        {MODE: "revision", RETENTION: "1000"},
        [f"a: {MODE}=revision, {RETENTION}=1000 stays, which is stricter than {HOUR}; every member gets it."],
    ),
    (
        "of two kinds that of the default",
        {"a": trial(mode="revision", retention="1000"), "b": trial(retention="30m")},
        {RETENTION: "30m"},
        [
            f"a: {MODE}=revision, {RETENTION}=1000 is replaced by {MODE}=periodic, {RETENTION}=30m.",
            f"b: {MODE}=periodic, {RETENTION}=30m stays, which is stricter than {HOUR}; every member gets it.",
        ],
    ),
]


@pytest.mark.parametrize(("trials", "differs", "lines"), table(CHOICES))
def test_choose(trials: dict[str, RolledMember], differs: dict[str, str], lines: list[str]) -> None:
    found = choose_compaction(trials, WANTED, asked={"max-wals": "7"})
    assert found.extra_args == {**WANTED, **differs}
    assert list(found.lines) == lines


def test_what_was_asked_for_is_obeyed() -> None:
    wanted = {**WANTED, RETENTION: "2h"}
    found = choose_compaction({"a": trial(wanted=wanted, retention="30m")}, wanted, asked={RETENTION: "2h"})
    assert found.extra_args == wanted
    assert found.lines == (f"a: {MODE}=periodic, {RETENTION}=30m is replaced by {MODE}=periodic, {RETENTION}=2h.",)


def test_compaction_that_is_switched_off_on_demand() -> None:
    wanted = {**WANTED, RETENTION: "0"}
    found = choose_compaction({"a": trial(wanted=wanted, retention="30m")}, wanted, asked={RETENTION: "0"})
    assert found.extra_args == wanted
    assert found.lines == (f"a: {MODE}=periodic, {RETENTION}=30m is replaced by none.",)
