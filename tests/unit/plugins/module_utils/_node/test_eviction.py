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


def write(root: Path, content: bytes, path: str = "var/lib/kubelet/config.yaml") -> None:
    (root / path).parent.mkdir(parents=True)
    (root / path).write_bytes(content)


@pytest.mark.parametrize(("config", "nodefs", "imagefs"), table(CONFIGS))
def test_thresholds(config: Json, nodefs: int, imagefs: int, tmp_path: Path) -> None:
    write(tmp_path, json.dumps({"kind": "KubeletConfiguration", **config}).encode())
    assert thresholds({}, 1000, str(tmp_path)) == {"nodefs": nodefs, "imagefs": imagefs}


def test_configuration_in_block_style(tmp_path: Path) -> None:
    write(
        tmp_path,
        b"apiVersion: kubelet.config.k8s.io/v1beta1\nevictionHard:\n  imagefs.available: 5%\n  nodefs.available: 6%\n"
        b"logging:\n  flushFrequency: 0\n",
    )
    assert thresholds({}, 1000, str(tmp_path)) == {"nodefs": 60, "imagefs": 50}


@pytest.mark.parametrize("content", [b"evictionHard: !a {b: 1}\n", b"- a\n", b"\xff", b""])
def test_what_cannot_be_read_counts_as_the_defaults(content: bytes, tmp_path: Path) -> None:
    write(tmp_path, content)
    assert thresholds({}, 1000, str(tmp_path)) == {"nodefs": 100, "imagefs": 150}
    assert thresholds({"config": "/none"}, 1000, str(tmp_path)) == {"nodefs": 100, "imagefs": 150}


FLAGS: list[tuple[str, dict[str, str], int, int]] = [
    ("none", {"v": "2"}, 300, 400),
    ("hard ones take the place of all", {"eviction-hard": "memory.available<100Mi,nodefs.available<5%"}, 50, 0),
    ("soft ones are the larger", {"eviction-soft": "nodefs.available<50%, imagefs.available<600"}, 500, 600),
    ("none at all", {"eviction-hard": ""}, 0, 0),
    ("another configuration", {"config": "/etc/kubelet.yaml"}, 70, 0),
    ("both", {"config": "/etc/kubelet.yaml", "eviction-hard": "imagefs.available<9%"}, 0, 90),
]


@pytest.mark.parametrize(("flags", "nodefs", "imagefs"), table(FLAGS))
def test_flags_win(flags: dict[str, str], nodefs: int, imagefs: int, tmp_path: Path) -> None:
    write(tmp_path, b"evictionHard: {nodefs.available: 30%, imagefs.available: 40%}\n")
    write(tmp_path, b"evictionHard: {nodefs.available: 7%}\n", "etc/kubelet.yaml")
    assert thresholds(flags, 1000, str(tmp_path)) == {"nodefs": nodefs, "imagefs": imagefs}
