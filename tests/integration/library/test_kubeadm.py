# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real kubeadms and real etcds say to what the library makes for them, and takes from them."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from integration.support import needed

DATA = Path(__file__).parents[2] / "unit/data"
# Which of them reads which version of the configuration.
KUBEADMS = {"1.30.4": "v1beta3", "1.33.13": "v1beta4", "1.37.2": "v1beta4"}
APISERVER = "spec:\n  containers:\n  - image: registry.k8s.io/kube-apiserver:v{}\n"
WANTED = {"quota-backend-bytes": "8GiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1"}


@pytest.fixture
def library(collections: Path) -> Any:
    """``library(name)`` imports a module of the library."""
    plugins = "ansible_collections.controlplane.etcd.plugins"

    def load(name: str) -> Any:
        package = "plugin_utils._kubeadm_text" if name == "node_configuration" else "module_utils._kubeadm"
        return importlib.import_module(f"{plugins}.{package}.{name}")

    return load


@pytest.fixture
def failure(library: Any) -> Any:
    """The type of every failure that was expected."""
    return library("manifest_render").Failure


@pytest.fixture(params=KUBEADMS)
def kubeadm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of the kubeadm that is found."""
    _on_path(request.param, monkeypatch)
    return str(request.param)


def _on_path(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(needed.kubernetes(version)), prepend=":")


def _manifest(version: str, name: str) -> str:
    return (DATA / "manifests" / version.rpartition(".")[0] / f"{name}.manifest").read_text("utf-8")


def _rendered(library: Any, running: str, source: str, version: str, **wanted: str) -> str:
    render = library("manifest_render")
    node = render.facts(running, APISERVER.format(version))
    config = library("node_configuration").configuration(source, node, wanted, [])
    text: str = render.keep_cluster_flags(render.render(config), library("manifest_edit").flags(running)).text
    return text


def _source(version: str, name: str = "noextra") -> str:
    return (DATA / f"kubeadm/configs/{KUBEADMS[version]}-{name}.config").read_text("utf-8")


def test_the_same_manifest_byte_for_byte(library: Any, kubeadm: str) -> None:
    """What this kubeadm once wrote on another machine, from the node's own manifest and the cluster's file."""
    before = sorted(Path("/etc/kubernetes").rglob("*"))
    running = _manifest(kubeadm, "plain")
    assert _rendered(library, running, _source(kubeadm), kubeadm) == running
    assert sorted(Path("/etc/kubernetes").rglob("*")) == before


def test_nothing_but_the_flags_differs(library: Any, kubeadm: str) -> None:
    for running in (_manifest(kubeadm, "plain"), _manifest("1.33.13", "joined-cp2") if kubeadm == "1.33.13" else ""):
        if running:
            rendered = _rendered(library, running, _source(kubeadm), kubeadm, **WANTED)
            patched = library("manifest_edit").edit(running, {**WANTED, "quota-backend-bytes": str(8 * 1024**3)})
            assert library("manifest_diff").differences(patched.text, rendered) == []
            assert library("manifest_edit").flags(rendered) == patched.after
            assert library("manifest_diff").differences(running, rendered) != []


def test_a_source_with_more_in_it(library: Any, kubeadm: str) -> None:
    """The file of another node, with its name and address, kubelet's documents and an unknown one."""
    rendered = _rendered(library, _manifest(kubeadm, "plain"), _source(kubeadm, "multi"), kubeadm)
    assert library("manifest_diff").differences(_manifest(kubeadm, "quota"), rendered) == []


def test_a_manifest_of_another_kubeadm(library: Any, kubeadm: str) -> None:
    """It would change probes and flags; the image stays, because it is told."""
    running = _manifest("1.22.0", "plain")
    rendered = _rendered(library, running, _source(kubeadm), kubeadm)
    found = library("manifest_diff").differences(running, rendered)
    assert any("livenessProbe.httpGet.path" in sentence for sentence in found)
    assert not any("image" in sentence for sentence in found)
    assert "image: k8s.gcr.io/etcd:3.5.0-0" in rendered


