# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a fill under way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from lab.loopback.fill import Progress


@contextlib.contextmanager
def fill_progress(console: Console | None = None) -> Iterator[Callable[[Progress], None]]:
    """Show a bar and yield the function to be given to ``fill`` as ``progress``."""
    columns = (TextColumn("filling"), BarColumn(), DownloadColumn(binary_units=True), TimeElapsedColumn())
    with Bar(*columns, console=console) as shown:
        task = shown.add_task("filling")

        def show(progress: Progress) -> None:
            shown.update(task, total=progress.goal, completed=min(progress.db_size, progress.goal))

        yield show
