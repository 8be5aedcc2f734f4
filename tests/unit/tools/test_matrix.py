# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ansible-cores: rows that stay, rows that are replaced, and what is counted as passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import matrix

OLD = """
| ansible-core | Python | sanity | demonstration | recover | harden | seconds |
| --- | --- | --- | --- | --- | --- | --- |
| 2.9.27 | 3.8 | passed | passed | 1 passed | 1 passed | 9 |
| 2.16.18 | 3.10 | passed | passed | 15 passed | 3 passed | 400 |

Not on the machine where this was run: Python 3.13.
"""
NEW = ["2.16.19", "3.10", "passed", "failed", "15 passed", "3 passed", "410"]


def controller(tmp_path: Path) -> matrix.Controller:
    return matrix.Controller("2.16.19", "3.10", tmp_path)


def test_a_row_replaces_that_of_its_line_only() -> None:
    lines = matrix.table(OLD, [NEW], []).splitlines()
    assert lines[2:] == ["| 2.9.27 | 3.8 | passed | passed | 1 passed | 1 passed | 9 |", f"| {' | '.join(NEW)} |"]


def test_pythons_that_are_not_here_are_named() -> None:
    assert matrix.table(OLD, [], ["3.14"]).endswith("\n\nNot on the machine where this was run: Python 3.14.\n")


def test_the_table_is_written_between_its_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    begin, end = matrix.MARKERS
    readme.write_text(f"before\n\n{begin}{OLD}\n{end}\nafter\n", "utf-8")
    monkeypatch.setattr(matrix, "README", readme)
    matrix.write_table([NEW], [])
    once = readme.read_text("utf-8")
    matrix.write_table([NEW], [])
    assert readme.read_text("utf-8") == once
    assert once.startswith(f"before\n\n{begin}\n| ansible-core |")
    assert once.endswith(f"| 410 |\n\n{end}\nafter\n")


def test_a_readme_without_markers_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing\n", "utf-8")
    monkeypatch.setattr(matrix, "README", readme)
    with pytest.raises(SystemExit, match=r"README\.md"):
        matrix.write_table([NEW], [])
    assert readme.read_text("utf-8") == "nothing\n"


def test_the_readme_has_the_markers() -> None:
    text = matrix.README.read_text("utf-8")
    assert all(text.count(marker) == 1 for marker in matrix.MARKERS)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("=== 15 passed in 200.11s (0:03:20) ===\n", "15 passed"),
        ("= 1 failed, 14 passed, 2 skipped, 3 warnings in 9.00s =\n", "1 failed, 14 passed, 2 skipped"),
        ("Traceback\n", "no tests"),
    ],
)
def test_what_pytest_counted(printed: str, expected: str) -> None:
    assert matrix.counted(printed) == expected


@pytest.mark.parametrize(
    ("result", "good"),
    [
        ("passed", True),
        ("15 passed, 1 skipped", True),
        ("refused by the first task", True),
        ("failed", False),
        ("failed: 1 failed, 14 passed", False),
        ("no tests", False),
        ("x.yml is not refused", False),
    ],
)
def test_what_is_good(result: str, good: bool) -> None:
    assert matrix.is_good(result) is good


def test_a_core_without_its_python_is_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "WORK", tmp_path)
    cells, good = matrix.work(matrix.Line("2.21", ("3.14", "3.13")), {"3.8": tmp_path}, list(matrix.STEPS))
    assert cells[:3] == ["2.21", "none of 3.14, 3.13 is here", "not run"]
    assert len(cells) == len(matrix.HEAD)
    assert good


def test_a_part_of_the_steps_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(matrix.interpreters, "directories", lambda versions: dict.fromkeys(versions, tmp_path))
    monkeypatch.setattr(matrix, "make_controller", lambda _line, _found: controller(tmp_path))
    monkeypatch.setattr(matrix, "write_table", lambda rows, _absent: written.append(rows))
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setitem(matrix.STEPS, "recover", lambda _controller, _log: "2 passed")
    assert matrix.main(["2.16", "--only", "recover"]) == 0
    assert written == []

    for name in matrix.STEPS:
        monkeypatch.setitem(matrix.STEPS, name, lambda _controller, _log: "failed")
    assert matrix.main(["2.16"]) == 1
    assert written == [[["2.16.19", "3.10", *["failed"] * 4, "0"]]]
