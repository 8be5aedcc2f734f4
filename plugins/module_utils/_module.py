# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The seam between the modules and the library: options in, a member to ask, results and errors out."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._core.failures import Refused
from ._etcd.diagnosis import diagnosis_result
from ._etcd.errors import EtcdError
from ._etcd.estimates import WORK_SECONDS
from ._etcd.transport import Json
from ._etcd.view import cluster_result, member_result
from ._node.etcd_manifest import ManifestError
from ._node.member import DEFAULTS, LocalMember, ca_sha256
from ._snapshot.format import SnapshotError

CONNECTION_SPEC: Json = {
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},  # the path of a file, not a key
    "endpoint": {"type": "str"},
    "manifest": {"type": "path", "default": DEFAULTS["manifest"]},
    "timeout": {"type": "float", "default": DEFAULTS["timeout"]},
}
WORK_SPEC: Json = {"work_timeout": {"type": "float", "default": WORK_SECONDS}}
UNSAFE_SPEC: Json = {"allow_unsafe_version": {"type": "bool", "default": False}}


Body = t.Callable[[AnsibleModule], Json]
MemberBody = t.Callable[[AnsibleModule, LocalMember], Json]

UNCHANGED = "Nothing was changed."


def run(module: AnsibleModule, body: Body, *, doing: str, unchanged: str = UNCHANGED, through: str = "") -> None:
    """Run a module's body and exit with its result, or with the one message of its failure: what was tried (`doing`),
    `through` which member, why it failed, what is still true (`unchanged`) and what to do next."""
    try:
        result = body(module)
    except Failure as failure:
        member = _asked(failure, through)
        said = message(doing, failure, through=member, unchanged=unchanged)
        module.fail_json(msg=said, code=failure.code, **failure.details())
    except OSError as exc:
        module.fail_json(msg=message(doing, FileError(exc), unchanged=unchanged), code=FileError.code)
    module.exit_json(**result)


def run_with_member(module: AnsibleModule, body: MemberBody, *, doing: str, unchanged: str = UNCHANGED) -> None:
    """The same for a body that works on the member that the connection options name."""

    def with_member(module: AnsibleModule) -> Json:
        return body(module, LocalMember(module.params))

    run(module, with_member, doing=doing, unchanged=unchanged, through=_where(module.params))


def _where(params: Json) -> str:
    """The URL of the member that the options name, or the manifest that would tell."""
    try:
        return LocalMember(params).endpoint.url
    except (Failure, OSError):
        return params["endpoint"] or params["manifest"]


def _asked(failure: Failure, through: str) -> str:
    """The member that a message names: one is named only if it was asked, or was about to be."""
    if isinstance(failure, EtcdError):
        return failure.endpoint or through
    return through if isinstance(failure, Refused) else ""


__all__ = (
    "CONNECTION_SPEC",
    "UNCHANGED",
    "UNSAFE_SPEC",
    "WORK_SPEC",
    "run",
    "run_with_member",
)
