# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's file: what is read of it, and what is no such file."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.config import read, text_of


def test_read_and_a_link(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"a: b\r\n")
    (tmp_path / "link").symlink_to("config.yaml")
    assert read(str(tmp_path / "config.yaml")) == read(str(tmp_path / "link")) == b"a: b\r\n"
    assert text_of(read(str(tmp_path / "link"))) == "a: b\r\n"


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    for path, reason in (
        (tmp_path / "none", f"There is no {tmp_path}/none on this node."),
        (tmp_path, f"{tmp_path} is not a regular file, or is a broken link."),
        (tmp_path / "link", f"{tmp_path}/link is not a regular file, or is a broken link."),
    ):
        with pytest.raises(Refused) as caught:
            read(str(path))
        assert (caught.value.code, caught.value.reason) == ("kubeadm_file_missing", reason)
        assert caught.value.advice.startswith("Name the file")


@pytest.mark.parametrize(
    ("data", "reason"),
    table(
        [
            ("first", b"\xff", "Line 1 is not UTF-8 (byte 0)."),
            ("third line", b"a\nb\r\n\xc3(", "Line 3 is not UTF-8 (byte 5)."),
        ]
    ),
)
def test_not_utf_8(data: bytes, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        text_of(data)
    assert caught.value.as_result() == {
        "code": "kubeadm_file_invalid",
        "text": f"{reason} Convert the file to UTF-8.",
    }
