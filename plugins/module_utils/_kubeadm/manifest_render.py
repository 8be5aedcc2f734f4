# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The manifest that kubeadm itself would write for this node, obtained without writing it to its place.

kubeadm is given everything that it would take from the machine or the internet: name and address of the node, the
versions that run. Then it needs neither a network nor an API server.
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._core import command, files
from .._core.failures import Failure
from .._node.block_yaml import load
from . import manifest_edit
from .manifest_edit import Edited

_SECONDS = 60.0
_ANNOTATION = "kubeadm.kubernetes.io/etcd.advertise-client-urls"
# A joined member has these from the moment it joined. Without them one that has lost its data would come up as a
# healthy cluster of its own.
_OF_THE_CLUSTER = ("initial-cluster", "initial-cluster-state")
_IMAGE = re.compile(r"(?P<repository>[^@]+)/etcd:(?P<tag>[\w.-]+)", re.ASCII)
_VERSION = re.compile(r":(v\d+\.\d+\.\d+[\w.-]*)$", re.ASCII)
_CRI_SOCKET = re.compile(r"""(?:--container-runtime-endpoint=|^containerRuntimeEndpoint:\s*)["']?([^"'\s]+)""", re.M)


@dataclass(frozen=True)
class Facts:
    """The facts of the node that kubeadm is told. `cri_socket` and `kubernetes_version` are empty if they are not
    known."""

    name: str
    address: str
    repository: str
    tag: str
    cri_socket: str = ""
    kubernetes_version: str = ""


def facts(manifest: str, apiserver: str = "", kubelet: t.Iterable[str] = ()) -> Facts:
    """The node, from the texts of its own files: the manifests of etcd and of the API server, and what the kubelet is
    started with. Raises Failure."""
    flags, body = manifest_edit.flags(manifest), load(manifest)
    container = next(each for each in body["spec"]["containers"] if each.get("name") == "etcd")
    image = _IMAGE.fullmatch(str(container.get("image")))
    if not image:
        raise Failure("not_rendered", f"kubeadm cannot be made to use the image {container.get('image')}.")
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    urls = str(annotations.get(_ANNOTATION) or flags.get("advertise-client-urls", ""))
    try:
        address = urlsplit(urls.partition(",")[0]).hostname
    except ValueError:  # half of an IPv6 address
        address = None
    if "name" not in flags or not address:
        raise Failure("not_rendered", "The manifest does not give the member's name and address.")
    sockets = [match[1] for text in kubelet for match in _CRI_SOCKET.finditer(text)]
    return Facts(
        flags["name"],
        address,
        image["repository"],
        image["tag"],
        sockets[0] if sockets else "",
        _version_of(apiserver),
    )


def _version_of(apiserver: str) -> str:
    try:
        image = str(load(apiserver)["spec"]["containers"][0]["image"])
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    match = _VERSION.search(image)
    return match[1] if match else ""


def keep_cluster_flags(rendered: str, running: t.Mapping[str, str]) -> Edited:
    """kubeadm's manifest with what the running one says of the cluster that this member joined. Raises Refused."""
    own = {name: running[name] for name in _OF_THE_CLUSTER if name in running}
    return manifest_edit.put(rendered, own, [name for name in _OF_THE_CLUSTER if name not in running])


# --- the edge ---


def render(config: str) -> str:
    """The manifest that kubeadm writes for this configuration, from one temporary file to another. Raises Failure,
    OSError."""
    program = command.installed("kubeadm")
    if not program:
        raise Failure("not_rendered", "There is no kubeadm on this node.")
    with tempfile.TemporaryDirectory(prefix="etcd-manifest-") as directory:
        path, out = os.path.join(directory, "config.yaml"), os.path.join(directory, "out")
        os.mkdir(out)
        files.create(path, config.encode("utf-8"))
        done = command.execute(
            [program, "init", "phase", "etcd", "local", "--dry-run", f"--config={path}"],
            timeout=_SECONDS,
            env={"HOME": directory, "KUBEADM_INIT_DRYRUN_DIR": out},
        )
        if done.code is None:
            raise Failure("not_rendered", f"{os.path.basename(program)} had not finished after {_SECONDS:.0f} s.")
        if done.code != 0:
            raise Failure("not_rendered", f"kubeadm did not write the manifest: {_last_line(done.err)}.")
        # Up to 1.31 it makes directories of its own in there.
        found = [os.path.join(root, name) for root, _dirs, names in os.walk(out) for name in names]
        found = [path for path in found if os.path.basename(path) == "etcd.yaml"]
        if len(found) != 1:
            raise Failure("not_rendered", "kubeadm succeeded but wrote no manifest of etcd.")
        return files.content(found[0]).decode("utf-8")


def _last_line(text: str) -> str:
    """The last line that a program of Kubernetes prints, without the advice to make it say more."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("To see the stack")]
    last = lines[-1] if lines else "it does not say why"
    return (last[len("error: ") :] if last.startswith("error: ") else last)[:500].rstrip(".")


__all__ = ("Facts", "facts", "keep_cluster_flags", "render")
