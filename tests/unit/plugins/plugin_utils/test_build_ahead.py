# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building modules while a node is at work: in order, and no longer than the node takes. That it is what Ansible looks
for is in tests/integration/recover/test_build_ahead.py."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.plugin_utils import _build_ahead

ROOT = Path(__file__).resolve().parents[4]
_SECONDS = 30.0


def wait_for(path: Path) -> None:
    end = time.monotonic() + _SECONDS
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.01)


def test_in_order_until_the_body_is_over(tmp_path: Path) -> None:
    def build(name: str) -> None:
        (tmp_path / f"{name} begun").touch()
        if name == "second":
            wait_for(tmp_path / "over")
        (tmp_path / f"{name} built").touch()

    over = tmp_path / "over"
    with _build_ahead.built_meanwhile(["first", "second", "third"], build):
        wait_for(tmp_path / "second begun")
        assert (tmp_path / "first built").exists()
        over.touch()
    # What was begun is finished before the next task. Whether the third was begun in between is a race.
    assert (tmp_path / "second built").exists()
    assert (tmp_path / "third begun").exists() is (tmp_path / "third built").exists()


def test_nothing_is_begun_after_the_body(tmp_path: Path) -> None:
    def build(name: str) -> None:
        (tmp_path / f"{name} begun").touch()
        time.sleep(0.2)  # by which the body is over

    with _build_ahead.built_meanwhile(["first", "second"], build):
        wait_for(tmp_path / "first begun")
    assert not (tmp_path / "second begun").exists()


def test_one_that_cannot_be_built_is_left_to_its_task(tmp_path: Path) -> None:
    def build(name: str) -> None:
        if name == "broken":
            raise ValueError(name)
        (tmp_path / name).touch()

    with _build_ahead.built_meanwhile(["broken", "whole"], build):
        wait_for(tmp_path / "whole")


def test_a_failure_of_the_body_stays_one() -> None:
    with pytest.raises(ValueError, match="lost"), _build_ahead.built_meanwhile(["any"], lambda _name: None):
        raise ValueError("lost")


def test_roles_name_modules_that_there_are() -> None:
    """A name that is wrong costs seconds, and nothing says so."""
    texts = [path.read_text("utf-8") for path in (ROOT / "roles").rglob("*.yml")]
    given = [found for text in texts for found in re.findall(r"(?:__build_ahead|_later_modules): (\[.*|>-\n.*)", text)]
    names = {name for text in given for name in re.findall(r"\b(?:etcd|run)_\w+", text)}
    assert names == {"etcd_compact", "etcd_defrag", "etcd_snapshot", "etcd_write_check", "run_lock"}
    assert names <= {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
