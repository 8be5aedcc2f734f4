# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _unwritable."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _unwritable
short_description: Say why a report could not be written to a file on the controller
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - What is written at the end is asked for before anything is done. Nothing is written.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: The path of the file; one that is empty is left out.
    required: true
"""

EXAMPLES = r"""
---
- name: Say what is in the way
  ansible.builtin.debug:
    msg: "{{ query('controlplane.etcd._unwritable', '/nowhere/report.html') }}"
"""

RETURN = r"""
_raw:
  description: A sentence for each file that could not be written.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._controller_file import paths_of, why_not_writable


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        return [why for why in map(why_not_writable, paths_of(terms)) if why]
