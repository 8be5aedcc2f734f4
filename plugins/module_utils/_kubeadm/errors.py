# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Why a kubeadm configuration is left as it is."""

from __future__ import annotations


class ConfigRefused(Exception):
    """The text says why, in sentences; `advice` says what to do next, with the exact lines where there are any."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


class PyYamlMissing(Exception):
    """This Python has no PyYAML. The text says where to get it."""


__all__ = (
    "ConfigRefused",
    "PyYamlMissing",
)
