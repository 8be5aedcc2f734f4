# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Checks of the arguments of etcd in a kubeadm configuration: what is refused, and what users are warned of."""

from __future__ import annotations

import json
import re
import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._kubeadm import flag_values
from ...module_utils._node.settings import variable_of
from . import yaml_nodes
from .arguments import EXTRA_ARGS, Args, entries_of, environment, keep_the_rest, local_etcd
from .documents import Found
from .splices import Plan
from .yaml_style import in_lines, quote

_WHOLE_VERSION = re.compile(r"v?\d+\.\d+\.\d+.*", re.ASCII)


def refuse_environment(found: Found, wanted: t.Mapping[str, str]) -> None:
    """Refuse a flag that a variable sets as well: etcd exits at once then (3.4 to 3.7, "conflicting environment
    variable is shadowed by corresponding command-line flag")."""
    variables = environment(found)
    file = variables.get("ETCD_CONFIG_FILE") if wanted else None
    if file:
        raise Refused(
            "flag_overridden",
            f"etcd.local.extraEnvs in line {found.line(file.start)} sets ETCD_CONFIG_FILE, which makes etcd ignore"
            " every argument.",
            "Set it in that file.",
        )
    for name in wanted:
        variable = variable_of(name)
        node = variables.get(variable)
        if node:
            raise Refused(
                "flag_overridden",
                f"etcd.local.extraEnvs in line {found.line(node.start)} sets {variable}, and etcd does not start when"
                f" {name} is set as well.",
                f"Remove {variable} from extraEnvs first, in the ConfigMap kubeadm-config too.",
            )


def refuse_unreadable(found: Found) -> None:
    """Refuse a file that kubeadm would not read because of its extraArgs or its kubernetesVersion."""
    version = found.document.root.get("kubernetesVersion")
    if version is not None and version.reads_as not in ("string", "null"):
        shown = version.resolved.value
        written = f", {shown}," if shown else ""
        example = f"{shown}.0" if re.fullmatch(r"\d+\.\d+", shown, re.ASCII) else "1.33.0"
        raise Refused(
            "kubeadm_file_invalid",
            f"kubernetesVersion{written} in line {found.line(version.start)} is a {version.reads_as}, not a string:"
            " kubeadm refuses the whole file.",
            f'Write the whole version, in quotes, such as "{example}".',
        )
    local = local_etcd(found)
    args = local.get(EXTRA_ARGS) if local else None
    if (
        args is not None
        and args.empty
        and args.reads_as not in ("null", yaml_nodes.LIST if found.is_list else yaml_nodes.MAP)
    ):
        empty = "[]" if found.is_list else "{}"
        raise Refused(
            "kubeadm_file_invalid",
            f"etcd.local.extraArgs in line {found.line(args.start)} is an empty {args.reads_as}, but {found.version}"
            f" expects {empty} there: kubeadm refuses it.",
            "Remove the line.",
        )
    for entry in entries_of(found):
        if entry.text is None and entry.value is not None:
            shown = entry.value.resolved.value if entry.value.resolved.kind == yaml_nodes.SCALAR else ""
            written = f", {shown}," if shown else ""
            raise Refused(
                "kubeadm_file_invalid",
                f"{entry.name}{written} in line {found.line(entry.value.start)} is a {entry.value.reads_as}, not a"
                " string: kubeadm refuses the whole file.",
                f"Put it in quotes{': ' + quote(shown) if shown else ''}, or set it in extra_args.",
            )


def findings_of(found: Found, after: Args, wanted: t.Mapping[str, str]) -> list[str]:
    """Findings on what an edit leaves unchanged and kubeadm or etcd may stumble over, one sentence each."""
    said = flag_values.problems(after)
    names = [entry.name for entry in entries_of(found)]
    said += [
        f"{name} is given more than once: the last one counts"
        f"{', with older versions of kubeadm the one that sorts last.' if found.is_list else '.'}"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    said += [
        f"etcd.local.extraEnvs sets {variable_of(name)} and extraArgs {name}: etcd does not start with both."
        for name in after
        if name not in wanted and variable_of(name) in environment(found)
    ]
    local = local_etcd(found)
    said += [
        f"etcd.local.{key.text} in line {found.line(key.start)} is unknown to kubeadm, which ignores it; the"
        " correct name is extraArgs."
        for key, _value in (local.pairs if local else ())
        if key.text and key.text != EXTRA_ARGS and re.fullmatch("extra[-_]?args?", key.text, re.IGNORECASE)
    ]
    version = found.document.root.get("kubernetesVersion")
    if version is not None and version.text and not _WHOLE_VERSION.fullmatch(version.text):
        said.append(
            f"kubernetesVersion is {version.text!r}, not a whole version such as v1.33.0: kubeadm refuses it, or looks"
            " it up on the internet, or else uses its own version, and chooses the image of etcd by it."
        )
    elif version is None or not version.text:
        said.append(
            "No kubernetesVersion is given: kubeadm looks it up on the internet, or else uses its own version, and"
            " chooses the image of etcd by it."
        )
    return said


def lines_by_hand(found: Found, plan: Plan) -> str:
    """All of etcd.local.extraArgs as it should be, for somebody who edits the file by hand."""
    left = [(entry, entry.shown if value is None else value) for entry, value in plan.left]
    wanted = [*((entry.name, value) for entry, value in left), *plan.added]
    if not wanted:
        return "Remove etcd.local.extraArgs by hand."
    keep = keep_the_rest(found)
    more = [entry.name for entry, _value in left if entry.rest()]
    keep += f"Keep the other keys of {', '.join(more)}. " if more else ""
    if found.document.root.flow:
        listed = [{"name": name, "value": value} for name, value in wanted] if found.is_list else dict(wanted)
        made = json.dumps({"etcd": {"local": {EXTRA_ARGS: listed}}}, ensure_ascii=False)
        return f"{keep}Write this by hand: {made}"
    return keep + in_lines(found.is_list, wanted)


__all__ = ("findings_of", "lines_by_hand", "refuse_environment", "refuse_unreadable")
