# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disarming: every NOSPACE alarm, and nothing else."""

from __future__ import annotations

from unit.builders import Json, endpoint, member, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import alarms
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm

ALARM = "/v3/maintenance/alarm"
NOSPACE = Alarm(1, "NOSPACE")


def test_disarm_takes_every_nospace_alarm_and_nothing_else() -> None:
    armed = [NOSPACE, Alarm(0xDEAD, "NOSPACE"), Alarm(2, "CORRUPT")]

    def reply(body: Json) -> Json:
        return {"alarms": [{"memberID": "2", "alarm": "CORRUPT"}]} if body["action"] == "GET" else {}

    asked, transport = endpoint({ALARM: reply})
    assert alarms.disarm(view(member(1), alarms=armed), asked) == (Alarm(2, "CORRUPT"),)
    assert [(body.get("memberID"), body.get("alarm")) for _path, body in transport.calls] == [
        ("1", "NOSPACE"),
        (str(0xDEAD), "NOSPACE"),
        (None, None),
    ]
