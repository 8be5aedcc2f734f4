# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The flags that an etcd of a version knows: with an unknown one it exits at once, before it writes a line of its log.

Tried with etcd 3.4 to 3.7. Nothing is said of flags that came or went between other versions.
"""

from __future__ import annotations

import re
import typing as t

from .._core.failures import Refused
from .._etcd.checks import version_of
from .._node.settings import variable_of

_PROXY = ("dial-timeout", "failure-wait", "read-timeout", "refresh-interval", "write-timeout")
_GONE = {
    (3, 5): {"debug", "log-output", "log-package-levels"},
    (3, 6): {"enable-v2", "proxy", *(f"proxy-{name}" for name in _PROXY)},
}
_NEW = {
    (3, 6): {
        "bootstrap-defrag-threshold-megabytes",
        "compact-hash-check-time",
        "compaction-batch-limit",
        "compaction-sleep-interval",
        "corrupt-check-time",
        "downgrade-check-time",
        "feature-gates",
        "max-learners",
        "memory-mlock",
        "snapshot-catchup-entries",
        "warning-apply-duration",
        "warning-unary-request-duration",
        "watch-progress-notify-interval",
    },
}
# 3.6 still takes them, 3.7 takes none.
_EXPERIMENTAL, _NO_EXPERIMENTAL = "experimental-", (3, 7)
_GATES = {
    "experimental-compact-hash-check-enabled": "CompactHashCheck",
    "experimental-enable-lease-checkpoint": "LeaseCheckpoint",
    "experimental-initial-corrupt-check": "InitialCorruptCheck",
    "experimental-stop-grpc-service-on-defrag": "StopGRPCServiceOnDefrag",
    "experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
}
# What a member is, where it listens and whom it trusts: not changed by a restart with another flag.
_OF_THE_MEMBER = re.compile(
    r"advertise-.*|auto-tls|.*cert-auth|.*cert-file|.*key-file|.*trusted-ca-file|config-file|data-dir|discovery.*"
    r"|force-new-cluster|initial-.*|listen-.*|name|peer-auto-tls|wal-dir"
)
_VERSION_IN_TAG = re.compile(r":v?(\d+\.\d+\.\d+)[^/:]*$")


def version_of_image(image: str) -> str:
    """The version in an image's tag, such as 3.5.15 of registry.k8s.io/etcd:3.5.15-0; empty if it has none."""
    match = _VERSION_IN_TAG.search(image.partition("@")[0])
    return match[1] if match else ""


def version_refusal(version: str, names: t.Iterable[str]) -> Refused | None:
    """The reason why an etcd of this version would not start with these flags, None if nothing speaks against it."""
    parsed = version_of(version)
    if parsed is None:
        return None
    unknown = [(name, why) for name in names for why in (_unknown(parsed[:2], name),) if why]
    if not unknown:
        return None
    which = " ".join(f"--{name} {why}." for name, why in unknown)
    return Refused("unknown_flag", f"etcd {version} does not know every flag and would exit at once. {which}")


def member_refusal(names: t.Iterable[str]) -> Refused | None:
    """The reason why these flags are not changed here, None if they may be."""
    found = [name for name in names if _OF_THE_MEMBER.fullmatch(name)]
    if not found:
        return None
    return Refused(
        "identity_flag",
        f"--{found[0]} is part of what this member is, where it listens or whom it trusts: other places depend on it,"
        " and the member might not come back, or come back as another one. Only settings of etcd are changed here.",
    )


def environment_refusal(names: t.Iterable[str], environment: t.Container[str]) -> Refused | None:
    """The reason why these flags cannot be set beside that environment: etcd 3.4 to 3.7 exits at once with both."""
    for name in names:
        variable = variable_of(name)
        if variable in environment:
            return Refused(
                "flag_overridden",
                f"The manifest sets {variable} in the environment of etcd, which does not start with that and"
                f" --{name}.",
                "Take the variable out of the manifest, and out of etcd.local.extraEnvs, first.",
            )
    return None


def _unknown(version: tuple[int, int], name: str) -> str | None:
    since = next((when for when, names in _GONE.items() if name in names and version >= when), None)
    if since:
        return f"was removed in {_shown(since)}"
    until = next((when for when, names in _NEW.items() if name in names and version < when), None)
    if until:
        older = f"; --{_EXPERIMENTAL}{name} may be what you want" if name != "feature-gates" else ""
        return f"came with {_shown(until)}{older}"
    if name.startswith(_EXPERIMENTAL) and version >= _NO_EXPERIMENTAL:
        gate = _GATES.get(name)
        newer = f"--feature-gates={gate}=true" if gate else f"--{name[len(_EXPERIMENTAL) :]}"
        return f"was removed in {_shown(_NO_EXPERIMENTAL)}; {newer} may be what you want"
    return None


def _shown(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


__all__ = ("environment_refusal", "member_refusal", "version_of_image", "version_refusal")
