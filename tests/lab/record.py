# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of all keys of a cluster, to tell whether a recovery kept them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from lab.client import Client


class Entry(NamedTuple):
    """A key's last revision and the SHA-256 of its value."""

    mod_revision: int
    digest: str


@dataclass(frozen=True)
class Record:
    """All keys at one revision; ``leased`` are those that are deleted when their lease expires."""

    entries: dict[str, Entry]
    leased: frozenset[str]

    @classmethod
    def take(cls, client: Client) -> Self:
        """Read every key through one member."""
        entries, leased = {}, set()
        for found in client.scan():
            # As Latin-1 every key of etcd is a text, and no two are the same one.
            key = found.key.decode("latin-1")
            entries[key] = Entry(found.mod_revision, hashlib.sha256(found.value).hexdigest())
            if found.lease:
                leased.add(key)
        return cls(entries, frozenset(leased))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record from its file."""
        kept = json.loads(path.read_text("utf-8"))
        return cls({key: Entry(*entry) for key, entry in kept["entries"].items()}, frozenset(kept["leased"]))

    def write(self, path: Path) -> None:
        """Keep the record in a file."""
        path.write_text(json.dumps({"entries": self.entries, "leased": sorted(self.leased)}, indent=0), "utf-8")

    def losses(self, now: Record, *, living: tuple[str, ...] = (), changed: Collection[str] = ()) -> list[str]:
        """Return what is not any more as it was in this record, one sentence each.

        Keys with a lease may be gone, those that begin with one of ``living`` may have another value, and those in
        ``changed`` have to have one.
        """
        losses = []
        for key, entry in self.entries.items():
            if key not in now.entries:
                if key not in self.leased:
                    losses.append(f"{key} is gone")
                continue
            same = now.entries[key].digest == entry.digest
            if same and key in changed:
                losses.append(f"{key} has still its old value")
            elif not same and key not in changed and not key.startswith(living):
                losses.append(f"{key} has another value")
        return losses
