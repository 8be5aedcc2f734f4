# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What the modules that set arguments of etcd in a kubeadm configuration have in common."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._etcd.transport import Json
from . import backups as files
from . import edits
from .edits import Edited
from .errors import ConfigRefused, PyYamlMissing

_ENVS = re.compile(r"([ -]*)extraEnvs:\s*([^\s#])?")
_NAME = re.compile(r"(- +)?name:")
_VALUE = re.compile(r"^( *(?:- +)?(?:[\w]+: *)?)[^\r\n]+")

Configure = t.Callable[..., t.Tuple[Json, t.Tuple[str, ...]]]

EXTRA_ARGS_SPEC: Json = {
    "backup_dir": {"type": "path", "default": files.DEFAULT_BACKUP_DIR},
    "extra_args": {"type": "dict", "default": {}},
    "remove": {"type": "list", "elements": "str", "default": []},
}


def masked(text: str) -> str:
    """A configuration for people, without the values of any extraEnvs, which may be secret."""
    lines: list[str] = []
    depth: int | None = None
    for line in text.splitlines(keepends=True):
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if depth is not None and bare.strip() and (indent, bare[0] == "-") <= (depth, False):
            depth = None
        if depth is not None and not _NAME.match(bare):
            line = _VALUE.sub(r'\1"***"', line)
        found = _ENVS.match(line)
        if found:
            depth = len(found[1])
            line = _VALUE.sub(r'\1"***"', line) if found[2] else line
        lines.append(line)
    return "".join(lines)


def edit_result(edited: Edited, place: str) -> Json:
    """What such a module returns of an edit; the diff shows no other document of `place`."""
    before = edits.read(edited.before)
    return {
        "extra_args": edited.extra_args,
        "replaced": {name: value for name, value in before.items() if edited.extra_args.get(name) != value},
        "diff": {
            "before": masked(edited.before),
            "after": masked(edited.after),
            "before_header": f"{place} (ClusterConfiguration)",
            "after_header": f"{place} (ClusterConfiguration)",
        },
    }


def run(module: AnsibleModule, configure: Configure, *, place: str, about: str) -> None:
    """Run a module's body, which gives the result and warnings, and end with it or with one message. `place` is where
    arguments are set, `about` what warnings begin with."""
    doing = f"Setting etcd.local.extraArgs in {place}"
    try:
        result, warnings = configure(module.params, check=module.check_mode)
    except ConfigRefused as exc:
        module.fail_json(msg=f"{doing} was refused. {exc} Nothing was changed. {exc.advice}".rstrip())
    except PyYamlMissing as exc:
        module.fail_json(msg=f"{doing} failed. {exc} Nothing was changed.")
    except OSError as exc:
        module.fail_json(msg=f"{doing} failed: {exc}. Nothing was changed. {files.next_step(exc)}".rstrip())
    for warning in warnings:
        module.warn(f"{about}: {warning}")
    module.exit_json(**result)


__all__ = ("EXTRA_ARGS_SPEC", "edit_result", "run")
