# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that the pages show can be typed as they stand: what they name exists, and the others are run by a test."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
OPTION = re.compile(r"\b((?:recover|harden|status)_\w+)=")
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)

# Where the commands of others are run as they stand in the page. What speaks to monitoring (node_exporter, curl,
# kubectl and docker of a developer's own) needs services that are not tested here.
RUN_BY = {
    "crictl exec": "extensions/molecule/harden/tasks/documented.yml",
    "etcdutl snapshot": "tests/integration/library/test_documented_commands.py",
}


def commands() -> Iterator[tuple[str, str]]:
    """Each command of a block, in one line, and the page it is on."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text("utf-8")):
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                yield page.name, line


COMMANDS = sorted(set(commands()))


def options() -> set[str]:
    found = set()
    for role in ("recover", "harden", "status"):
        specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text("utf-8"))
        found |= set(specs["argument_specs"]["main"]["options"])
    return found


@pytest.mark.parametrize(("page", "line"), [each for each in COMMANDS if each[1].startswith("ansible-playbook ")])
def test_playbooks(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    namespace, _dot, name = words[1].rpartition(".")
    assert namespace == "controlplane.etcd"
    assert (ROOT / f"playbooks/{name}.yml").is_file()
    inventory = words[words.index("-i") + 1]
    assert inventory.endswith(","), f"{page}: a list of hosts ends in a comma"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(OPTION.findall(" ".join([*BLOCK.findall(text), *INLINE.findall(text)])))
    assert named <= options()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make(page: Path) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    text = page.read_text("utf-8")
    lines = [*INLINE.findall(text), *(line for block in BLOCK.findall(text) for line in block.splitlines())]
    named = {line.split()[1] for line in lines if re.match(r"make [a-z-]+( |$)", line)}
    assert named <= targets


@pytest.mark.parametrize("start", RUN_BY)
def test_commands_of_others(start: str) -> None:
    shown = [line for _page, line in COMMANDS if line.startswith(start)]
    assert shown
    assert start in (ROOT / RUN_BY[start]).read_text("utf-8")
