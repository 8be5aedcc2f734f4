# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the schedule, and the command lines in them."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.member import CONNECTION_OPTIONS
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.cli import parser
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.due import Limits
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import unit_files
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install.unit_files import Wanted

TOOL = "/usr/local/sbin/etcd-maintenance"
CRON = "/etc/cron.d/etcd-maintenance"


def wanted(**changes: object) -> Wanted:
    given = {"tool_path": TOOL, "schedule": "00 */3 * * *", "watch": True, "heal": False, "limits": Limits()}
    return Wanted(**{**given, **changes})  # type: ignore[arg-type]  # of each test, as it says


def test_cron_file() -> None:
    assert unit_files.files(wanted(), "cron") == {
        CRON: unit_files.MARKER
        + "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        + f"00 */3 * * * root {TOOL} run 2>&1 | logger -t etcd-maintenance\n"
        + f"* * * * * root {TOOL} watch 2>&1 | logger -t etcd-maintenance\n"
    }


def test_all_is_under_one_tag_of_the_journal() -> None:
    """The one that documentation and alerts name."""
    for path, text in unit_files.files(wanted(), "systemd").items():
        assert ("SyslogIdentifier=etcd-maintenance\n" in text) == path.endswith(".service")
    assert unit_files.files(wanted(), "cron")[CRON].count("logger -t etcd-maintenance\n") == 2


ALL = wanted(
    heal=True,
    limits=Limits(30.5, 50, 70, 16),
    allow_unsafe_version=True,
    single_member=False,
    textfile_dir="/srv/m",
    manifest="/srv/etcd.yaml",
    lock_path="/srv/lock",
    connection={
        "ca_cert": "/v/ca.pem",
        "client_cert": "/v/c.pem",
        "client_key": "/v/c.key",
        "endpoint": "https://[::1]:2399",
        "transport": "grpc",
    },
    timeout=2.5,
)


def test_all_options_reach_the_tool() -> None:
    found = unit_files.commands(ALL)
    ran = parser().parse_args(found[unit_files.RUN].split()[1:])
    assert (ran.verb, ran.manifest, ran.textfile_dir) == ("run", "/srv/etcd.yaml", "/srv/m")
    assert ran.lock == "/srv/lock"
    assert {name: getattr(ran, name) for name in CONNECTION_OPTIONS} == ALL.connection
    assert ran.timeout == 2.5
    assert (ran.allow_unsafe_version, ran.leave_single_member) == (True, True)
    assert Limits(ran.fragmented_percent, ran.min_free_mib, ran.full_percent, ran.full_gain_mib) == ALL.limits
    watched = parser().parse_args(found[unit_files.WATCH].split()[1:])
    assert {name: getattr(watched, name) for name in CONNECTION_OPTIONS} == ALL.connection
    assert (watched.verb, watched.heal, watched.allow_unsafe_version) == ("watch", True, True)
    assert (watched.manifest, watched.textfile_dir, watched.lock) == ("/srv/etcd.yaml", "/srv/m", "/srv/lock")


def test_a_unit_in_the_place_of_a_manifest() -> None:
    named = wanted(manifest="etcd@main.service")
    assert unit_files.commands(named)[unit_files.RUN] == f"{TOOL} run --manifest=etcd@main.service"
    assert unit_files.files(named, "systemd")


def test_all_defaults_are_the_tools_own() -> None:
    assert unit_files.commands(wanted()) == {unit_files.RUN: f"{TOOL} run", unit_files.WATCH: f"{TOOL} watch"}
    assert unit_files.commands(wanted(watch=False)) == {unit_files.RUN: f"{TOOL} run"}


BAD: list[tuple[str, dict[str, object], str, str]] = [
    ("no cron expression", {"schedule": "often"}, "cron", "has 1 fields"),
    ("a URL with more", {"connection": {"endpoint": "https://h:1/%x"}}, "cron", "endpoint is 'https://h:1/%x'"),
    ("a path with a blank", {"connection": {"ca_cert": "/v/my ca"}}, "systemd", "ca_cert is '/v/my ca'"),
    ("for systemd", {"schedule": "0 4 13 * 5"}, "systemd", "only on days that match both"),
    ("heal alone", {"heal": True, "watch": False}, "cron", "heal needs metrics"),
    ("a blank in a path", {"textfile_dir": "/a b"}, "cron", "textfile_dir is '/a b'"),
    ("a percent sign", {"tool_path": "/a%b"}, "systemd", "tool_path is '/a%b'"),
    ("a shell's character", {"manifest": "/a;b"}, "cron", "manifest is '/a;b'"),
    ("a blank in another path", {"lock_path": "/a b"}, "cron", "lock_path is '/a b'"),
    ("a line break", {"manifest": "/a\n"}, "cron", "manifest is '/a"),
    ("no name of a unit", {"manifest": "etcd%i.service"}, "systemd", "manifest is 'etcd%i.service'"),
    ("no absolute path", {"tool_path": "tool"}, "cron", "absolute paths"),
    ("too many percent", {"limits": Limits(101)}, "cron", "fragmented_percent is 101; it takes 0 to 100"),
]


@pytest.mark.parametrize(("changes", "backend", "expected"), table(BAD))
def test_bad_schedules(changes: dict[str, object], backend: str, expected: str) -> None:
    with pytest.raises(Refused, match=expected):
        unit_files.files(wanted(**changes), backend)
