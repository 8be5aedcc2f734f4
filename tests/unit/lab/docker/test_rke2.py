# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for the program of RKE2 on a node."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.docker.on_nodes import rke2


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("quota-backend-bytes", "8589934592", 8589934592),
        ("auto-compaction-retention", "1h", "1h0m0s"),
        ("auto-compaction-retention", "5m", "5m0s"),
        # etcd does not start with this number: it is what RKE2 writes all the same.
        ("auto-compaction-retention", "1", 1),
        ("auto-compaction-mode", "periodic", "periodic"),
        ("enable-pprof", "true", True),
    ],
)
def test_values_get_the_types_that_rke2_gives_them(name: str, value: str, expected: object) -> None:
    assert rke2.typed(name, value) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"config.yaml": ["a=1"]}, {"a": 1}, id="one"),
        pytest.param({"config.yaml": ["a=1"], "config.yaml.d/9.yaml": ["b=2"]}, {"b": 2}, id="a later list replaces"),
        pytest.param(
            {"config.yaml": ["a=1"], "config.yaml.d/9.yaml": ["+", "b=2"]}, {"a": 1, "b": 2}, id="or adds with a plus"
        ),
    ],
)
def test_the_list_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, list[str]], expected: dict[str, object]
) -> None:
    monkeypatch.setattr(rke2, "CONFIGURATION", tmp_path / "config.yaml")
    for name, arguments in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        key = "etcd-arg+" if arguments[0] == "+" else "etcd-arg"
        content = {"node-ip": "192.0.2.11", key: [argument for argument in arguments if argument != "+"]}
        (tmp_path / name).write_text(yaml.safe_dump(content), "utf-8")
    assert rke2.arguments() == expected


def test_comments_are_no_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rke2, "CONFIGURATION", tmp_path / "config.yaml")
    rke2.CONFIGURATION.write_text("etcd-arg:\n# ours\n- a=1  # one\n- 'b=2' # two\n", "utf-8")
    assert rke2.arguments() == {"a": 1, "b": 2}


def test_what_it_writes_is_the_yaml_that_was_meant() -> None:
    pod = rke2.pod("index.docker.io/rancher/hardened-etcd:v3.5.35", '{"initial": "a=https://b:2380"}', "0" * 64)
    settings = {"name": "cp1-1", "log-outputs": ["stderr"], "a": {"b": True, "c": "true"}, "ns": 5000000000, "d": "1"}
    for written in (pod, settings):
        assert yaml.safe_load(rke2.yaml(written)) == written
