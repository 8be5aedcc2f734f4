# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The manifest that is to be written: the running one with other flags, or the one that kubeadm writes for this
node."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace

from .._core import files
from .._core.failures import Failure, Refused, refuse
from .._core.records import Json
from .._etcd.errors import EtcdError
from .._kubeadm import (
    config,
    configmap,
    exchange,
    flag_values,
    known_flags,
    kubectl,
    manifest_diff,
    manifest_edit,
    manifest_render,
)
from .._kubeadm.manifest_edit import Edited
from .._node.apiserver import API_MANIFEST
from .._node.etcd_manifest import parse_manifest
from .rollout import Rollout

# The files that name the kubelet's runtime: up to about 1.34 the first one.
_KUBELET_FILES = ("/var/lib/kubelet/kubeadm-flags.env", "/var/lib/kubelet/instance-config.yaml")
_PATCH = "Fix that, or use the method patch, which needs neither kubeadm nor its configuration."


@dataclass(frozen=True)
class Target:
    """The manifest that is to be written: its `text`, the flags that differ, and how it was made. `reason` is why
    kubeadm was not asked, or its manifest not taken."""

    text: str
    edited: Edited
    method: str
    differences: tuple[str, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()


class ControllerNeeded(Exception):
    """kubeadm is to be asked, and only the controller can write the configuration for it. `asked` is for that."""

    def __init__(self, asked: Json) -> None:
        super().__init__()
        self.asked = asked


def choose_target(rollout: Rollout) -> Target:
    """The manifest with the flags that the options ask for, by the method that they ask for. Raises ControllerNeeded,
    Failure, OSError."""
    method, remove = rollout.options.method, rollout.options.remove
    running = rollout.manifest
    settings = flag_values.checked(rollout.options.extra_args, remove, running.flags)
    edited = manifest_edit.edit(rollout.text, settings.wanted, remove)
    _refuse_identity_flags(edited)
    refuse(known_flags.environment_refusal(settings.wanted, running.env))
    _refuse_unknown_flags(rollout, edited)
    patched = Target(edited.text, edited, "patch", warnings=settings.warnings)
    # If no flag changes, other differences are ignored.
    if method == "patch" or (method == "auto" and edited.text == rollout.text):
        return patched
    try:
        rendered = _render(rollout)
    except (Failure, OSError) as exc:
        if method == "auto":
            return replace(patched, reason=f"{str(exc).rstrip('.')}.")
        if isinstance(exc, Failure) and not isinstance(exc, Refused):
            exc.advice = f"{exc.advice} {_PATCH}".lstrip()
        raise
    differences = tuple(manifest_diff.differences(edited.text, rendered.text))
    if differences and method == "auto":
        return replace(patched, differences=differences, reason="kubeadm's manifest differs in more than these flags.")
    if not differences and edited.text == rollout.text:  # its order and spelling alone are no reason for a restart
        return replace(patched, method="kubeadm")
    _refuse_another_member(rollout, rendered)
    _refuse_unknown_flags(rollout, rendered)
    return Target(rendered.text, rendered, "kubeadm", differences, warnings=settings.warnings)


def _render(rollout: Rollout) -> Edited:
    """kubeadm's manifest for this node, with these flags. Raises ControllerNeeded, Failure, OSError."""
    options = rollout.options
    if options.from_controller is None:
        raise ControllerNeeded(_asked(rollout))
    rendered = manifest_render.render(exchange.received(options.from_controller))
    kept = manifest_render.keep_cluster_flags(rendered, rollout.manifest.flags)
    return Edited(kept.text, dict(rollout.manifest.flags), kept.after)


def _asked(rollout: Rollout) -> Json:
    """The cluster's configuration, and what is to become of it. Raises Failure, OSError."""
    options = rollout.options
    apiserver = os.path.join(os.path.dirname(rollout.path), os.path.basename(API_MANIFEST))
    node = manifest_render.facts(rollout.text, _content(apiserver), [_content(path) for path in _KUBELET_FILES])
    if options.kubeadm_config:
        text = config.text_of(config.read(options.kubeadm_config))
    else:
        text = configmap.read(kubectl.Kubectl(kubeconfig=options.kubeconfig, apiserver_manifest=apiserver)).text
    return {"text": text, "node": asdict(node), "extra_args": options.extra_args, "remove": options.remove}


def _content(path: str) -> str:
    """A file's text, empty if it cannot be read."""
    try:
        return files.text(path, errors="replace")
    except OSError:
        return ""


def _refuse_identity_flags(edited: Edited) -> None:
    """Refuse to change a flag that is part of what the member is."""
    before, after = edited.differing
    refuse(known_flags.member_refusal({**before, **after}))


def _refuse_another_member(rollout: Rollout, rendered: Edited) -> None:
    """Refuse a manifest of kubeadm that is not that of this member, even with the method kubeadm."""
    _refuse_identity_flags(rendered)
    new = parse_manifest(rendered.text, rollout.path)
    if (new.image, new.mounts) != (rollout.manifest.image, rollout.manifest.mounts):
        raise Refused(
            "not_rendered",
            "kubeadm's manifest has a different image or different volumes from the running one: that is more than a"
            " change of flags.",
            "Use the method patch, or fix these first.",
        )


def _refuse_unknown_flags(rollout: Rollout, edited: Edited) -> None:
    """Refuse flags that the etcd of the image would not start with."""
    _before, after = edited.differing
    version = known_flags.version_of_image(rollout.manifest.image)
    if not version:
        try:
            version = rollout.member().endpoint.status().version
        except EtcdError:
            return
    refuse(known_flags.version_refusal(version, after))


__all__ = ("ControllerNeeded", "Target", "choose_target")
