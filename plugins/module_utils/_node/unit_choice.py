# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Which unit of this node runs Kubernetes' etcd, if nobody says.

A unit is Kubernetes' if an installer of Kubernetes has written its file, if the API server of this node uses it, if its
CA lies in a directory of Kubernetes, or if keys of Kubernetes are seen at the beginning of its database. An etcd of
anything else, such as Patroni's, has to be named to be worked on.
"""

from __future__ import annotations

import os
import re
import typing as t
from functools import lru_cache
from urllib.parse import urlsplit

from .._core import command, files
from .._core.failures import Failure, Refused
from .._core.units import MIB
from . import pod_variables
from .block_yaml import load
from .installation import KUBESPRAY_FILES
from .settings import Found, MemberSettings, parse_flags
from .static_pods import API_MANIFEST
from .systemd_unit import EtcdUnit, loaded_units
from .unit_settings import settings_of_unit

# Files of variables that installers of Kubernetes write: kubespray, KubeKey and Olares; etcdadm.
_INSTALLERS = (*KUBESPRAY_FILES, "/etc/etcd/etcd.env")
_EVENTS = "events"
_KEYS = re.compile(rb"/registry/(configmaps|events|leases|namespaces|pods|ranges|serviceaccounts|services)/")
_SEEN_BYTES = 16 * MIB


class Candidate(t.NamedTuple):
    """A unit that runs an etcd, or would, and its settings, None if they cannot be read; `has_keys` says whether keys
    of Kubernetes are seen in its database, which is looked into only if its files do not tell."""

    unit: EtcdUnit
    settings: MemberSettings | None
    has_keys: bool = False

    @property
    def name(self) -> str:
        return self.unit.name


class Servers(t.NamedTuple):
    """The URLs of etcd in the manifest of an API server: of all resources, and those of single ones, such as events."""

    main: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.main, *self.others)


def candidates() -> list[Candidate]:
    """The units of this node that run an etcd, or would."""
    return [_candidate(unit) for unit in loaded_units(command.run)]


def _candidate(unit: EtcdUnit) -> Candidate:
    try:
        settings = settings_of_unit(unit)
    except Failure:  # whoever works on it is told why
        return Candidate(unit, None)
    each = Candidate(unit, settings)
    if _sign(each, Servers()):
        return each
    return each._replace(has_keys=has_keys_of_kubernetes(settings.database))


def has_keys_of_kubernetes(database: str) -> bool:
    """Whether the first pages of a database have a key of Kubernetes, as any that an API server has used will."""
    try:
        with files.reading(database) as file:
            return bool(_KEYS.search(file.read(_SEEN_BYTES)))
    except OSError:
        return False


def choose(found: t.Sequence[Candidate], servers: Servers) -> Found:
    """The one that is Kubernetes'; none if none is. Raises Refused if more than one may be the one that is meant."""
    of_kubernetes = [each for each in found if _sign(each, servers)]
    events = [each for each in of_kubernetes if is_of_events(each, servers)]
    main = [each for each in of_kubernetes if each not in events] or events
    if len(main) > 1:
        named = "; ".join(f"{each.name} ({_sign(each, servers)})" for each in main)
        raise Refused(
            "several_etcds",
            f"This node has several etcds that may be Kubernetes': {named}.",
            f"Name the one that is meant, such as {main[0].name}: variables recover_manifest, harden_manifest and"
            " status_manifest of the roles, option manifest of the modules.",
        )
    if not main:
        return Found("")
    return Found(main[0].name, tuple(each.name for each in events if each not in main))


def _sign(each: Candidate, servers: Servers) -> str:
    """What tells that an etcd is Kubernetes', for people; empty if nothing does."""
    for file in each.unit.environment_files:
        if file.path in _INSTALLERS:
            return f"with {file.path}"
    urls = _urls(each)
    if urls & set(servers.all):
        return "the API server of this node uses it"
    if each.settings is None:
        return ""
    if "/kubernetes/" in each.settings.ca_cert:
        return f"with the CA {each.settings.ca_cert}"
    return "with keys of Kubernetes" if each.has_keys else ""


def is_of_events(each: Candidate, servers: Servers) -> bool:
    """Whether an etcd is the second one of a cluster, which has its events alone."""
    urls = _urls(each)
    if urls & set(servers.main):
        return False
    names = (each.name, *(file.path for file in each.unit.environment_files))
    return bool(urls & set(servers.others)) or any(_EVENTS in os.path.basename(name) for name in names)


def _urls(each: Candidate) -> set[str]:
    if each.settings is None:
        return set()
    said = (each.settings.setting("advertise-client-urls"), each.settings.setting("listen-client-urls"))
    return {_plain(url) for text in said for url in text.split(",") if url.strip()}


def _plain(url: str) -> str:
    parts = urlsplit(url.strip())
    return f"{parts.scheme}://{parts.netloc}"


def api_servers_etcd(path: str = API_MANIFEST) -> Servers:
    """The etcds that the API server of this node uses; none if there is none, or its manifest cannot be read."""
    try:
        return _servers_in(files.text(path))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return Servers()


@lru_cache(maxsize=1)
def _servers_in(text: str) -> Servers:
    """The etcds in the manifest of an API server. An inspection reads the same one twice."""
    containers = load(text)["spec"]["containers"]
    return servers_of(parse_flags(pod_variables.words(containers[0])[1:]))


def servers_of(flags: t.Mapping[str, str]) -> Servers:
    """The etcds in the flags of an API server: `--etcd-servers=URL,URL`,
    `--etcd-servers-overrides=RESOURCE#URL;URL,RESOURCE#URL`."""
    overrides = [part.partition("#")[2] for part in flags.get("etcd-servers-overrides", "").split(",")]
    return Servers(
        tuple(_plain(url) for url in flags.get("etcd-servers", "").split(",") if url.strip()),
        tuple(_plain(url) for part in overrides for url in part.split(";") if url.strip()),
    )


__all__ = (
    "Candidate",
    "Servers",
    "api_servers_etcd",
    "candidates",
    "choose",
    "has_keys_of_kubernetes",
    "is_of_events",
    "servers_of",
)
