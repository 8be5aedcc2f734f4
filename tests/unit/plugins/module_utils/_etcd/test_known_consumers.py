# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of usual consumers: each with its section on the page for users, and each section with its entry."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from unit.architecture.sources import ROOT

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.known_consumers import USUAL, Usual

PAGE = (ROOT / "docs/usage.md").read_text("utf-8")
# A heading with an anchor of its own: it stays when the words are improved.
SECTIONS = dict(re.findall(r'^### (.+?) <a id="([a-z-]+)"></a>$', PAGE, re.MULTILINE))
NOT_OURS = ("--all-namespaces", "--wait=false")


def section(anchor: str) -> str:
    return PAGE.split(f'<a id="{anchor}"></a>')[1].split("\n### ")[0].split("\n## ")[0]


def test_sections_and_entries_are_the_same() -> None:
    assert sorted(SECTIONS.values()) == sorted(usual.anchor for usual in USUAL)


def test_nothing_is_in_it_twice() -> None:
    owners = Counter(owner for usual in USUAL for owner in usual.owners)
    assert [owner for owner, count in owners.items() if count > 1] == []


@pytest.mark.parametrize("usual", USUAL, ids=[usual.anchor for usual in USUAL])
def test_a_section_has_the_command_and_the_setting(usual: Usual) -> None:
    said = " ".join(section(usual.anchor).split())
    command = usual.command.replace("kubectl delete {name}", "kubectl delete").replace("kubectl get {name}", "")
    for word in command.split():
        assert word in said or word in NOT_OURS, word
    for name in re.findall(r"--?[a-z][A-Za-z-]+|[A-Z_]{8,}|\b[a-z]+[A-Z][A-Za-z]+", usual.setting):
        assert name in said, name


@pytest.mark.parametrize("usual", USUAL, ids=[usual.anchor for usual in USUAL])
def test_what_is_shown_changes_only_what_was_asked_for(usual: Usual) -> None:
    """A command deletes with `--wait=false`, since finalizers may need writes, or it only looks."""
    assert usual.command == "" or usual.command.startswith(("kubectl delete ", "kubectl get "))
    assert ("delete" in usual.command) == ("--wait=false" in usual.command)
