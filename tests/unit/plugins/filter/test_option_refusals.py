# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from the variables of a play's hosts to what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleUndefinedVariable
from unit.builders import Json

from ansible_collections.controlplane.etcd.plugins.filter._option_refusals import FilterModule, option_refusals

SPECS: Json = {"recover_hold": {"type": "bool", "default": True}, "recover_timeout": {"type": "float", "default": 10}}


class Variables(Mapping[str, Any]):
    """Variables of a host of which one needs a variable of the play, as ansible-core 2.19 and newer have them."""

    def __getitem__(self, name: str) -> Any:
        if name != "recover_hold":
            raise KeyError(name)
        raise AnsibleUndefinedVariable("'of_the_play' is undefined")

    def __iter__(self) -> Iterator[str]:
        return iter(["recover_hold"])

    def __len__(self) -> int:
        return 1


def found(hostvars: Mapping[str, Mapping[str, object]], **options: Any) -> list[str]:
    given = {"values": {}, "names": (), "hosts": hostvars, "extra": (), **options}
    refusals = option_refusals(hostvars, "recover", SPECS, **given)
    return [f"{refusal['code']}: {refusal['text'].split(',')[0]}" for refusal in refusals]


def test_every_host_is_checked_and_nothing_said_twice() -> None:
    hostvars = {"cp1": {"recover_hold": True}, "cp2": {"recover_hold": "maybe"}, "cp3": {"recover_hold": "maybe"}}
    assert found(hostvars) == ["invalid_option: recover_hold is 'maybe'"]
    assert found(hostvars, hosts=["cp1"]) == []


def test_variables_of_the_play_and_of_the_command_line() -> None:
    said = ["invalid_option: recover_timeout is 'soon'", "unknown_option: recover_hodl", "unknown_option: recover_all"]
    options = {"values": {"recover_timeout": "soon"}, "names": ["recover_hodl"], "extra": ["recover_all"]}
    assert sorted(found({"cp1": {}}, **options)) == sorted(said)


def test_what_cannot_be_read_from_outside_is_left_to_the_host_itself() -> None:
    assert found({"cp1": {"recover_hold": "{{ of_the_play }}"}, "cp2": Variables()}) == []


def test_variables_of_others_are_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr("ansible.utils.display.Display.warning", lambda _self, text: warned.append(text))
    assert found({"cp1": {"recover_from_tape": 1}, "cp2": {"recover_from_tape": 1}}) == []
    assert [warning.split()[0] for warning in warned] == ["recover_from_tape"]


def test_filter() -> None:
    assert FilterModule().filters() == {"_option_refusals": option_refusals}
