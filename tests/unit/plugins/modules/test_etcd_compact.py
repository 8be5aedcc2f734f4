# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_compact: at which revision it compacts, and what it does in check mode."""

from __future__ import annotations

import pytest
from unit.builders import Json, Reply, member, table, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import compaction, errors, polling
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.modules import etcd_compact


@pytest.fixture(autouse=True)
def _no_election(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "ELECTION_SECONDS", 0.0)


KV_RANGE, COMPACTION = "/v3/kv/range", "/v3/kv/compaction"
SEEN = view(member(1))


def replies(first: int, last: int, compaction: Reply) -> dict[str, Reply]:
    """A member that has the revisions from the first to the last."""

    def read(body: Json) -> Json:
        if 0 < int(body.get("revision", 0)) < first:
            raise errors.Compacted("compacted")
        if int(body.get("revision", 0)) > last:
            raise errors.FutureRevision("future")
        return {"header": {"revision": str(last)}}

    return {KV_RANGE: read, COMPACTION: compaction}


def compact(
    asked: FakeMember, *, revision: int | None = None, keep: int = 0, check: bool = False
) -> tuple[Json, FakeModule]:
    module = FakeModule(check=check, revision=revision, keep_revisions=keep, work_timeout=5.0)
    return etcd_compact.compact(module, asked), module  # type: ignore[arg-type]  # both are made


REVISIONS: list[tuple[str, int | None, int, int, bool]] = [
    ("the newest", None, 0, 100, True),
    ("some are kept", None, 30, 70, True),
    ("one that is named", 50, 0, 50, True),
    ("compacted before", 10, 0, 10, False),
    ("nothing would be left to compact", None, 99, 1, False),
    ("more are kept than there are", None, 500, -400, False),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("revision", "keep", "expected", "changed"), table(REVISIONS))
def test_revision(revision: int | None, keep: int, expected: int, changed: bool, check: bool) -> None:
    asked = FakeMember(SEEN, replies(10, 100, {} if changed else errors.Compacted("compacted")))
    result, module = compact(asked, revision=revision, keep=keep, check=check)
    assert (result["revision"], result["changed"], result["pending"]) == (expected, changed, {})
    sent = [body["revision"] for path, body in asked.transport.calls if path == COMPACTION]
    assert sent == ([] if check or expected <= 1 else [str(expected)])
    assert module.warnings == []


def test_member_that_does_not_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    done = compaction.Compaction(100, True, 5.04, {"cp2": "no answer within 5 s"})
    monkeypatch.setattr(compaction, "compact", lambda *_arguments, **_options: done)
    result, module = compact(FakeMember(SEEN, replies(1, 100, {})))
    assert (result["pending"], result["seconds"]) == ({"cp2": "no answer within 5 s"}, 5.0)
    assert module.warnings == ["cp2 did not report that its compaction is finished: no answer within 5 s."]


REFUSALS: list[tuple[str, ClusterView, int | None, str]] = [
    ("corrupt", view(member(1), alarms=[Alarm(1, "CORRUPT")]), None, "corrupt_alarm"),
    ("no leader", view(member(1), leader=0), None, "members_cut_off"),
    ("in the future", SEEN, 101, "revision_in_future"),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("seen", "revision", "code"), table(REFUSALS))
def test_refused(seen: ClusterView, revision: int | None, code: str, check: bool) -> None:
    asked = FakeMember(seen, replies(1, 100, {}))
    with pytest.raises(Refused) as caught:
        compact(asked, revision=revision, check=check)
    assert caught.value.code == code
    assert COMPACTION not in [path for path, _body in asked.transport.calls]
