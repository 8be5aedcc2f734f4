# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _report_file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _report_file
short_description: Draw a status of clusters into a file on the controller, as a page of HTML
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Adds to what this run has drawn into the file before, and replaces what another run has. The file is whole at any
    moment.
  - It writes here for the reasons that P(controlplane.etcd._result_file#lookup) has. Check mode is no reason not to
    write.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: The path of the file; nothing is done if it is empty.
    required: true
  before:
    description: The status of the same clusters before a recovery, which is then drawn beside it.
    type: dict
  document:
    description: The status, as P(controlplane.etcd._status#filter) makes it.
    type: dict
    required: true
  run:
    description: The id of this run.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Draw a page
  ansible.builtin.set_fact:
    drawn: "{{ lookup('controlplane.etcd._report_file', '/tmp/status.html', document=document, run='1') }}"
"""

RETURN = r"""
_raw:
  description: The path that was written to, if any.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._controller_file import paths_of, rewrite
from ..plugin_utils._report.runs import page_with


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        paths = paths_of(terms)
        for path in paths:
            rewrite(path, lambda written: page_with(written, **kwargs), what="The report")
        return paths
