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


def run(
    module: AnsibleModule, body: t.Callable[[AnsibleModule, LocalMember], Json], *, doing: str, untouched: str
) -> None:
    """Run a module's body and end with its result, or with one message: what was tried (`doing`), on which member, why
    it failed, and what is still true (`untouched`)."""
    where = module.params["endpoint"] or module.params["manifest"]
    try:
        member = LocalMember(module.params)
        where = member.endpoint.url
        result = body(module, member)
    except Refused as exc:
        module.fail_json(msg=f"{doing} through {where} was refused. {exc} {untouched}")
    except (ManifestError, SnapshotError) as exc:
        module.fail_json(msg=f"{doing} failed. {_sentence(exc)} {untouched}")
    except OSError as exc:
        module.fail_json(msg=f"{doing} failed: {exc}. {untouched}")
    except EtcdError as exc:
        module.fail_json(msg=f"{doing} through {exc.endpoint or where} failed: {_sentence(exc)} {untouched}")
    module.exit_json(**result)


def _sentence(exc: Exception) -> str:
    text = str(exc)
    return text if text.endswith(".") else f"{text}."


__all__ = (
    "CONNECTION_SPEC",
    "UNSAFE_SPEC",
    "WORK_SPEC",
    "LocalMember",
    "ca_sha256",
    "cluster_result",
    "diagnosis_result",
    "member_result",
    "run",
)
