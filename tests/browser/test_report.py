# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: nothing on the console, nothing loaded, nothing beyond the edge, and nothing that
axe-core, which knows rules of accessibility, finds wrong. `make browser` keeps the pictures in .cache/browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from unit.status_documents import (
    Json,
    consumer,
    document,
    full_cluster,
    healthy_cluster,
    recovered_cluster,
    unknown_cluster,
)

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.page import render

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "browser"
MODULES = CACHE / "node_modules"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
WIDTHS, SCHEMES = (380, 800, 1000, 1024, 1600), ("light", "dark")
# Where axe-core judges, which takes seconds, and pictures are taken.
JUDGED = (380, 1024)
# Fewer rules than that would say that the page is empty.
RULES = 25


def missing() -> str | None:
    """What is not here and would be needed."""
    if not any(map(shutil.which, CHROMIUM)):
        return f"no Chromium is here ({', '.join(CHROMIUM)}); Debian: apt install chromium"
    if not shutil.which("node"):
        return "no node is here; Debian: apt install nodejs npm"
    if not MODULES.is_dir():
        return "playwright-core and axe-core are not installed: run this with `make browser`, which needs npm"
    return None


def hostile_cluster() -> Json:
    """Long names without a place to break at, markup, and text that turns its direction."""
    long, evil = "n" * 300, "<script>alert(1)</script>\u202e<img src=x onerror=alert(1)>"
    hostile = full_cluster("hostile")
    hostile["members"][0] |= {"name": long, "cause": evil * 4, "version": long, "probes": long, "kubelet": evil}
    record = hostile["usage"]["record"]
    record["resources"] = [consumer(evil, 300, 100, group=long), consumer(long, 200, 300), *record["resources"]]
    record["largest"] = [{"key": f"/registry/{long}/{evil}", "bytes": 2**31}]
    hostile["usage"]["advice"][0] |= {"group": long, "resource": evil, "command": long, "setting": evil}
    hostile["findings"] += [{"code": "x", "severity": "note", "text": long, "hosts": [evil], "anchor": "x"}]
    return hostile | {"name": long, "headline": evil, "leader": long, "hosts": [long, evil]}


def pages() -> dict[str, str]:
    return {
        "fleet": render(document(healthy_cluster(), full_cluster(), unknown_cluster())),
        "recovery": render(document(recovered_cluster()), before=document(full_cluster())),
        "hostile": render(document(hostile_cluster()), before=document(hostile_cluster())),
    }


@pytest.fixture(scope="module")
def looks() -> list[dict[str, t.Any]]:
    """What was found wrong, for each page at each width, light and dark."""
    why = missing()
    if why and os.environ.get("CI") == "true":
        pytest.fail(why)
    if why:
        pytest.skip(why)
    CACHE.mkdir(parents=True, exist_ok=True)
    files = {CACHE / f"{name}.html": page for name, page in pages().items()}
    for path, page in files.items():
        path.write_text(page, "utf-8")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)))
    node = ["node", str(HERE / "look.mjs"), chromium, str(MODULES), str(CACHE), *map(str, files)]
    done = subprocess.run(node, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, t.Any]] = json.loads(done.stdout)
    return found


def named(looks: list[dict[str, t.Any]], key: str) -> dict[str, list[str]]:
    return {f"{each['page']} {each['width']} {each['scheme']}": each[key] for each in looks if each[key]}


def test_every_page_was_looked_at(looks: list[dict[str, t.Any]]) -> None:
    seen = {(each["page"], each["width"], each["scheme"]) for each in looks}
    assert seen == {(f"{name}.html", width, scheme) for name in pages() for width in WIDTHS for scheme in SCHEMES}
    assert all(each["passes"] >= RULES for each in looks if each["width"] in JUDGED)


@pytest.mark.parametrize("key", ["messages", "loaded", "overflow", "violations"])
def test_nothing_is_wrong(looks: list[dict[str, t.Any]], key: str) -> None:
    assert named(looks, key) == {}
