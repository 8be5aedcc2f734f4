# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The id of this run, the same in every worker."""

from __future__ import annotations

import os

from ansible_collections.controlplane.etcd.plugins.lookup._run_id import LookupModule
from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_id


def test_lookup_names_the_process_that_forks_the_workers() -> None:
    assert LookupModule().run([]) == [str(run_id.current(os.getppid()))]
