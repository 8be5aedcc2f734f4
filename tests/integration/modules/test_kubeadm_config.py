# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm_config through Ansible, on a node whose Python has no PyYAML: read there, edited here, written there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from integration.support.settings import REPOSITORY

TOKEN = "abcdef.0123456789abcdef"
INIT = f"apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens:\n- token: {TOKEN}\n---\n"
CLUSTER = (REPOSITORY / "tests/unit/data/kubeadm/configs/v1beta4-cc.config").read_text("utf-8")
# Jinja, a letter that is none of ASCII, and line breaks as on Windows have to come back as they were.
BEFORE = f"# {{{{ not_a_variable }}}} \u00fc\n{INIT}{CLUSTER}".replace("\n", "\r\n")
AFTER = BEFORE.replace('"8589934592"', '"5368709120"')
WANTED = {"quota-backend-bytes": "5GiB"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "kubeadm-config.yaml"
    found.write_bytes(BEFORE.encode())
    return found


def test_check_run_run_again(ansible_module: Any, bare_python: Path, path: Path, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    options = {"path": str(path), "backup_dir": str(backups), "extra_args": WANTED}

    def run(**more: Any) -> Any:
        return ansible_module("kubeadm_config", None, interpreter=str(bare_python), **options, **more)

    checked = run(check=True)
    assert (checked["failed"], checked["changed"], checked["backup_file"]) == (False, True, ""), checked["printed"]
    assert path.read_bytes() == BEFORE.encode()
    assert not backups.exists()

    # Most that can be printed, and nothing of the other document.
    done = run(extra_env={"ANSIBLE_VERBOSITY": "4"})
    assert (done["failed"], done["changed"]) == (False, True), done["printed"]
    assert path.read_bytes() == AFTER.encode()
    assert Path(done["backup_file"]).read_bytes() == BEFORE.encode()
    assert done["replaced"] == {"quota-backend-bytes": "8589934592"}
    assert TOKEN not in done["printed"]

    again = run()
    assert (again["failed"], again["changed"], again["backup_file"]) == (False, False, "")
    assert len(list(backups.iterdir())) == 1


def test_what_is_found_is_said(ansible_module: Any, bare_python: Path, path: Path) -> None:
    wanted = {"listen-metrics-urls": "http://192.0.2.1:2381"}
    options = {"path": str(path), "extra_args": wanted, "check": True, "interpreter": str(bare_python)}
    told = ansible_module("kubeadm_config", None, **options)["printed"]
    # Ansible breaks the lines of a warning anywhere, in the path as well.
    assert f"{path}:listen-metrics-urlsholds192.0.2.1." in "".join(told.split())
    path.write_text(CLUSTER.replace("local:", "external:"), "utf-8")
    refused = ansible_module("kubeadm_config", None, **options)
    assert (refused["failed"], refused["code"]) == (True, "external_etcd")
    assert refused["msg"].startswith(f"Setting etcd.local.extraArgs in {path} was refused. etcd is external here")


def test_somebody_else_is_quicker(ansible_module: Any, path: Path, tmp_path: Path) -> None:
    """The module's second call finds another text: nothing is written."""
    called = tmp_path / "called"
    meddling = tmp_path / "python3"
    meddling.write_text(
        f"#!/bin/sh\ntest -e {called} && echo '# theirs' >> {path}\ntouch {called}\nexec {sys.executable} \"$@\"\n"
    )
    meddling.chmod(0o755)
    backups = tmp_path / "backups"
    options = {"path": str(path), "backup_dir": str(backups), "extra_args": WANTED}
    refused = ansible_module("kubeadm_config", None, interpreter=str(meddling), **options)
    assert (refused["failed"], refused["code"]) == (True, "changed_meanwhile"), refused["printed"]
    assert path.read_bytes() == BEFORE.encode() + b"# theirs\n"
    assert not backups.exists()
