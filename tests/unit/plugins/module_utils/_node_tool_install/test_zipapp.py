# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tool as one file: no more and no less than it imports, the same each time."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import zipapp


def test_the_archive_is_all_that_it_imports() -> None:
    """No more, so that the same sources make the same file whatever else the library has; and no less."""
    code = (
        "import sys; from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import cli;"
        # Imported only once a member has no gateway.
        " from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import grpc_transport;"
        " from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import etcdctl_transport;"
        " from ansible_collections.controlplane.etcd.plugins.module_utils._node import etcdctl;"
        # Imported only for an etcd that no kubelet runs.
        " from ansible_collections.controlplane.etcd.plugins.module_utils._node import file_settings, unit_choice;"
        " print('\\n'.join(sys.modules))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    prefix = zipapp.build.__module__.rpartition("_node_tool_install.")[0]
    loaded = {name.removeprefix(prefix) for name in done.stdout.split() if name.startswith(prefix)}
    assert {f"{package}.{name}" for package, name in zipapp.sources()} == {name for name in loaded if "." in name}


def test_the_archive_is_the_same_each_time() -> None:
    built = zipapp.build("/usr/bin/python3")
    assert built == zipapp.build("/usr/bin/python3")
    assert built.startswith(b"#!/usr/bin/python3 -I\n# etcd-maintenance")
    assert zipapp.is_ours(built)
    assert zipapp.is_ours(zipapp.build("/opt/python"))
    for data in (b"", b"#!/bin/sh\n", zipapp.MARKER, b"#!/bin/sh\necho\n" + zipapp.MARKER):
        assert not zipapp.is_ours(data)
