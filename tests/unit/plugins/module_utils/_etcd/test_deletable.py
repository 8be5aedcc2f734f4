# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be deleted past the API server: exactly what was meant, and nothing that somebody needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.deletable import (
    SAFE_TO_LOSE,
    deletable,
    refusal_of,
    safe_to_lose,
)

SAFE = (
    "/registry/events/",
    "/registry/events/default/",
    "/registry/events.k8s.io/events/",
    "/registry/wgpolicyk8s.io/policyreports/",
    "/registry/wgpolicyk8s.io/policyreports/kube-system/",
    "/registry/wgpolicyk8s.io/clusterpolicyreports/",
    "/registry/reports.kyverno.io/ephemeralreports/",
    "/registry/kyverno.io/admissionreports/",
    "/registry/aquasecurity.github.io/vulnerabilityreports/",
)
UNSAFE = (
    "/registry/secrets/",
    "/registry/configmaps/default/",
    "/registry/leases/kube-node-lease/",
    "/registry/pods/",
    "/registry/services/specs/",
    "/registry/kyverno.io/updaterequests/",
    "/registry/kyverno.io/clusterpolicies/",
    "/registry/aquasecurity.github.io/clustercompliancereports/",
    "/registry/apiextensions.k8s.io/customresourcedefinitions/",
    "/registry/wgpolicyk8s.io/events/",
)
WRONG = (
    "",
    "/",
    "/registry",
    "/registry/",
    "/registry//",
    "registry/events/",
    "//registry/events/",
    "/registry/events",
    "/registry/event*/",
    "/registry/events/*/",
    "/registry/events/?/",
    "/registry/events/[a-z]/",
    "/registry/events/../",
    "/registry/events/../secrets/",
    "/registry/./events/",
    "/registry/events//",
    "/registry/events/ /",
    "/registry/events/default/\n/",
    " /registry/events/",
    "/registry/events/default/web.17c1/",
    "/registry/wgpolicyk8s.io/",
    "/registry/wgpolicyk8s.io/policyreports/default/one/",
    "/registry/services/",
    "/kubernetes.io/events/",
    "/registry-old/events/",
    "/REGISTRY/events/",
    "/registry/Events/",
    "/registry/events\0/",
)


@pytest.mark.parametrize("name", SAFE)
def test_safe(name: str) -> None:
    assert refusal_of(name) is None
    assert safe_to_lose(name)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_is_not_safe_is_allowed_by_name_only(name: str) -> None:
    refused = refusal_of(name)
    assert refused is not None
    assert (refused.code, refused.unchanged) == ("not_safe_to_delete", "Nothing was deleted.")
    assert "recover_delete_anything" in refused.advice
    assert refusal_of(name, anything=True) is None


@pytest.mark.parametrize("anything", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_names_are_never_allowed(name: str, anything: bool) -> None:
    refused = refusal_of(name, anything=anything)
    assert refused is not None
    assert (refused.code, refused.unchanged) == ("not_a_directory_of_keys", "Nothing was deleted.")


@given(st.text(alphabet="/.*registyevn-0\n ", max_size=40), st.booleans())
def test_what_is_allowed_is_a_directory_below_the_root(name: str, anything: bool) -> None:
    if refusal_of(f"/registry/{name}", anything=anything) is None:
        parts = name.split("/")
        assert parts[-1] == ""
        assert 2 <= len(parts) <= 4
        assert all(part and not set(part) & set("* \n") and ".." not in part for part in parts[:-1])


@given(st.text(max_size=40), st.booleans())
def test_nothing_outside_of_the_root(name: str, anything: bool) -> None:
    if not name.startswith("/registry/"):
        assert refusal_of(name, anything=anything) is not None


@given(st.lists(st.sampled_from(SAFE)))
def test_none_is_inside_of_another_one(names: list[str]) -> None:
    found = deletable(names)
    assert not any(one != other and one.startswith(other) for one in found for other in found)
    assert all(any(name.startswith(each) for each in found) for name in names)


def test_one_wrong_name_is_enough() -> None:
    with pytest.raises(Refused, match="secrets"):
        deletable(["/registry/events/", "/registry/secrets/"])
    assert deletable(["/registry/secrets/"], anything=True) == ("/registry/secrets/",)


def test_another_root() -> None:
    assert deletable(["/kubernetes.io/events/"], prefix="kubernetes.io") == ("/kubernetes.io/events/",)
    assert refusal_of("/registry/events/", prefix="/kubernetes.io") is not None
    assert refusal_of("//events/", prefix="") is not None


def test_the_directory_of_each_that_is_safe_to_lose() -> None:
    for name in SAFE_TO_LOSE:
        resource, _dot, group = name.partition(".")
        assert refusal_of(f"/registry/{f'{group}/' if group else ''}{resource}/") is None