def test_a_configuration_that_kubeadm_does_not_read(library: Any, failure: Any, kubeadm: str) -> None:
    source = _source(kubeadm).replace(KUBEADMS[kubeadm], "v1beta2")
    with pytest.raises(failure, match=r"kubeadm did not write the manifest: .*v1beta2"):
        _rendered(library, _manifest(kubeadm, "plain"), source, kubeadm)


# Which kubeadm is on the node, what runs, in which version the configuration is written, and what is said then.
OTHERS: list[tuple[str, str, str, str]] = [
    ("1.37.2", "1.33.13", "v1beta4", "only supports deploying clusters with the control plane version >= 1.36.0. Cur"),
    ("1.37.2", "1.36.3", "v1beta4", ""),
    ("1.37.2", "1.37.2", "v1beta3", 'uses an old API spec: "kubeadm.k8s.io/v1beta3"'),
    (
        "1.37.2",
        "1.37.2",
        "v1",
        'experimental API spec: "kubeadm.k8s.io/v1" (kind: "ClusterConfiguration") is not allow',
    ),
    ("1.33.13", "1.37.2", "v1beta4", ""),
    ("1.33.13", "1.33.13", "v1", "no kind"),
    ("1.30.4", "1.33.13", "v1beta3", ""),
    ("1.30.4", "1.30.4", "v1beta4", 'experimental API spec: "kubeadm.k8s.io/v1beta4" is not allowed'),
]


@pytest.mark.parametrize(("newer_or_older", "cluster", "api", "sentence"), OTHERS)
def test_a_kubeadm_of_another_version(
    library: Any,
    failure: Any,
    monkeypatch: pytest.MonkeyPatch,
    newer_or_older: str,
    cluster: str,
    api: str,
    sentence: str,
) -> None:
    """It is refused by kubeadm itself, or writes a manifest with the image that runs."""
    _on_path(newer_or_older, monkeypatch)
    running = _manifest("1.33.13", "plain")
    shape = "v1beta4" if api == "v1" else api
    source = (DATA / f"kubeadm/configs/{shape}-noextra.config").read_text("utf-8").replace(shape, api)
    if not sentence:
        rendered = _rendered(library, running, source, cluster, **WANTED)
        assert "image: registry.k8s.io/etcd:3.5.24-0" in rendered
        flags = library("manifest_edit").flags(rendered)
        assert {name: flags[name] for name in WANTED} == {**WANTED, "quota-backend-bytes": str(8 * 1024**3)}
        return
    with pytest.raises(failure) as caught:
        _rendered(library, running, source, cluster, **WANTED)
    assert str(caught.value).startswith("kubeadm did not write the manifest: ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("version", ["3.5.1", "3.5.35", "3.6.5", "3.6.16", "3.7.3"])
def test_flags_that_an_etcd_knows(library: Any, version: str) -> None:
    program = needed.etcd(version) / "etcd"
    known_flags = library("known_flags")
    names = set().union(*known_flags._GONE.values(), *known_flags._NEW.values(), known_flags._GATES)
    names |= {f"experimental-{name}" for name in ("compaction-batch-limit", "watch-progress-notify-interval")}
    assert len(names) > 20
    wrong = []
    for name in sorted(names):
        # With the second flag it exits in any case, before it does anything.
        done = subprocess.run(
            [program, f"--{name}=1", "--quota-backend-bytes=none"],
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
            check=False,
        )
        refused = f"flag provided but not defined: -{name}" in done.stdout + done.stderr
        judged = known_flags.version_refusal(version, [name]) is not None
        # Several came and went with patch releases: what is judged must be so, the rest is left to the way back.
        if judged and not refused:
            wrong.append(name)
        if refused and not judged and not name.startswith("experimental-"):
            wrong.append(name)
    assert wrong == []
