# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What a module on the node and its action plugin on the controller hand to each other.

YAML that people wrote is read on the controller, which has PyYAML; many nodes have not. A module that comes to such a
text returns it, having changed nothing, and is called once more with what the controller has made of it.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._core.failures import Failure, Refused
from .._core.records import Json
from .backups import DEFAULT_BACKUP_DIR

# The key of a result, and the option of the second call.
FOR_CONTROLLER, FROM_CONTROLLER = "for_controller", "from_controller"

# A text of kubeadm's may hold tokens, so no log is to have it.
EXCHANGE_SPEC: Json = {FROM_CONTROLLER: {"type": "str", "no_log": True}}
EXTRA_ARGS_SPEC: Json = {
    **EXCHANGE_SPEC,
    "backup_dir": {"type": "path", "default": DEFAULT_BACKUP_DIR},
    "extra_args": {"type": "dict", "default": {}},
    "remove": {"type": "list", "elements": "str", "default": []},
}


class NewText(t.NamedTuple):
    """The text that is to be written in the place of one with this fingerprint."""

    sha256: str
    text: str


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def to_edit(params: Json, text: str, *, doing: str, place: str, subject: str) -> Json:
    """The result of a first call, for an edit: `doing` begins the message of a failure, `place` names the text in a
    diff, `subject` in a warning."""
    wanted = {name: params[name] for name in ("extra_args", "remove")}
    return {FOR_CONTROLLER: {**wanted, "text": text, "doing": doing, "place": place, "subject": subject}}


def edited(old: str, new: str) -> Json:
    """The option of a second call that is to write."""
    return {FROM_CONTROLLER: json.dumps({"sha256": fingerprint(old), "text": new})}


def received_text(params: Json) -> NewText | None:
    """The text that a second call is to write; None in a first one."""
    told = params[FROM_CONTROLLER]
    return NewText(**json.loads(told)) if told else None


def made(make: t.Callable[[], str]) -> Json:
    """The option of a second call that needs what `make` returns, or its failure."""
    try:
        told: Json = {"text": make()}
    except Failure as exc:
        kind = "refused" if isinstance(exc, Refused) else "failed"
        told = {kind: {"code": exc.code, "reason": exc.reason, "advice": exc.advice}}
    return {FROM_CONTROLLER: json.dumps(told)}


def received(told: str) -> str:
    """What the controller has made. Raises Failure if it could not."""
    found: Json = json.loads(told)
    for kind, error in (("refused", Refused), ("failed", Failure)):
        if kind in found:
            raise error(**found[kind])
    return str(found["text"])


__all__ = (
    "EXCHANGE_SPEC",
    "EXTRA_ARGS_SPEC",
    "FOR_CONTROLLER",
    "FROM_CONTROLLER",
    "NewText",
    "edited",
    "fingerprint",
    "made",
    "received",
    "received_text",
    "to_edit",
)
