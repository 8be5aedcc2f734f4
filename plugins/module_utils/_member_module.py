# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The edge of the modules that work on one member: the options that name it, and the way from them to it.

Apart from `_module`, since the other modules start in three quarters of the time without all of this.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._core.records import Json
from ._etcd.connection import WAYS
from ._etcd.estimates import WORK_SECONDS
from ._module import UNCHANGED, run
from ._node.member import DEFAULTS, LocalMember

CONNECTION_SPEC: Json = {
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},  # the path of a file, not a key
    "endpoint": {"type": "str"},
    "manifest": {"type": "path", "default": DEFAULTS["manifest"]},
    "timeout": {"type": "float", "default": DEFAULTS["timeout"]},
    "transport": {"type": "str", "choices": list(WAYS), "default": DEFAULTS["transport"]},
}
WORK_SPEC: Json = {"work_timeout": {"type": "float", "default": WORK_SECONDS}}
UNSAFE_SPEC: Json = {"allow_unsafe_version": {"type": "bool", "default": False}}

MemberBody = t.Callable[[AnsibleModule, LocalMember], Json]


def run_with_member(module: AnsibleModule, body: MemberBody, *, doing: str, unchanged: str = UNCHANGED) -> None:
    """Run the body of a module that works on the member that the connection options name, as `run` does."""
    url: str = module.params["endpoint"] or module.params["manifest"]  # all that is known if there is no member

    def with_member(module: AnsibleModule) -> Json:
        nonlocal url
        member = LocalMember(module.params)
        url = member.endpoint.url
        return body(module, member)

    run(module, with_member, doing=doing, unchanged=unchanged, through=lambda: url)


__all__ = ("CONNECTION_SPEC", "UNSAFE_SPEC", "WORK_SPEC", "MemberBody", "run_with_member")
