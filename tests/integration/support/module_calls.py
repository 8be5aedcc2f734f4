# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules called without Ansible around them: in this process, or in one of their own."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from integration.support.settings import PATIENCE, REPOSITORY, WAY, Result
from lab.loopback.member import MemberProcess

_PLUGINS = "ansible_collections.controlplane.etcd.plugins"


def module_options(name: str, node: MemberProcess | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's options with the manifest of the node filled in, if there is a node, and with the way to etcd
    that is tested."""
    over = {"transport": WAY} if name in _ask_etcd() else {}
    return {**({"manifest": str(node.manifest)} if node else {}), **over, **options}


@functools.cache
def _ask_etcd() -> frozenset[str]:
    """The modules that have the options of a connection: those of that action group."""
    groups = yaml.safe_load((REPOSITORY / "meta/runtime.yml").read_text("utf-8"))["action_groups"]
    return frozenset(groups["etcd"])


@contextlib.contextmanager
def _patched(arguments: Mapping[str, Any]) -> Iterator[None]:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # before ansible-core 2.19
        from unittest import mock

        encoded = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments)}).encode()
        with mock.patch("ansible.module_utils.basic._ANSIBLE_ARGS", encoded):
            yield
    else:
        with patch_module_args(dict(arguments)):
            yield


def call_module(name: str, options: Mapping[str, Any], *, check: bool = False) -> Result:
    """Run a module of the collection in this process, with what its action plugin does between two calls of it, and
    return the result. One at a time: it prints to stdout."""
    two_calls = importlib.import_module(f"{_PLUGINS}.plugin_utils._kubeadm_text.two_calls")

    def call(told: Result) -> Result:
        return _call_once(name, {**options, **told}, check=check)

    if name == "etcd_manifest":
        return dict(two_calls.change_manifest(call))
    if name.startswith("kubeadm_"):
        return {"failed": False, "warnings": [], **two_calls.set_arguments(call, check=check)}
    return call({})


def _call_once(name: str, options: Mapping[str, Any], *, check: bool) -> Result:
    from ansible.module_utils.common import warnings as ours

    ours._global_warnings.clear()
    ours._global_deprecations.clear()
    main = importlib.import_module(f"{_PLUGINS}.modules.{name}").main
    printed = io.StringIO()
    with (
        _patched({**options, "_ansible_check_mode": check, "_ansible_diff": True}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main()
    result: Result = json.loads(printed.getvalue())
    result.setdefault("failed", False)
    # From ansible-core 2.19 on a warning is an object with the text inside.
    told = result.get("warnings", [])
    result["warnings"] = [each if isinstance(each, str) else each["event"]["msg"] for each in told]
    result.pop("invocation", None)
    return result


_CALL = """
import json, os, sys
from integration.support.module_calls import call_module
name, options, check, uid = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "check", int(sys.argv[4])
if uid:
    # Once as it is, so that all is loaded: another user may not be able to read this Python's files.
    call_module(name, options, check=True)
    from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import transport
    transport._shared_context.cache_clear()  # keys that were read with the rights of root
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
print(json.dumps(call_module(name, options, check=check)))
"""


class Background:
    """A module in a process of its own, with ``uid`` under another user: for what happens while it works."""

    def __init__(
        self, name: str, options: Mapping[str, Any], collections: Path, *, check: bool = False, uid: int = 0
    ) -> None:
        path = os.pathsep.join([str(collections), str(REPOSITORY / "tests")])
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CALL, name, json.dumps(dict(options)), "check" if check else "", str(uid)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def result(self, *, seconds: float = PATIENCE) -> Result:
        """Wait until it exits and return what it said."""
        out, err = self.process.communicate(timeout=seconds)
        assert out, f"the module exited with code {self.process.returncode} and said nothing:\n{err}"
        return dict(json.loads(out.splitlines()[-1]))

    def kill(self) -> None:
        """Kill it; harmless when it has exited."""
        self.process.kill()
        self.process.communicate()
