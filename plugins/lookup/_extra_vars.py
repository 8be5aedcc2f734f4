# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _extra_vars."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _extra_vars
short_description: Return the names of the variables that were given with -e
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - No variable tells where another one is from. What somebody has just typed is read more strictly than what may have
    been in an inventory for years.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: Not used.
"""

EXAMPLES = r"""
---
- name: Show what was given
  ansible.builtin.debug:
    msg: "{{ query('controlplane.etcd._extra_vars') }}"
"""

RETURN = r"""
_raw:
  description: The names, sorted.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        # Ansible has read them before the first play; this returns what it kept, and reads no file a second time.
        return sorted(map(str, load_extra_vars(t.cast(t.Any, self._loader))))
