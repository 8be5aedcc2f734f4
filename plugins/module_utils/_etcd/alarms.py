# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Disarming of the NOSPACE alarms."""

from __future__ import annotations

from .api import Alarm, Endpoint
from .view import ClusterView


def disarm(view: ClusterView, endpoint: Endpoint) -> tuple[Alarm, ...]:
    """Disarm every NOSPACE alarm of the list, and return what is still listed afterwards. Raises EtcdError.

    Those of members that are down or removed are disarmed as well: one that is left keeps the whole cluster read-only.
    """
    for alarm in view.full_alarms:
        endpoint.disarm(alarm)
    return endpoint.alarms()


__all__ = ("disarm",)
