# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A module in two calls: it reads a text of kubeadm's on the node, and goes on with what was made of it here."""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Failure, message
from ...module_utils._core.records import Json
from ...module_utils._kubeadm import exchange
from ...module_utils._kubeadm.manifest_render import Facts
from .edit_result import edit_result
from .edits import edit
from .node_configuration import configuration

Call = t.Callable[[Json], Json]
"""A module, run on the node with these options beside the task's own; its result."""


def set_arguments(call: Call, *, check: bool) -> Json:
    """Read, edit, write: the result of a module that sets arguments of etcd. Where somebody else was quicker, and the
    module says that it is worth it, all is done once more."""
    result = _set_arguments(call, check=check)
    if result.pop("conflict", False):
        result = _set_arguments(call, check=check)
        result.pop("conflict", None)
    return result


def _set_arguments(call: Call, *, check: bool) -> Json:
    found = call({})
    asked = found.pop(exchange.FOR_CONTROLLER, None)
    if asked is None:
        return found
    try:
        edited = edit(asked["text"], asked["extra_args"], asked["remove"])
    except Failure as exc:
        said = message(asked["doing"], exc, unchanged="Nothing was changed.")
        return {"failed": True, "changed": False, "msg": said, "code": exc.code}
    changed = edited.text != asked["text"]
    written = call(exchange.edited(asked["text"], edited.text)) if changed and not check else {"changed": changed}
    if written.get("failed"):
        return written
    warnings: list[t.Any] = list(written.get("warnings") or found.get("warnings") or [])
    warnings += [f"{asked['subject']}: {warning}" for warning in edited.warnings]
    return {**found, **written, **edit_result(edited, asked["place"]), **({"warnings": warnings} if warnings else {})}


def change_manifest(call: Call) -> Json:
    """The result of the module that changes the manifest, which may ask for the configuration of its node first."""
    found = call({})
    asked = found.pop(exchange.FOR_CONTROLLER, None)
    if asked is None:
        return found
    node = Facts(**asked["node"])
    return call(exchange.made(lambda: configuration(asked["text"], node, asked["extra_args"], asked["remove"])))


__all__ = ("Call", "change_manifest", "set_arguments")
