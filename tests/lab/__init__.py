# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: real etcd clusters on loopback addresses, laid out like kubeadm control-plane nodes.

Demo, integration tests and benchmarks use it. It imports nothing from the collection, so that what it says about a
cluster is independent of the code under test.
"""

from __future__ import annotations
