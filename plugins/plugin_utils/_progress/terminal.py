# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The bar on a terminal, drawn by rich if that is installed. Everything here may be missing: then there is none."""

from __future__ import annotations

import io
import typing as t

try:
    from rich.console import Console
    from rich.progress_bar import ProgressBar
except ImportError:
    HAS_RICH = False
else:
    HAS_RICH = True

CLEAR = "\r\x1b[K"
_BAR_WIDTH = 24


def can_draw(environment: t.Mapping[str, str], *, terminal: bool, encoding: str) -> bool:
    """Whether a line can be drawn over again here: not in a pipe, nor in what only looks like a terminal."""
    logged = any(environment.get(name) for name in ("CI", "AWX_HOST"))
    return terminal and not logged and environment.get("TERM", "") not in ("", "dumb") and "utf" in encoding.lower()


def drawn_bar(head: str, tail: str, share: float, *, width: int, color: bool) -> str:
    """One line without its end, never wider than the terminal. Raises NameError without rich."""
    file = io.StringIO()
    system: t.Any = "standard" if color else None
    console = Console(file=file, force_terminal=True, color_system=system, width=_BAR_WIDTH, legacy_windows=False)
    console.print(ProgressBar(total=1.0, completed=min(share, 1.0), width=_BAR_WIDTH), end="")
    left = width - 1 - len(head) - _BAR_WIDTH - 2
    if left < len(tail):
        return f"{head} {tail}"[: width - 1]
    drawn = file.getvalue() if color else file.getvalue().ljust(_BAR_WIDTH)
    return f"{head} {drawn} {tail}"


__all__ = ("CLEAR", "HAS_RICH", "can_draw", "drawn_bar")
