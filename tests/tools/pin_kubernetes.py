# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the go.mod and go.sum from which the lab builds the programs of one Kubernetes release.

    python pin_kubernetes.py 1.33.13

Kubernetes' own go.mod asks for its staging modules as v0.0.0 and finds them in its source tree. Outside of that tree
each is replaced by the release of the same number: v0.33.13 for 1.33.13. Not every patch release has all of them on
the module proxy; go says which is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.programs.kube import PINNED, PROGRAMS, TAGS

_KUBERNETES = "k8s.io/kubernetes"


def pin(version: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        (directory / "go.mod").write_text(_go_mod(version), "ascii")
        packages = [f"{_KUBERNETES}/cmd/{program}@v{version}" for program in PROGRAMS]
        subprocess.run(["go", "get", "-tags", TAGS, *packages], cwd=directory, check=True)
        target.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(directory / name, target / name)


def _go_mod(version: str) -> str:
    downloaded = subprocess.run(
        ["go", "mod", "download", "-json", f"{_KUBERNETES}@v{version}"],
        cwd=tempfile.gettempdir(),
        env={**os.environ, "GOFLAGS": ""},
        capture_output=True,
        check=True,
    )
    path = json.loads(downloaded.stdout)["GoMod"]
    described = subprocess.run(["go", "mod", "edit", "-json", path], capture_output=True, check=True)
    upstream = json.loads(described.stdout)
    staging = {required["Path"] for required in upstream["Require"] if required["Version"] == "v0.0.0"}
    staging |= {rule["Old"]["Path"] for rule in upstream.get("Replace") or () if "/staging/" in rule["New"]["Path"]}
    release = f"v0.{version.removeprefix('1.')}"
    lines = ["module programs", "", f"go {upstream['Go']}", ""]
    # Only the main module's godebug lines count, and this module is the main one.
    lines += [f"godebug {setting['Key']}={setting['Value']}" for setting in upstream.get("Godebug") or ()]
    lines += ["", f"require {_KUBERNETES} v{version}", "", "replace ("]
    lines += [f"\t{module} => {module} {release}" for module in sorted(staging)]
    return "\n".join([*lines, ")", ""])


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        pin(wanted, PINNED / wanted)
