# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git, which tells what the working tree is."""

from __future__ import annotations

import pytest

from tools import working_tree


@pytest.mark.parametrize(
    ("user", "programs", "expected"),
    [
        pytest.param(0, {"git"}, None, id="it is there"),
        pytest.param(0, {"apt-get"}, ("git",), id="root with apt-get installs it"),
        pytest.param(0, set(), "install it", id="root without apt-get is told"),
        pytest.param(1000, {"apt-get"}, "install it", id="somebody else is told"),
    ],
)
def test_git_is_had_or_asked_for(
    monkeypatch: pytest.MonkeyPatch, user: int, programs: set[str], expected: object
) -> None:
    asked = []
    monkeypatch.setattr(working_tree, "install", lambda *names: asked.append(names))
    monkeypatch.setattr(working_tree.os, "geteuid", lambda: user)
    monkeypatch.setattr(working_tree.shutil, "which", lambda name: name if name in programs else None)
    if isinstance(expected, str):
        with pytest.raises(SystemExit, match=expected):
            working_tree._have_git()
    else:
        working_tree._have_git()
    assert asked == ([expected] if isinstance(expected, tuple) else [])
