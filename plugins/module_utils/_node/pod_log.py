# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The last words of etcd's container, from the files that every runtime keeps under /var/log/pods."""

from __future__ import annotations

import glob
import json
import os
import re

PODS = "/var/log/pods"
_TAIL_BYTES = 16384
_CRI_PREFIX = re.compile(r"^\S+ (?:stdout|stderr) [FP] ")
# With these etcd ends before its logger is set up; its usage comes after them.
_REFUSED_FLAG = re.compile(r"flag provided but not defined|invalid (boolean )?value .* for|flag needs an argument")
_WORTH_READING = ("warn", "error", "panic", "fatal", "dpanic")


def last_words(count: int = 3, pods: str = PODS) -> list[str]:
    """The last lines of etcd that are worth reading: warnings and worse where it writes JSON, else the last ones."""
    return sentences(_lines(0.0, pods))[-count:]


def refused_flag(since: float, pods: str = PODS) -> str | None:
    """What etcd has said of a flag that it does not start with, in a log that was written to after `since`, in seconds
    since 1970; None where it has said no such thing."""
    return next((line for line in map(_bare, _lines(since, pods)) if _REFUSED_FLAG.match(line)), None)


def _lines(since: float, pods: str) -> list[str]:
    """The end of the newest log, where that is newer than `since`."""
    files = glob.glob(os.path.join(pods, "kube-system_etcd-*", "etcd", "*.log"))
    try:
        newest = max(files, key=os.path.getmtime, default=None)
        if newest is None or os.path.getmtime(newest) < since:
            return []
        with open(newest, "rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - _TAIL_BYTES, 0))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def sentences(lines: list[str]) -> list[str]:
    """What log lines say, without what a runtime and etcd's own logger put around it."""
    bare = [_bare(line) for line in lines]
    said = [found for found in map(_of_json, bare) if found]
    said += [line[:300] for line in bare if _REFUSED_FLAG.match(line)]
    return said or [line[:300] for line in bare if line.strip()]


def _bare(line: str) -> str:
    return _CRI_PREFIX.sub("", _of_docker(line))


def _of_docker(line: str) -> str:
    """Docker writes JSON of its own around each line."""
    try:
        return str(json.loads(line)["log"]).rstrip("\n")
    except (ValueError, KeyError, TypeError):
        return line


def _of_json(line: str) -> str | None:
    try:
        body = json.loads(line)
        if body["level"] not in _WORTH_READING:
            return None
        error = f" ({body['error']})" if body.get("error") else ""
        return f"{body['level']}: {body['msg']}{error}"[:300]
    except (ValueError, KeyError, TypeError):
        return None


__all__ = ("PODS", "last_words", "refused_flag", "sentences")
