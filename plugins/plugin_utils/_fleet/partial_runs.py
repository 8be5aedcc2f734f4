# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Runs of Ansible that leave out tasks."""

from __future__ import annotations

import typing as t

# All tasks of the roles are tagged `always`; Ansible counts `tagged` as naming them, too.
_OURS = ("always", "tagged")


def options_that_leave_out_tasks(*, start_at_task: object, step: object, skip_tags: t.Iterable[str]) -> list[str]:
    """The options, as they were given, with which tasks of the roles would not run."""
    skipped = sorted(set(skip_tags).intersection(_OURS))
    found = [
        f"--start-at-task {start_at_task}" if start_at_task else "",
        "--step" if step else "",
        f"--skip-tags {','.join(skipped)}" if skipped else "",
    ]
    return [option for option in found if option]


__all__ = ("options_that_leave_out_tasks",)
