# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy's importer prints, and what it does not say."""

from __future__ import annotations

from tools.galaxy import complaints, empty_directories

FILES = [
    {"name": ".", "ftype": "dir"},
    {"name": "README.md", "ftype": "file"},
    {"name": "extensions", "ftype": "dir"},
    {"name": "plugins", "ftype": "dir"},
    {"name": "plugins/modules", "ftype": "dir"},
    {"name": "plugins/modules/etcd_info.py", "ftype": "file"},
    {"name": "plug", "ftype": "dir"},
]


def test_directories_without_a_file() -> None:
    assert empty_directories(FILES) == ["extensions", "plug"]


def test_only_progress_is_no_complaint() -> None:
    printed = "Importing with galaxy-importer 0.4.44\nLoading role harden\nImporter processing completed successfully\n"
    assert complaints(printed) == []


def test_warnings_are_complaints() -> None:
    warning = "WARNING: Could not get role description, no role metadata found"
    assert complaints(f"Loading role recover\n{warning}\nCollection loading complete\n") == [warning]
