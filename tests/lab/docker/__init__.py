# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real nodes in Docker, with systemd: control planes made by the real kubeadm, and etcd as other installers run it."""

from __future__ import annotations
