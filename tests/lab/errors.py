# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the lab, as types a caller can tell apart."""

from __future__ import annotations


class LabError(Exception):
    """Base of everything the lab raises on purpose; its text is one plain sentence."""


class CommandFailedError(LabError):
    """A command failed, could not be run, or took too long; its last lines of output come after the sentence."""


class ProgramMissingError(LabError):
    """A program is neither there nor can it be had on this machine."""


class MemberFailedError(LabError):
    """A member did not come up, or went away while it was waited for."""


class DockerError(LabError):
    """Nodes in Docker could not be made or are not as they have to be."""


class EngineMissingError(DockerError):
    """No Docker engine answers, and none can be started here."""


class EtcdError(LabError):
    """etcd answered with an error.

    ``code`` is the gRPC status code of the body (8: refused for space), ``message`` etcd's own text and
    ``http_status`` what the gateway made of it. Only the first two are the same across etcd versions.
    """

    def __init__(self, code: int, message: str, http_status: int) -> None:
        super().__init__(f"etcd answered code {code}: {message} (HTTP {http_status})")
        self.code = code
        self.message = message
        self.http_status = http_status

    @property
    def is_nospace(self) -> bool:
        """Whether this is etcd's refusal of a write because the quota is used up."""
        return self.code == 8 and "database space exceeded" in self.message
