# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the scenarios: their order, their names, and what comes of one that fails."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.docker import images
from lab.docker.generations import GENERATIONS, Generation
from lab.docker.installations import INSTALLATIONS
from lab.errors import DockerError, EngineMissingError, ProgramMissingError
from tools import scenarios

CHOSEN = ["recover-probes", "recover-single-node", "recover"]


@pytest.fixture(autouse=True)
def _nothing_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(scenarios, "WORK", tmp_path)
    monkeypatch.setattr(scenarios.engine, "alone", lambda _name, _waiting: contextlib.nullcontext())
    monkeypatch.setattr(scenarios, "_engine", contextlib.nullcontext)
    monkeypatch.setattr(scenarios.signal, "signal", lambda _number, _action: None)
    monkeypatch.setattr(images, "obtain", lambda _generation: "image")
    monkeypatch.setattr(scenarios.cluster, "down", lambda _name: None)
    monkeypatch.setattr(scenarios.Lane, "_molecule", lambda _lane, _arguments, _env, _log: 0)


@pytest.mark.parametrize("error", [ProgramMissingError("no go"), DockerError("no space")], ids=["program", "image"])
def test_a_scenario_without_its_image_fails_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def obtain(generation: Generation) -> str:
        if generation.name == "1.37":
            raise error
        return "image"

    monkeypatch.setattr(images, "obtain", obtain)
    assert scenarios.main(CHOSEN) == 1
    said = capsys.readouterr().out
    assert f"FAILED: recover: {error}" in said
    assert "= 1 failed, 2 passed in " in said.splitlines()[-1]


def test_nodes_that_cannot_be_removed_end_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def remove(_name: str) -> None:
        raise DockerError("device or resource busy")

    monkeypatch.setattr(scenarios.cluster, "down", remove)
    monkeypatch.setattr(scenarios.Lane, "_molecule", lambda _lane, arguments, _env, _log: "recover-probes" in arguments)
    assert scenarios.main(CHOSEN) == 1
    assert "= 1 failed, 2 passed in " in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        pytest.param(EngineMissingError("no Docker"), "= 3 skipped in ", 0, id="no engine"),
        pytest.param(DockerError("no room"), "= 1 failed in ", 1, id="an engine without room"),
    ],
)
def test_without_an_engine_the_last_line_is_still_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, expected: str, code: int
) -> None:
    @contextlib.contextmanager
    def engine() -> Iterator[None]:
        if error:
            raise error
        yield

    monkeypatch.setattr(scenarios, "_engine", engine)
    assert scenarios.main(CHOSEN) == code
    assert expected in capsys.readouterr().out.splitlines()[-1]


def test_scenarios_on_equal_nodes_run_one_after_the_other() -> None:
    kinds = list(scenarios.scenarios(long=False).values())
    assert all(kind.generation in GENERATIONS and kind.nodes in (1, 3, 5) for kind in kinds)
    assert all(kind.installation in INSTALLATIONS for kind in kinds)
    changes = 1 + sum(kind != last for last, kind in itertools.pairwise(kinds))
    assert changes == len(set(kinds))


def test_a_scenario_is_named_after_its_playbook() -> None:
    for name in found():
        assert re.fullmatch(r"(recover|harden|status)(-[a-z0-9]+)*(-[13]\.\d+)?", name), name


def test_a_scenario_has_all_files_that_it_names() -> None:
    for name, kind in found().items():
        settings = yaml.safe_load((scenarios.SCENARIOS / name / "molecule.yml").read_text("utf-8"))
        for playbook in settings.get("ansible", {}).get("playbooks", {}).values():
            assert (scenarios.SCENARIOS / name / playbook).is_file(), f"{name}: {playbook}"
        assert not kind.etcd_patch or (scenarios.SCENARIOS / kind.etcd_patch).is_file(), f"{name}: {kind.etcd_patch}"


def test_every_playbook_of_a_scenario_is_used() -> None:
    """One that molecule.yml does not name is not run: the one of config.yml is, and nothing says so."""
    paths = {path for path in scenarios.SCENARIOS.rglob("*.yml") if path.parent.name != "files"}
    used = {
        (path.parents[path.parent.name == "tasks"] / name).resolve()
        for path in paths
        for name in re.findall(r": ([\w./-]+\.yml)$", path.read_text("utf-8"), re.MULTILINE)
    }
    unused = {path for path in paths - used if path.name not in ("molecule.yml", "config.yml")}
    assert {str(path.relative_to(scenarios.SCENARIOS)) for path in unused if path.parent.name != "common"} == set()


def found() -> dict[str, scenarios.Kind]:
    return {**scenarios.scenarios(long=False), **scenarios.scenarios(long=True)}
