# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Building what later tasks send to nodes, while a node is at work.

Ansible packs a module with all that it imports when a task first needs it, and keeps that for the run. Finding the
imports takes a quarter of a second of the controller for each module; one that waits for a node has that to spare.
"""

from __future__ import annotations

import sys
import typing as t
from contextlib import contextmanager, suppress

from ansible import constants
from ansible.executor.module_common import modify_module
from ansible.plugins.loader import module_loader
from ansible.template import Templar
from ansible.utils.multiprocessing import context as multiprocessing


def build(module: str) -> None:
    """Have Ansible pack a module, unless it has in this run. Its options are no part of what is kept."""
    modify_module(
        module_name=module,
        module_path=module_loader.find_plugin(module),
        module_args={},
        templar=Templar(loader=None, variables={}),
        task_vars={"ansible_python_interpreter": sys.executable},
        module_compression=t.cast(t.Any, constants).DEFAULT_MODULE_COMPRESSION,
    )


@contextmanager
def built_meanwhile(modules: t.Collection[str], build: t.Callable[[str], None] = build) -> t.Iterator[None]:
    """Build modules, one after the other, for as long as the body waits. The one that is begun by then is finished: the
    next task may need it. By a process of its own: threads of CPython up to 3.12 break each other's parsing."""
    if not modules:
        yield
        return
    over = multiprocessing.Event()
    building = multiprocessing.Process(target=_build_until, args=(over.is_set, modules, build))
    building.start()
    try:
        yield
    finally:
        over.set()
        building.join()


def _build_until(over: t.Callable[[], bool], modules: t.Collection[str], build: t.Callable[[str], None]) -> None:
    for module in modules:
        if over():
            return
        with suppress(Exception):  # the task that needs it says what is wrong with it
            build(module)


__all__ = ("build", "built_meanwhile")
