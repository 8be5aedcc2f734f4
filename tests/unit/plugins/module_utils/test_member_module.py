# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of modules that work on one member: which one a message names."""

from __future__ import annotations

import pytest
from unit.builders import Exited, Json, member, table, view
from unit.fake_cluster import FakeMember

from ansible_collections.controlplane.etcd.plugins.module_utils import _member_module
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors


class FakeModule:
    _name = "etcd_info"
    check_mode = False

    def __init__(self, **params: object) -> None:
        self.params = params

    def exit_json(self, **result: object) -> None:
        raise Exited(result)

    def fail_json(self, **result: object) -> None:
        raise Exited({"failed": True, **result})


URL = "https://192.0.2.1:2379"

# The endpoint that was given; the failure before there is a member, or of the body; the member that is named.
THROUGH: list[tuple[str, str | None, Exception | None, Exception, str]] = [
    ("refused by the member", None, None, Refused("x", "No."), f"Working through {URL} was refused. No."),
    ("etcd, of the member", None, None, errors.TimedOut("late"), f"Working through {URL} failed: late."),
    (
        "etcd, of another one",
        None,
        None,
        errors.TimedOut("late", endpoint="other"),
        "Working through other failed: late.",
    ),
    ("not etcd's", None, None, Failure("x", "It broke."), "Working failed. It broke."),
    ("no member: its manifest", None, errors.TlsRejected("no"), KeyError(), "Working through etcd.yaml failed: no."),
    ("no member: its endpoint", "given", errors.TlsRejected("no"), KeyError(), "Working through given failed: no."),
    ("no manifest", None, Failure("manifest_missing", "None."), KeyError(), "Working failed. None."),
]


@pytest.mark.parametrize(("given", "before", "inside", "expected"), table(THROUGH))
def test_member_that_is_named(
    monkeypatch: pytest.MonkeyPatch, given: str | None, before: Exception | None, inside: Exception, expected: str
) -> None:
    def made(_params: Json) -> FakeMember:
        if before:
            raise before
        return FakeMember(view(member(1)))

    def body(_module: object, _member: object) -> Json:
        raise inside

    monkeypatch.setattr(_member_module, "LocalMember", made)
    module = FakeModule(endpoint=given, manifest="etcd.yaml")
    with pytest.raises(Exited) as caught:
        _member_module.run_with_member(module, body, doing="Working")  # type: ignore[arg-type]  # it is made
    assert caught.value.args[0]["msg"] == f"{expected} Nothing was changed."


def test_member_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = FakeMember(view(member(1)))
    monkeypatch.setattr(_member_module, "LocalMember", lambda _params: asked)
    module = FakeModule(endpoint=None, manifest="etcd.yaml")
    with pytest.raises(Exited) as caught:
        _member_module.run_with_member(module, lambda _module, found: {"same": found is asked}, doing="Working")  # type: ignore[arg-type]  # it is made
    assert caught.value.args[0] == {"same": True}
