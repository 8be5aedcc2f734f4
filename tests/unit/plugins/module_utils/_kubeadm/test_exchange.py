# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module and the controller hand to each other."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import exchange

TEXT = "# ü\r\nkind: ClusterConfiguration\n"


def test_an_edit() -> None:
    assert exchange.received_text({exchange.FROM_CONTROLLER: None}) is None
    assert exchange.received_text(exchange.edited(TEXT, "new")) == (exchange.fingerprint(TEXT), "new")
    assert exchange.fingerprint(TEXT) != exchange.fingerprint(TEXT.replace("\r\n", "\n"))


def test_what_was_made() -> None:
    told = exchange.made(lambda: TEXT)
    assert list(told) == [exchange.FROM_CONTROLLER]
    assert exchange.received(told[exchange.FROM_CONTROLLER]) == TEXT


@pytest.mark.parametrize("kind", table([("failed", Failure), ("refused", Refused)]))
def test_a_failure_there_is_one_here(kind: type[Failure]) -> None:
    def fails() -> str:
        raise kind("not_rendered", "The reason.", "The advice.")

    with pytest.raises(Failure) as caught:
        exchange.received(exchange.made(fails)[exchange.FROM_CONTROLLER])
    assert isinstance(caught.value, Refused) is (kind is Refused)
    found = caught.value
    assert (found.code, found.reason, found.advice) == ("not_rendered", "The reason.", "The advice.")


def test_no_log_has_a_text() -> None:
    assert exchange.EXTRA_ARGS_SPEC[exchange.FROM_CONTROLLER]["no_log"]
