# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a kubelet reports DiskPressure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.builders import Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.eviction import thresholds

# The thresholds in the configuration; for the kubelet's directory and for images, on a disk of 1000 bytes.
CONFIGS: list[tuple[str, Json, int, int]] = [
    ("the defaults", {}, 100, 150),
    ("null", {"evictionHard": None}, 100, 150),
    ("a share", {"evictionHard": {"nodefs.available": "7.5%", "imagefs.available": "20%"}}, 75, 200),
    ("a map takes the place of all defaults", {"evictionHard": {"memory.available": "100Mi"}}, 0, 0),
    ("a quantity", {"evictionHard": {"nodefs.available": "1Ki", "imagefs.available": "300"}}, 1024, 300),
    ("switched off", {"evictionHard": {"nodefs.available": "0%", "imagefs.available": "100%"}}, 0, 0),
    ("a soft one is the larger", {"evictionSoft": {"nodefs.available": "40%"}}, 400, 150),
    ("no size", {"evictionHard": {"nodefs.available": "much"}}, 0, 0),
]


@pytest.mark.parametrize(("config", "nodefs", "imagefs"), table(CONFIGS))
def test_thresholds(config: Json, nodefs: int, imagefs: int, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({"kind": "KubeletConfiguration", **config}), "utf-8")
    assert thresholds(str(path), 1000) == {"nodefs": nodefs, "imagefs": imagefs}


def test_configuration_in_block_style(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nevictionHard:\n  imagefs.available: 5%\n  nodefs.available: 6%\n"
        "logging:\n  flushFrequency: 0\n",
        "utf-8",
    )
    assert thresholds(str(path), 1000) == {"nodefs": 60, "imagefs": 50}


@pytest.mark.parametrize("content", [b"evictionHard: !a {b: 1}\n", b"- a\n", b"\xff", b""])
def test_what_cannot_be_read_counts_as_the_defaults(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    assert thresholds(str(path), 1000) == thresholds(str(tmp_path / "none"), 1000) == {"nodefs": 100, "imagefs": 150}
