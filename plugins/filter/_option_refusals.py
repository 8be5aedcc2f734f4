# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _option_refusals."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _option_refusals
short_description: Say which variables of a role are misspelt or cannot be read
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Compares variables with the options of a role. A name that is close to one of them is refused, and so is any name
    with the role's prefix that was given with C(-e). Of others with that prefix Ansible warns.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  extra:
    description: Names of the variables that were given with C(-e).
    type: list
    elements: str
    required: true
  hosts:
    description: The hosts of the play.
    type: list
    elements: str
    required: true
  names:
    description: Names of all variables of the host that asks, also of those that belong to the play.
    type: list
    elements: str
    required: true
  role:
    description: Name of the role.
    type: str
    required: true
  specs:
    description: The options of the role, as its argument specs have them.
    type: dict
    required: true
  values:
    description: The values of the options for the host that asks.
    type: dict
    required: true
positional: role, specs, values
"""

EXAMPLES = r"""
---
- name: Show what is wrong
  ansible.builtin.debug:
    msg: >-
      {{ hostvars | controlplane.etcd._option_refusals('recover', specs, {'recover_hold': 'maybe'},
      names=['recover_hodl'], hosts=ansible_play_hosts_all, extra=[]) }}
"""

RETURN = r"""
_value:
  description: A dictionary of V(code) and V(text) for each reason why nothing is to be done.
  type: list
  elements: dict
"""

import typing as t
from contextlib import suppress

from ansible.errors import AnsibleError
from ansible.utils.display import Display
from jinja2 import UndefinedError

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.options import check_options


def option_refusals(
    hostvars: t.Mapping[str, t.Mapping[str, object]],
    role: str,
    specs: t.Mapping[str, t.Mapping[str, t.Any]],
    values: t.Mapping[str, object],
    names: t.Iterable[str],
    hosts: t.Iterable[str],
    extra: t.Collection[str],
) -> list[Json]:
    everybody = [(values, names), *((_own(hostvars[host], specs), list(hostvars[host])) for host in hosts)]
    found = [check_options(role, specs, own, names=all_names, extra=extra) for own, all_names in everybody]
    for warning in dict.fromkeys(warning for each in found for warning in each.warnings):
        Display().warning(warning)
    texts = {refused.text: refused for each in found for refused in each.refusals}
    return [refused.as_result() for refused in texts.values()]


def _own(variables: t.Mapping[str, object], specs: t.Iterable[str]) -> dict[str, object]:
    """The options that a host has of its own. One that needs a variable of the play cannot be read from outside."""
    found, names = {}, list(variables)
    for name in (name for name in specs if name in names):
        with suppress(AnsibleError, UndefinedError):
            value = variables[name]
            if "{{" not in str(value):  # up to ansible-core 2.18 the template itself; later ones raise here
                found[name] = value
    return found


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_option_refusals": option_refusals}
