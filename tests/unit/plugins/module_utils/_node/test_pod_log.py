# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last words of etcd, out of the files of any runtime."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.pod_log import (
    address_in_use,
    last_words,
    refused_flag,
    sentences,
)

CRI = "2026-11-23T09:11:10.123456789Z stderr F "
INFO = '{"level":"info","ts":"2026-11-23T09:11:10.1Z","caller":"x.go:1","msg":"starting"}'
WARN = '{"level":"warn","ts":"2026-11-23T09:11:10.2Z","caller":"x.go:2","msg":"alarm raised","alarm":"NOSPACE"}'
FATAL = '{"level":"fatal","ts":"x","caller":"x.go:3","msg":"discovery failed","error":"no space left on device"}'
FLAG = 'invalid value "4G" for flag -quota-backend-bytes: parse error'
DOCKER = json.dumps({"log": FATAL + "\n", "stream": "stderr", "time": "2026-11-23T09:11:10Z"})

OTHER = ["[1]", "7", '{"a": 1}', '{"level": []}']
SAID = "fatal: discovery failed (no space left on device)"

VALUE = 'invalid value "8G" for flag -quota-backend-bytes: parse error'

LINES: list[tuple[str, list[str], list[str]]] = [
    ("nothing", [], []),
    ("only blanks", ["", CRI, "  "], []),
    ("warnings and worse", [CRI + INFO, CRI + WARN, CRI + FATAL], ["warn: alarm raised", SAID]),
    ("standard output", [CRI.replace("stderr", "stdout") + FATAL], [SAID]),
    ("half a line", [CRI.replace(" F ", " P ") + FATAL[:20]], [FATAL[:20]]),
    ("Docker's own files", [DOCKER], [SAID]),
    ("Docker, text", [json.dumps({"log": FLAG + "\n", "stream": "stderr", "time": "x"})], [FLAG]),
    ("no runtime around it", [WARN], ["warn: alarm raised"]),
    ("text", [CRI + FLAG], [FLAG]),
    ("a refused flag, and the usage after it", [CRI + FLAG, CRI + "Usage:", CRI + "", CRI + "  etcd"], [FLAG]),
    ("a refused value beside a warning", [CRI + WARN, CRI + VALUE, CRI + "Usage:"], ["warn: alarm raised", VALUE]),
    ("text beside a warning", [CRI + WARN, CRI + "goroutine 1 [running]:"], ["warn: alarm raised"]),
    ("nothing bad: the last ones at all", [CRI + INFO], [INFO]),
    ("JSON that is no log", [CRI + line for line in OTHER], OTHER),
    ("a warning without a text", [CRI + '{"level":"warn"}'], ['{"level":"warn"}']),
    ("long", [CRI + "x" * 400], ["x" * 300]),
]


@pytest.mark.parametrize(("lines", "expected"), table(LINES))
def test_sentences(lines: list[str], expected: list[str]) -> None:
    assert sentences(lines) == expected


bodies = st.dictionaries(st.sampled_from(["log", "level", "msg", "error"]), st.integers() | st.text() | st.just("warn"))


@given(st.lists(st.text() | bodies.map(json.dumps)))
def test_any_lines(lines: list[str]) -> None:
    assert all(len(line) <= 300 for line in sentences(lines))


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    """The directory of a node whose etcd was started twice; the second start is the last one."""
    add(tmp_path, "kube-system_etcd-cp1_0a", "0.log", [CRI + WARN], 1000)
    add(tmp_path, "kube-system_etcd-cp1_0a", "1.log", [CRI + INFO, CRI + FATAL], 2000)
    return tmp_path


def add(pods: Path, pod: str, name: str, lines: list[str], moment: int, container: str = "etcd") -> None:
    directory = pods / pod / container
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    os.utime(directory / name, (moment, moment))


def test_newest_file_counts(pods: Path) -> None:
    assert last_words(pods=str(pods)) == [SAID]
    add(pods, "kube-system_etcd-cp1_0b", "0.log", [CRI + FLAG], 3000)
    assert last_words(pods=str(pods)) == [FLAG]


def test_others_do_not_count(pods: Path) -> None:
    add(pods, "kube-system_kube-apiserver-cp1_0a", "9.log", [CRI + FLAG], 9000, "kube-apiserver")
    add(pods, "kube-system_etcd-cp1_0a", "9.log", [CRI + FLAG], 9000, "sidecar")
    add(pods, "default_etcd-cp1_0a", "9.log", [CRI + FLAG], 9000)
    add(pods, "kube-system_etcd-cp1_0a", "1.log.20261123-091110.gz", [CRI + FLAG], 9000)
    assert last_words(pods=str(pods)) == [SAID]


def test_only_the_last_ones(pods: Path) -> None:
    lines = [CRI + FATAL.replace("failed", str(number)) for number in range(1000)]
    add(pods, "kube-system_etcd-cp1_0a", "2.log", lines, 3000)
    assert last_words(2, str(pods)) == [SAID.replace("failed", str(number)) for number in (998, 999)]


def test_no_files(tmp_path: Path) -> None:
    assert last_words(pods=str(tmp_path)) == []
    assert last_words(pods=str(tmp_path / "gone")) == []


def test_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "kube-system_etcd-cp1_0a/etcd/0.log").mkdir(parents=True)
    assert last_words(pods=str(tmp_path)) == []


def test_no_text(tmp_path: Path) -> None:
    add(tmp_path, "kube-system_etcd-cp1_0a", "0.log", [], 1)
    (tmp_path / "kube-system_etcd-cp1_0a/etcd/0.log").write_bytes(b"\xff\xfe\n")
    assert last_words(pods=str(tmp_path)) == ["\ufffd\ufffd"]


@pytest.mark.parametrize(("since", "expected"), [(1000, FLAG), (3000, FLAG), (3001, None)])
def test_refused_flag(pods: Path, since: float, expected: str | None) -> None:
    assert refused_flag(since, str(pods)) is None
    add(pods, "kube-system_etcd-cp1_0b", "0.log", [CRI + FLAG, CRI + "Usage:"], 3000)
    assert refused_flag(since, str(pods)) == expected


def test_refused_value_of_a_configuration_file(pods: Path) -> None:
    logged = '{"level":"warn","msg":"failed to verify flags","error":"cannot unmarshal number into string"}'
    add(pods, "kube-system_etcd-cp1_0b", "0.log", [CRI + INFO, CRI + WARN, CRI + logged], 3000)
    assert refused_flag(3000, str(pods)) == "warn: failed to verify flags (cannot unmarshal number into string)"


def test_no_log_holds_no_refused_flag(tmp_path: Path) -> None:
    assert refused_flag(0, str(tmp_path)) is None


IN_USE = '{"level":"fatal","msg":"discovery failed","error":"listen tcp 192.0.2.2:2380: bind: address already in use"}'


@pytest.mark.parametrize(("since", "expected"), [(2500, True), (2501, False)])
def test_address_in_use(pods: Path, since: float, expected: bool) -> None:
    """In the log of one that has exited, though the old one goes on writing its own."""
    assert not address_in_use(0, str(pods))
    add(pods, "kube-system_etcd-cp1_0b", "0.log", [CRI + INFO, CRI + IN_USE], 2500)
    add(pods, "kube-system_etcd-cp1_0a", "1.log", [CRI + INFO], 3000)
    assert address_in_use(since, str(pods)) is expected
