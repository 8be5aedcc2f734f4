# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: real etcd clusters to test with.

Two backends share one vocabulary (up, fill, compare, down): ``lab.loopback`` runs members as processes on loopback
addresses, ``lab.docker`` runs whole control-plane nodes in containers. Demo, integration tests, scenarios and
benchmarks use them. The lab imports nothing from the collection, so that what it says about a cluster is independent of
the code under test.
"""

from __future__ import annotations
