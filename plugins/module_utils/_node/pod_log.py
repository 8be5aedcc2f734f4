# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The last log lines of etcd's container, from the files that every runtime keeps under /var/log/pods."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re

from .._core.files import reading

PODS = "/var/log/pods"
_TAIL_BYTES = 16384
_CRI_PREFIX = re.compile(r"^\S+ (?:stdout|stderr) [FP] ")
# With these etcd exits before its logger is set up, and prints its usage after them.
_REFUSED_FLAG = re.compile(r"flag provided but not defined|invalid (boolean )?value .* for|flag needs an argument")
# The same of its configuration file, or of values that do not go together: that is logged (etcdmain, 3.5 to 3.7).
_REFUSED_VALUE = "failed to verify flags"
_ADDRESS_IN_USE = "bind: address already in use"
_WORTH_READING = ("warn", "error", "panic", "fatal", "dpanic")


def last_words(count: int = 3, pods: str = PODS) -> list[str]:
    """The last lines of etcd that are worth reading: warnings and worse if it writes JSON, else the last ones."""
    return sentences(_lines(0.0, pods))[-count:]


def refused_flag(since: float, pods: str = PODS) -> str | None:
    """The line about a flag or a value that etcd does not start with, in a log that was written to after `since`, in
    seconds since 1970; None if there is none."""
    lines = list(map(_bare, _lines(since, pods)))
    refused = (line if _REFUSED_FLAG.match(line) else _refused_value(line) for line in lines)
    return next(filter(None, refused), None)


def _refused_value(line: str) -> str | None:
    message = _message(line) or ""
    return message if _REFUSED_VALUE in message else None


def address_in_use(since: float, pods: str = PODS) -> bool:
    """Whether an etcd has exited after `since`, in seconds since 1970, because another one has its address."""
    return any(_ADDRESS_IN_USE in line for log in _logs(since, pods) for line in _tail(log))


def _lines(since: float, pods: str) -> list[str]:
    """The last lines of the newest log, empty if that is not newer than `since`."""
    logs = _logs(since, pods)
    return _tail(logs[-1]) if logs else []


def _logs(since: float, pods: str) -> list[str]:
    """The logs that were written to after `since`, the newest last."""
    found = []
    for path in glob.glob(os.path.join(pods, "kube-system_etcd-*", "etcd", "*.log")):
        with contextlib.suppress(OSError):
            found.append((os.path.getmtime(path), path))
    return [path for written, path in sorted(found) if written >= since]


def _tail(path: str) -> list[str]:
    """The last lines of a file, none if it cannot be read."""
    try:
        with reading(path) as file:
            file.seek(max(os.fstat(file.fileno()).st_size - _TAIL_BYTES, 0))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def sentences(lines: list[str]) -> list[str]:
    """The messages of log lines, without what a runtime and etcd's own logger put around them."""
    bare = [_bare(line) for line in lines]
    messages = [message for message in map(_message, bare) if message]
    messages += [line[:300] for line in bare if _REFUSED_FLAG.match(line)]
    return messages or [line[:300] for line in bare if line.strip()]


def _bare(line: str) -> str:
    return _CRI_PREFIX.sub("", _without_docker(line))


def _without_docker(line: str) -> str:
    """The line itself: Docker writes JSON of its own around each."""
    try:
        return str(json.loads(line)["log"]).rstrip("\n")
    except (ValueError, KeyError, TypeError):
        return line


def _message(line: str) -> str | None:
    """The message of a warning or worse in etcd's JSON, else None."""
    try:
        body = json.loads(line)
        if body["level"] not in _WORTH_READING:
            return None
        error = f" ({body['error']})" if body.get("error") else ""
        return f"{body['level']}: {body['msg']}{error}"[:300]
    except (ValueError, KeyError, TypeError):
        return None


__all__ = ("PODS", "address_in_use", "last_words", "refused_flag", "sentences")
