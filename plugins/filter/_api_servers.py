# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _api_servers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _api_servers
short_description: Say what the API servers of an etcd cluster answered, and whether one accepts writes
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Reads what M(controlplane.etcd.apiserver_write_check) returned on each node.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What the module returned, by host. Where it failed or did not run, nothing is told.
    type: dict
    required: true
  check:
    description: Whether this was check mode, in which nothing is written.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Say what the API servers answered
  ansible.builtin.debug:
    msg: "{{ (results | controlplane.etcd._api_servers).lines }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary of V(lines), sentences for people, V(accepts), whether one of them accepted a write, and V(failure),
      which is empty unless all were asked in vain, and then has V(failed), V(code) and V(msg) as the result of a module
      has; and V(still_starting), the hosts whose API server may yet accept one, none in check mode.
  type: dict
"""

import typing as t

from ..module_utils._core.failures import message
from ..module_utils._core.records import Json
from ..plugin_utils._fleet.api_servers import any_accepts, api_server_lines, none_accepts, still_starting
from ..plugin_utils._fleet.results import ApiServerCheck


def api_servers(results: object, check: bool = False) -> Json:
    checks = ApiServerCheck.from_results(results)
    failure = None if check else none_accepts(checks)
    said = (
        {"failed": True, "code": failure.code, "msg": message("Checking the API servers", failure)} if failure else {}
    )
    return {
        "lines": api_server_lines(checks),
        "accepts": any_accepts(checks),
        "failure": said,
        "still_starting": [] if check else still_starting(checks),
    }


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_api_servers": api_servers}
