# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_alarm: what speaks against a disarm, and what is disarmed."""

from __future__ import annotations

import pytest
from unit.builders import MIB, member, table, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import polling
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.modules import etcd_alarm


@pytest.fixture(autouse=True)
def _no_election(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "ELECTION_SECONDS", 0.0)


ALARM = "/v3/maintenance/alarm"
NOSPACE, CORRUPT = Alarm(1, "NOSPACE"), Alarm(1, "CORRUPT")

FULL = member(1, size=960 * MIB)

CLOSE = member(1, size=900 * MIB)

DISARMS: list[tuple[str, ClusterView, bool, list[str] | str, int]] = [
    ("armed", view(member(1), alarms=[NOSPACE]), False, ["cp1"], 0),
    ("not armed", view(member(1)), False, [], 0),
    ("armed, close to full", view(CLOSE, alarms=[NOSPACE]), False, ["cp1"], 1),
    ("not armed, close to full", view(CLOSE), False, [], 1),
    ("armed, full", view(FULL, alarms=[NOSPACE]), False, "not_enough_reclaimed", 0),
    ("not armed, full: disarmed too early", view(FULL), False, "not_enough_reclaimed", 0),
    ("check mode: sizes do not matter", view(FULL, alarms=[NOSPACE]), True, ["cp1"], 0),
    ("check mode, not armed", view(FULL), True, [], 0),
    ("corrupt", view(member(1), alarms=[NOSPACE, CORRUPT]), True, "corrupt_alarm", 0),
    ("no leader", view(member(1), leader=0, alarms=[NOSPACE]), True, "members_cut_off", 0),
]


@pytest.mark.parametrize(("seen", "check", "expected", "warnings"), table(DISARMS))
def test_disarm(seen: ClusterView, check: bool, expected: list[str] | str, warnings: int) -> None:
    module, asked = FakeModule(check=check), FakeMember(seen, {ALARM: {}})
    if isinstance(expected, str):
        with pytest.raises(Refused) as caught:
            etcd_alarm.disarm(module, asked)  # type: ignore[arg-type]  # both are made
        assert caught.value.code == expected
    else:
        result = etcd_alarm.disarm(module, asked)  # type: ignore[arg-type]  # both are made
        assert result == {"changed": bool(expected), "disarmed": expected}
    sent = [body for _path, body in asked.transport.calls if body["action"] == "DEACTIVATE"]
    assert len(sent) == (len(expected) if isinstance(expected, list) and not check else 0)
    assert len(module.warnings) == warnings


def test_alarm_that_comes_back() -> None:
    for armed in ("1", "2"):  # the same one, or that of another member
        answer = {"alarms": [{"memberID": armed, "alarm": "NOSPACE"}]}
        asked = FakeMember(view(member(1), member(2), alarms=[NOSPACE]), {ALARM: answer})
        with pytest.raises(
            Refused, match=rf"^The alarm NOSPACE of cp{armed} is armed after all were disarmed: "
        ) as found:
            etcd_alarm.disarm(FakeModule(), asked)  # type: ignore[arg-type]  # both are made
        assert found.value.code == "alarm_raised_again"
