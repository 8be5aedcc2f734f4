# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _result_file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _result_file
short_description: Write what came of one cluster into a file on the controller
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Adds to what this run has written into the file before, and replaces what another run has. The file is whole at any
    moment.
  - It writes here, and not through a module that is delegated to C(localhost), because variables that are meant for the
    nodes, such as C(ansible_python_interpreter) given with C(-e), would count for that as well. Check mode is no
    reason not to write.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: The path of the file; nothing is done if it is empty.
    required: true
  key:
    description: The key of the record, empty if there is none yet.
    type: str
    default: ""
  record:
    description: What came of one cluster.
    type: dict
  refusals:
    description: What stood against the run before clusters were known.
    type: list
    elements: dict
  role:
    description: Name of the role.
    type: str
    required: true
  run:
    description: The id of this run.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Begin a file
  ansible.builtin.set_fact:
    written: "{{ lookup('controlplane.etcd._result_file', '/tmp/result.json', role='recover', run='1') }}"
"""

RETURN = r"""
_raw:
  description: The path that was written to, if any.
  type: list
  elements: str
"""

import json
import typing as t
from contextlib import suppress

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._controller_file import paths_of, rewrite
from ..plugin_utils._fleet.outcomes import merged


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        paths = paths_of(terms)
        for path in paths:
            rewrite(path, lambda written: _with(written, kwargs), what="The result")
        return paths


def _with(written: str, parts: t.Mapping[str, t.Any]) -> str:
    known: object = None
    with suppress(ValueError):
        known = json.loads(written)
    return f"{json.dumps(merged(known, **parts), indent=2)}\n"
