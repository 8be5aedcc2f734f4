# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _text_file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _text_file
short_description: Write a text into a file on the controller
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Replaces what is in the file. It is written aside and then renamed, so the file is whole at any moment.
  - It writes here, and not through a module that is delegated to C(localhost), because variables that are meant for the
    nodes, such as C(ansible_python_interpreter) given with C(-e), would count for that as well. Check mode is no
    reason not to write.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: The path of the file; nothing is done if it is empty.
    required: true
  text:
    description: Its content. What is no text is written as JSON.
    type: raw
    required: true
"""

EXAMPLES = r"""
---
- name: Write a document
  ansible.builtin.set_fact:
    written: "{{ lookup('controlplane.etcd._text_file', '/tmp/status.json', text={'verdict': 'ok'}) }}"
"""

RETURN = r"""
_raw:
  description: The path that was written to, if any.
  type: list
  elements: str
"""

import json
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils._core.files import put
from ..plugin_utils._controller_file import paths_of


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        paths = paths_of(terms)
        for path in paths:
            _write(path, kwargs["text"])
        return paths


def _write(path: str, body: object) -> None:
    text = body if isinstance(body, str) else f"{json.dumps(body, indent=2)}\n"
    try:
        put(path, text.encode("utf-8", "surrogatepass"), 0o644)
    except OSError as exc:
        raise AnsibleError(f"It cannot be written to {path}: {exc}") from exc
