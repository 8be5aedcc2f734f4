# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Work that is done at the same time, in threads.

As `concurrent.futures` does it, whose import takes a tenth of the time that an inspection of a cluster needs.
"""

from __future__ import annotations

import threading
import typing as t

# For whoever imports something in a thread: up to Python 3.9 a module from a zip file, as Ansible sends them, is shown
# to other threads before it is whole, and they fail to import from it.
importing = threading.RLock()

_Item = t.TypeVar("_Item")
_First = t.TypeVar("_First")
_Second = t.TypeVar("_Second")


def side_by_side(work: t.Callable[[_Item], _First], items: t.Sequence[_Item]) -> list[_First]:
    """The results of the work on each item, in the order of these. Raises the first error of them when all are done."""
    done: dict[int, _First] = {}
    failed: dict[int, Exception] = {}

    def one(at: int, item: _Item) -> None:
        try:
            done[at] = work(item)
        except Exception as exc:  # raised below, in the thread of the caller
            failed[at] = exc

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(items)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[min(failed)]
    return [done[at] for at in range(len(threads))]


def both(first: t.Callable[[], _First], second: t.Callable[[], _Second]) -> tuple[_First, _Second]:
    """The results of two pieces of work. Raises as `side_by_side`."""
    works: tuple[t.Callable[[], t.Any], ...] = (first, second)
    one, other = side_by_side(lambda work: work(), works)
    return one, other


__all__ = ("both", "importing", "side_by_side")
