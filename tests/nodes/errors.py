# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with the nodes, as types a caller can tell apart."""

from __future__ import annotations

from lab.errors import LabError


class NodesError(LabError):
    """Nodes could not be made or asked; the text is one plain sentence, with what a program printed after it."""


class EngineMissingError(NodesError):
    """No Docker answers, and none can be started here."""
