# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _refusal_message."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _refusal_message
short_description: Say why nothing, or nothing more, is tried
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - One message of all refusals, with their codes at its end, by which the runbook is sorted.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: A dictionary of V(code) and V(text) for each refusal.
    type: list
    elements: dict
    required: true
  unchanged:
    description: What is still true, as a sentence.
    type: str
    default: ""
positional: unchanged
"""

EXAMPLES = r"""
---
- name: Stop if something stands against it
  ansible.builtin.assert:
    that: refusals | length == 0
    fail_msg: "{{ refusals | controlplane.etcd._refusal_message('Nothing was changed.') }}"
"""

RETURN = r"""
_value:
  description: The message.
  type: str
"""

import typing as t


def refusal_message(refusals: t.Sequence[t.Mapping[str, str]], unchanged: str = "") -> str:
    codes = dict.fromkeys(refusal["code"] for refusal in refusals)
    texts = [refusal["text"] for refusal in refusals]
    return " ".join(filter(None, [*texts, unchanged, f"[{', '.join(codes)}]"]))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_refusal_message": refusal_message}
