# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of lab nodes: from nothing to healthy members, and down again without a trace."""

from __future__ import annotations

import atexit
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from lab.errors import EtcdError, LabError
from lab.loopback import manifest
from lab.loopback.addresses import Range
from lab.loopback.lifecycle import Startable
from lab.loopback.member import Layout, MemberProcess, Members
from lab.pki import Authority, write_node_pki

DEFAULT_VERSION = "3.6.16"
# etcd refuses new members until all have been connected for 5 s.
_ADD_SECONDS = 30.0
_POLL_SECONDS = 0.05


class Cluster(Members, Startable):
    """Nodes that share one authority and one member list.

    The constructor writes all files, so a test may edit a manifest before ``start``. As a context manager it starts the
    cluster and removes every process and mount at the end; the files stay in ``directory``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        members: int = 3,
        version: str = DEFAULT_VERSION,
        quota_bytes: int | None = None,
        flags: Mapping[str, str | None] | None = None,
        env: Mapping[str, str] | None = None,
        prefix: str = "cp",
        ipv6: bool = False,
        advertise_peer_url: str | None = None,
        tmpfs_mib: int | None = None,
    ) -> None:
        """Lay out ``members`` nodes named ``<prefix>1`` and up in ``directory``; nothing is started yet.

        ``quota_bytes`` is etcd's quota (None: its default of 2 GiB), ``flags`` are further flags without dashes that
        win over the manifest's own (None leaves one out), ``env`` is the container's environment. ``ipv6`` puts all
        nodes on ::1 with ports of their own. ``advertise_peer_url`` is for a cluster of one: unrelated clusters that
        advertise the same URL have the same cluster id. ``tmpfs_mib`` puts every data directory on a file system of
        that size (needs root).
        """
        if advertise_peer_url and members != 1:
            raise LabError("only a cluster of one can advertise a peer URL that is not its own")
        super().__init__(directory.resolve())
        self.version = version
        self.authority = Authority.create()
        self._flags: dict[str, str | None] = {}
        if quota_bytes is not None:
            self._flags["quota-backend-bytes"] = str(quota_bytes)
        self._flags.update(flags or {})
        self._env = dict(env or {})
        self._prefix = prefix
        self._tmpfs_mib = tmpfs_mib
        self._mounts: list[Path] = []
        self._range = Range(ipv6=ipv6)
        atexit.register(self.close)
        try:
            self.nodes += [self._lay_out(number) for number in range(members)]
            peers = {node.name: advertise_peer_url or node.peer_url for node in self.nodes}
            for node in self.nodes:
                self._write_manifest(node, peers, joins_existing=False)
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start all nodes that do not run and wait until each serves and knows the leader.

        Each is started the moment the one before it serves, since that is quicker than all at once: a member asks the
        others about the cluster first and, with data and kubeadm's flags, for their hashes. It does not wait for one
        that is not there, but for seconds for each that is there and does not serve yet.
        """
        for node in self.nodes:
            node.start(wait=False)
            node.await_serving()
        for node in self.nodes:
            node.await_ready()

    def stop(self) -> None:
        """Stop all members in their own way, the leader last; ``start`` brings them back with their data.

        A leader that is stopped together with the others tries for 7 s to hand the leadership to one of them.
        """
        leaders = [node for node in self.nodes if node.leads]
        for group in ([node for node in self.nodes if node not in leaders], leaders):
            for node in group:
                node.terminate()
            for node in group:
                node.await_exit()

    def close(self) -> None:
        """Kill all members, unmount, give the addresses back. Final, and harmless when called again."""
        for node in self.nodes:
            node.kill()
        while self._mounts:
            subprocess.run(["umount", str(self._mounts.pop())], check=False)
        self._range.close()
        atexit.unregister(self.close)

    def add_member(self, *, learner: bool = False, start: bool = True) -> MemberProcess:
        """Add a node and announce its member; with ``start`` also start it and wait until it serves."""
        node = self._lay_out(len(self.nodes))
        self._announce(node, learner=learner)
        self.nodes.append(node)
        # kubeadm, too, lists the members there are, with the one that joins.
        peers = {member.name: member.peer_url for member in self.nodes}
        self._write_manifest(node, peers, joins_existing=True)
        if start:
            node.start()
        return node

    def _announce(self, node: MemberProcess, *, learner: bool) -> None:
        deadline = time.monotonic() + _ADD_SECONDS
        while True:
            with self.leader().client() as client:
                try:
                    client.add_member(node.peer_url, learner=learner)
                    return
                except EtcdError as error:
                    if "unhealthy cluster" not in error.message or time.monotonic() > deadline:
                        raise
            time.sleep(_POLL_SECONDS)

    def _lay_out(self, number: int) -> MemberProcess:
        name = f"{self._prefix}{number + 1}"
        layout = Layout(self.directory / name)
        layout.create()
        endpoint = self._range[number]
        write_node_pki(self.authority, layout.pki, name, endpoint.address)
        if self._tmpfs_mib:
            options = f"size={self._tmpfs_mib}m,mode=0700"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "etcd-lab", str(layout.data_dir)], check=True)
            self._mounts.append(layout.data_dir)
        return MemberProcess(name, layout, endpoint, self.version)

    def _write_manifest(self, node: MemberProcess, peers: Mapping[str, str], *, joins_existing: bool) -> None:
        text = manifest.render(
            manifest.MemberSpec(
                name=node.name,
                version=node.version,
                data_dir=node.data_dir,
                pki_dir=node.pki / "etcd",
                client_url=node.client_url,
                peer_url=node.peer_url,
                metrics_url=node.metrics_url,
                metrics_host=node.address,
                advertise_peer_url=peers[node.name],
                initial_cluster=peers,
                joins_existing=joins_existing,
                flags=self._flags,
                env=self._env,
            )
        )
        # kubeadm's mode.
        node.manifest.touch(mode=0o600)
        node.manifest.write_text(text, "utf-8")
