# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flags an etcd of a version does not know, and which ones are not changed."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import known_flags

UNKNOWN: list[tuple[str, str, list[str], str]] = [
    ("old names on 3.7", "3.7.3", ["experimental-initial-corrupt-check"], "--feature-gates=InitialCorruptCheck=true"),
    ("others", "3.7.0", ["experimental-compaction-batch-limit"], "; --compaction-batch-limit may be what you want"),
    ("old names on 3.6", "3.6.8", ["experimental-initial-corrupt-check"], ""),
    ("gates on 3.5", "3.5.24", ["feature-gates"], "etcd 3.5.24 does not know every flag and would exit at once."),
    ("gates on 3.6", "3.6.0", ["feature-gates", "max-wals"], ""),
    ("new names on 3.5", "3.5.24", ["compaction-batch-limit"], "--experimental-compaction-batch-limit may be"),
    ("gone", "3.6.0", ["enable-v2"], "--enable-v2 was removed in 3.6."),
    ("gone later", "3.5.24", ["enable-v2", "proxy"], ""),
    ("gone since long", "3.7.0", ["debug"], "--debug was removed in 3.5."),
    ("ordinary ones", "3.7.3", ["quota-backend-bytes", "max-wals"], ""),
    ("a version that nobody knows", "latest", ["feature-gates"], ""),
]


@pytest.mark.parametrize(("version", "names", "expected"), table(UNKNOWN))
def test_unknown_flags(version: str, names: list[str], expected: str) -> None:
    said = known_flags.version_refusal(version, names)
    assert expected in (said.text if said else "")
    assert bool(said) is bool(expected)


IMAGES = [
    ("usual", "registry.k8s.io/etcd:3.5.15-0", "3.5.15"),
    ("with a port", "localhost:5000/etcd:v3.6.8", "3.6.8"),
    ("port alone", "localhost:5000/etcd", ""),
    ("digest", "registry.k8s.io/etcd@sha256:3.5.15", ""),
    ("both", "registry.k8s.io/etcd:3.5.15-0@sha256:0a", "3.5.15"),
    ("a word", "etcd:latest", ""),
    ("two numbers", "etcd:3.5", ""),
]


@pytest.mark.parametrize(("image", "version"), table(IMAGES))
def test_version_of_image(image: str, version: str) -> None:
    assert known_flags.version_of_image(image) == version


OWN = ["name", "data-dir", "initial-cluster", "listen-metrics-urls", "peer-trusted-ca-file", "client-cert-auth"]

SETTINGS = [
    "quota-backend-bytes",
    "snapshot-count",
    "log-level",
    "auto-compaction-mode",
    "election-timeout",
    "max-wals",
]


@pytest.mark.parametrize("name", OWN)
def test_flags_of_the_member(name: str) -> None:
    assert f"--{name} is part of what this member is" in str(known_flags.member_refusal(["max-wals", name]))


def test_settings() -> None:
    assert known_flags.member_refusal(SETTINGS) is None


ENVIRONMENTS = [
    ("none", {}, ""),
    ("another", {"ETCD_LOG_LEVEL": "debug"}, ""),
    ("the same", {"ETCD_MAX_WALS": "5"}, "The manifest sets ETCD_MAX_WALS in the environment"),
]


@pytest.mark.parametrize(("environment", "expected"), table(ENVIRONMENTS))
def test_environment(environment: dict[str, str], expected: str) -> None:
    said = known_flags.environment_refusal(["max-wals"], environment)
    assert expected in (said.text if said else "")
    assert bool(said) is bool(expected)
