# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The certificate and key with which a node asks its own member, among those that installers leave on it.

Their names are those of kubeadm, kubespray and KubeKey, RKE2 and k3s, and etcdadm. None of them gives etcd users of its
own, so that each of these certificates may do everything.
"""

from __future__ import annotations

import os
import typing as t

from .._core import files
from .._etcd.x509 import ANY_USE, CLIENT_AUTH, NamesAndUses, names_and_uses


class Pair(t.NamedTuple):
    """A certificate and its key."""

    cert: str
    key: str


def choose(ca_cert: str, server: Pair, exists: t.Callable[[str], bool]) -> Pair:
    """The first pair that is there, and that etcd would take from a client as far as can be told; else the server's."""
    there = (pair for pair in known(ca_cert, server) if exists(pair.cert) and exists(pair.key))
    return next((pair for pair in there if may_serve(pair.cert, ca_cert)), server)


def known(ca_cert: str, server: Pair) -> list[Pair]:
    """The pairs that installers make beside this CA and this server's certificate."""
    directory = os.path.dirname(ca_cert)
    above = os.path.dirname(directory)
    kubeadm = [
        Pair(f"{stem}.crt", f"{stem}.key")
        for stem in (os.path.join(directory, "healthcheck-client"), os.path.join(above, "apiserver-etcd-client"))
    ]
    place, name = os.path.split(server.cert)
    host = name[len("member-") : -len(".pem")] if name.startswith("member-") and name.endswith(".pem") else ""
    kubespray = [
        Pair(os.path.join(place, f"{use}-{host}.pem"), os.path.join(place, f"{use}-{host}-key.pem"))
        for use in ("admin", "member", "node")
        if host
    ]
    others = [
        Pair(os.path.join(directory, f"{stem}.crt"), os.path.join(directory, f"{stem}.key"))
        for stem in ("client", "etcdctl-etcd-client", "apiserver-etcd-client")
    ]
    return [*kubeadm, *kubespray, *others]


def may_serve(cert: str, ca_cert: str) -> bool:
    """Whether a certificate is of this CA and for clients. One that cannot be read counts: etcd says what is wrong."""
    try:
        found = _of_file(cert)[0]
        issuers = {each.subject for each in _of_file(ca_cert)}
    except (OSError, ValueError):
        return True
    return found.issuer in issuers and (not found.uses or bool(found.uses & {CLIENT_AUTH, ANY_USE}))


def _of_file(path: str) -> list[NamesAndUses]:
    return names_and_uses(files.text(path, encoding="ascii", errors="replace"))


__all__ = ("Pair", "choose", "known", "may_serve")
