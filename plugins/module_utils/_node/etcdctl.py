# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The etcdctl of this node: that beside its running etcd, in whose container it may be, or else one of the node's own.

One of a container gets a directory of its own, with copies of the certificates and the key, and nothing else of the
node.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from .._core import command, files
from .._core.command import NOT_STARTED, CommandResult
from .._etcd.transport import TlsFiles
from . import container, process
from .settings import MemberSettings

_PRIVATE = "/run"  # kept in memory: what a killed run leaves there is gone with the next boot


class Etcdctl:
    """Runs etcdctl with the TLS files. `manifest` is that of this node's etcd, None if it has none."""

    def __init__(
        self,
        manifest: MemberSettings | None,
        tls: TlsFiles | None,
        *,
        run_inside: t.Callable[..., CommandResult] = container.run,
    ) -> None:
        self._manifest, self._tls, self._run_inside = manifest, tls, run_inside

    def __call__(self, words: t.Sequence[str], stdin: str, timeout: float) -> CommandResult:
        """Exit code 127 if there is none that can be started."""
        beside = self._beside_etcd(words, stdin, timeout)
        if beside.code != NOT_STARTED:
            return beside
        program = command.installed("etcdctl")
        if program is None:
            return CommandResult(NOT_STARTED, "", f"{beside.output}; none is in PATH")
        options = [word for name, path in _files(self._tls).items() for word in (f"--{name}", path)]
        try:
            return command.execute([program, *options, *words], timeout=timeout, env=container.ENVIRONMENT, stdin=stdin)
        except OSError as exc:
            return CommandResult(NOT_STARTED, "", f"{beside.output}; {program}: {exc}")

    def _beside_etcd(self, words: t.Sequence[str], stdin: str, timeout: float) -> CommandResult:
        """As the whole, by the one beside the etcd of the manifest."""
        pid = process.find(self._manifest) if self._manifest else None
        program = container.path_beside(pid, "etcdctl") if pid else None
        if pid is None or program is None:
            return CommandResult(NOT_STARTED, "", "no etcd of a manifest runs on this node")
        above = None
        try:
            above = tempfile.mkdtemp(dir=_PRIVATE if os.access(_PRIVATE, os.W_OK) else None, prefix="etcdctl-")
            room = os.path.join(above, "room")
            os.mkdir(room, 0o700)
            options = copy_tls(self._tls, room)
            os.chown(room, container.user(), -1)
            outcome = self._run_inside(pid, [program, *options, *words], room, timeout, stdin)
        except OSError as exc:
            return CommandResult(NOT_STARTED, "", str(exc))
        finally:
            if above:
                shutil.rmtree(above, ignore_errors=True)
        if outcome.code == NOT_STARTED:
            return CommandResult(NOT_STARTED, "", f"none beside its etcd ({outcome.output})")
        return outcome


def copy_tls(tls: TlsFiles | None, room: str) -> list[str]:
    """The options of etcdctl for copies of the files, made for a container's programs in their directory. Raises
    OSError."""
    for name, source in _files(tls).items():
        copy = os.path.join(room, name)
        files.create(copy, files.content(source))
        os.chown(copy, container.user(), -1)
    return [word for name in _files(tls) for word in (f"--{name}", name)]


def _files(tls: TlsFiles | None) -> dict[str, str]:
    """The paths by the names of etcdctl's options."""
    return {"cacert": tls.ca_cert, "cert": tls.client_cert, "key": tls.client_key} if tls else {}


__all__ = ("Etcdctl", "copy_tls")
