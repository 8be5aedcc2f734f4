# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The drop-in of this collection for a unit that runs etcd: variables that no environment file of it sets.

`Environment=` of a drop-in counts less than `EnvironmentFile=` of the unit, and more than its `Environment=`
(systemd.exec(5)).
"""

from __future__ import annotations

import re
import typing as t

# Behind those of others, whose names usually begin with a smaller number.
_NAME = "99-controlplane-etcd.conf"
HEAD = "# Written by the Ansible collection controlplane.etcd.\n[Service]\n"
_LINE = re.compile(r'(?m)^Environment="([A-Za-z_]\w*)=((?:[^"\\\n]|\\.)*)"\n', re.ASCII)


def path_of(unit: str) -> str:
    """The path of the drop-in of a unit."""
    return f"/etc/systemd/system/{unit}.d/{_NAME}"


def values(text: str) -> dict[str, str]:
    """The variables of a drop-in."""
    return {name: _unescaped(value) for name, value in _LINE.findall(text)}


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = ()) -> str:
    """Set these variables, remove those: all that is in it is ours. Raises ValueError for what is somebody else's."""
    if text and not text.startswith(HEAD):
        raise ValueError("it is not as this collection writes it")
    found = values(text)
    absent = [name for name in remove if name not in found]
    if absent:
        raise ValueError(f"{', '.join(absent)} is in the unit itself, or in another drop-in")
    for name in remove:
        del found[name]
    found.update(wanted)
    return HEAD + "".join(f'Environment="{name}={_escaped(value)}"\n' for name, value in found.items())


def _escaped(value: str) -> str:
    """The value in quotes of a unit, where a percent sign would begin a specifier."""
    return re.sub(r'(["\\])', r"\\\1", value).replace("%", "%%")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).replace("%%", "%")


__all__ = ("HEAD", "edit", "path_of", "values")
