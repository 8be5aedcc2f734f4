# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_defrag: what it hands on, and what it returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, Json, Reply, member, table, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.modules import etcd_defrag

STATUS = "/v3/maintenance/status"
SEEN = view(member(1))
REPLIES: dict[str, Reply] = {STATUS: {"header": {"member_id": "1"}}}


def defragment(asked: FakeMember, **params: Any) -> tuple[Json, FakeModule]:
    """In check mode, so that nothing is sent."""
    given = {"min_free_bytes": 0, "min_free_share": 0.0, "allow_unsafe_version": False, "work_timeout": 5.0, **params}
    module = FakeModule(check=True, **given)
    return etcd_defrag.defragment(module, asked), module  # type: ignore[arg-type]  # both are made


def test_result() -> None:
    asked = FakeMember(SEEN, REPLIES)
    asked.disk = 10_000 * MIB
    result, module = defragment(asked)
    assert module.warnings == []
    assert result == {
        "changed": True,
        "member": "cp1",
        "before_bytes": 500 * MIB,
        "after_bytes": 100 * MIB,
        "seconds": 0.0,
        "moved_leader_to": "",
        "skipped": "",
        "line": "cp1: 500.0 MiB -> 100.0 MiB or less, if it were done",
    }


def test_a_disk_that_is_too_small_names_what_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etcd/member/snap").mkdir(parents=True)
    left, taken = tmp_path / "etcd/member/snap/db.tmp.1", tmp_path / "etcd-c1-cp1-r1.db"
    for path in (left, taken):
        path.write_bytes(bytes(MIB))

    def refused(*_args: object, **_options: object) -> None:
        raise Refused("disk_too_small", "It is too small.", "Make room.")

    monkeypatch.setattr(etcd_defrag.defragmentation, "defragment", refused)
    asked = FakeMember(SEEN, REPLIES, MemberSettings("etcd.yaml", "", {"data-dir": str(tmp_path / "etcd")}, {}, ()))
    with pytest.raises(Refused) as caught:
        defragment(asked, snapshot_dir=str(tmp_path))
    assert caught.value.text == (
        f"It is too small. Make room. The snapshot {taken} is on the same disk: move it to another one. What may"
        f" go there, once nobody needs it: {left} (1.0 MiB)."
    )
    asked.manifest = None
    with pytest.raises(Refused) as caught:
        defragment(asked, snapshot_dir=str(tmp_path))
    assert caught.value.text == "It is too small. Make room."


def test_disk_of_another_host() -> None:
    _result, module = defragment(FakeMember(SEEN, REPLIES))
    assert module.warnings == [
        "The member is not this host's own: whether its disk has room for the copy could not be checked."
    ]


RULES: list[tuple[str, dict[str, Any], str]] = [
    ("enough", {"min_free_bytes": 400 * MIB, "min_free_share": 0.8}, ""),
    ("too few bytes", {"min_free_bytes": 401 * MIB}, "only 400.0 MiB could be gained"),
    ("too small a share", {"min_free_share": 0.81}, "only 400.0 MiB could be gained"),
]


@pytest.mark.parametrize(("params", "skipped"), table(RULES))
def test_rule(params: dict[str, Any], skipped: str) -> None:
    result, _module = defragment(FakeMember(SEEN, REPLIES), **params)
    assert (result["changed"], result["skipped"]) == (not skipped, skipped)


@pytest.mark.parametrize("allowed", [False, True])
def test_unsafe_version(allowed: bool) -> None:
    asked = FakeMember(view(member(1, version="3.5.5")), REPLIES)
    if allowed:
        assert defragment(asked, allow_unsafe_version=True)[0]["changed"]
    else:
        with pytest.raises(Refused) as caught:
            defragment(asked)
        assert caught.value.code == "unsafe_etcd_version"
