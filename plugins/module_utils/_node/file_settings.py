# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Settings of a member that has them from a configuration file of etcd's own."""

from __future__ import annotations

from .._core import files
from . import config_file
from .settings import ReadText, unusable


def file_flags(path: str, read: ReadText = files.text) -> dict[str, str]:
    """What a configuration file of etcd says, by the names of flags. Raises Failure."""
    try:
        return config_file.read(read(path))
    except FileNotFoundError:
        raise unusable(f"{path}, from which etcd is to read its settings, does not exist") from None
    except (OSError, ValueError) as exc:
        raise unusable(f"{path}, from which etcd reads its settings, cannot be read: {exc}") from exc


__all__ = ("file_flags",)
