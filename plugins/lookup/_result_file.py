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

import fcntl
import json
import os
import typing as t
from contextlib import contextmanager, suppress

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils._core.files import put, text
from ..plugin_utils._fleet.outcomes import merged


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        paths = [os.path.abspath(os.path.expanduser(term)) for term in terms if term]
        for path in paths:
            _write(path, kwargs)
        return paths


def _write(path: str, parts: t.Mapping[str, t.Any]) -> None:
    try:
        with _alone(os.path.dirname(path)):
            body = merged(_written(path), **parts)
            put(path, f"{json.dumps(body, indent=2)}\n".encode(), 0o644)
    except OSError as exc:
        raise AnsibleError(f"The result cannot be written to {path}: {exc}") from exc


@contextmanager
def _alone(directory: str) -> t.Iterator[None]:
    """The moment in which no other cluster of this run reads or writes the file."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a network's filesystem that knows no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _written(path: str) -> object:
    with suppress(FileNotFoundError, ValueError):
        return json.loads(text(path))
    return None
