# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on the working tree: all its tests, nothing ignored, every Python that is here.

ansible-test wants a real directory .../ansible_collections/controlplane/etcd, fetches one script from outside PyPI, and
stops at an interpreter that does not run (pyenv leaves such). So it gets a copy, that script, and a PATH of good ones.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages
from ansible_test._util.target.common.constants import CONTROLLER_PYTHON_VERSIONS, REMOTE_ONLY_PYTHON_VERSIONS

from lab import programs
from tools.interpreters import PATH, directories, runs
from tools.working_tree import ROOT, working_tree_files

WORK = ROOT / ".cache" / "sanity"
# With the programs, for all clones: its virtual environments take minutes to make.
HOME = programs.store().directory / "sanity"
PIP_CONFIGURATIONS = (HOME / ".config" / "pip" / "pip.conf", HOME / ".pip" / "pip.conf")
COLLECTION = WORK / "ansible_collections" / "controlplane" / "etcd"
VERSIONS: tuple[str, ...] = (*REMOTE_ONLY_PYTHON_VERSIONS, *CONTROLLER_PYTHON_VERSIONS)

# ensurepip brings a pip along; that pip then gets the version ansible-test asks for from the user's own index. In a
# process of its own, because ensurepip switches the pip configuration off in the one it runs in.
GET_PIP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "pip=={version}"])
"""


# For ansible-core 2.16 a plugin whose name begins with an underscore is deprecated. To us it is private.
IGNORED = COLLECTION / "tests" / "sanity" / "ignore-2.16.txt"
UNDERSCORE = "validate-modules:collections-no-underscore-on-deprecation"


def copy_collection() -> None:
    shutil.rmtree(COLLECTION, ignore_errors=True)
    for path in working_tree_files():
        (COLLECTION / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, COLLECTION / path, follow_symlinks=False)
    lookups = sorted(path.name for path in (COLLECTION / "plugins" / "lookup").glob("_*.py"))
    IGNORED.parent.mkdir(parents=True, exist_ok=True)
    IGNORED.write_text("".join(f"plugins/lookup/{name} {UNDERSCORE}\n" for name in lookups), "utf-8")
    # Otherwise ansible-test finds the clone's git above this directory, for which everything here is ignored.
    subprocess.run(["git", "init", "--quiet", str(COLLECTION)], check=True)


def prepare_home() -> None:
    """Make the home that ansible-test gets: its caches, the pip script, the user's pip configuration."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in {get_venv_packages(SimpleNamespace(version=version))["pip"] for version in VERSIONS}:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP.format(version=version))

    # ansible-test hands neither PIP_* nor the variables of proxies and certificates on, so they become options in the
    # second of the two files that pip reads; the first is the user's own.
    options = {"quiet": "1"}
    for name, variable in (("cert", "SSL_CERT_FILE"), ("cert", "REQUESTS_CA_BUNDLE"), ("proxy", "HTTPS_PROXY")):
        if variable in os.environ:
            options[name] = os.environ[variable]
    for variable, value in os.environ.items():
        if variable.startswith("PIP_") and variable != "PIP_CONFIG_FILE":
            options[variable[len("PIP_") :].lower().replace("_", "-")] = value
    lines = ["[global]", *(f"{name} = {value}" for name, value in options.items())]
    write_private(PIP_CONFIGURATIONS[0], "\n".join(lines) + "\n")

    own = [os.environ.get("PIP_CONFIG_FILE"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"]
    text = next((Path(path).read_text() for path in own if path and Path(path).is_file()), "")
    write_private(PIP_CONFIGURATIONS[1], text)


def write_private(path: Path, text: str) -> None:
    """Write a file that may hold the password of a package index."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def search_path(interpreters: dict[str, Path]) -> str:
    """Put this environment's programs first, then the interpreters, then the PATH without those of broken ones."""
    rest = [path for path in PATH if all(runs(interpreter) for interpreter in path.glob("python3.*[0-9]"))]
    return os.pathsep.join(map(str, dict.fromkeys([Path(sys.executable).parent, *interpreters.values(), *rest])))


def main(arguments: list[str]) -> int:
    interpreters = directories(VERSIONS)
    absent = [version for version in VERSIONS if version not in interpreters]
    print(f"Pythons tested: {', '.join(interpreters)}. Not on this machine: {', '.join(absent) or 'none'}.", flush=True)
    copy_collection()
    environment = {**os.environ, "HOME": str(HOME), "PATH": search_path(interpreters)}
    command = ["ansible-test", "sanity", *arguments]
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            prepare_home()
            return subprocess.run(command, cwd=COLLECTION, env=environment, check=False).returncode
        finally:
            for path in PIP_CONFIGURATIONS:
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
