# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The administrator's configuration file: its bytes, and their text."""

from __future__ import annotations

import os

from .._core import files
from .._core.failures import Refused


def read(path: str) -> bytes:
    """Read the file. Raises Refused if it is not there or not a regular file, OSError."""
    if not os.path.lexists(path):
        raise Refused(
            "kubeadm_file_missing",
            f"There is no {path} on this node.",
            "Name the file that holds the cluster's configuration.",
        )
    if not os.path.isfile(path):
        raise Refused(
            "kubeadm_file_missing", f"{path} is not a regular file, or is a broken link.", "Name the file itself."
        )
    return files.content(path)


def text_of(data: bytes) -> str:
    """The text of these bytes, with every line break unchanged. Raises Refused."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise Refused(
            "kubeadm_file_invalid", f"Line {line} is not UTF-8 (byte {exc.start}).", "Convert the file to UTF-8."
        ) from exc


__all__ = ("read", "text_of")
