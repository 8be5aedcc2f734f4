# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd's configuration file: read as flags, edited in the types that etcd decodes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._node.config_file import edit, read

QUOTA, MODE, RETENTION = "quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention"
FILE = """\
# This is the configuration file for the etcd server.
name: 'default'
data-dir:
wal-dir: ~
snapshot-count: 10000
Quota-Backend-Bytes: 0   # default: 2 GiB
listen-client-urls: http://localhost:2379,http://10.0.0.1:2379
client-transport-security:
  # Path to the client server TLS cert file.
  cert-file: /etc/etcd/server.crt
  client-cert-auth: true
  trusted-ca-file: "/etc/etcd/ca.crt"
  allowed-cn: [a, b]
peer-transport-security:
  cert-file: /etc/etcd/peer.crt
  allowed-hostname:
    - c
log-outputs: [stderr]
grpc-keepalive-min-time: 5000000000
strict-reconfig-check: False
"""


def test_read() -> None:
    assert read(FILE) == {
        "name": "default",
        "snapshot-count": "10000",
        QUOTA: "0",
        "listen-client-urls": "http://localhost:2379,http://10.0.0.1:2379",
        "cert-file": "/etc/etcd/server.crt",
        "client-cert-auth": "true",
        "trusted-ca-file": "/etc/etcd/ca.crt",
        "client-cert-allowed-cn": "a,b",
        "peer-cert-file": "/etc/etcd/peer.crt",
        "peer-cert-allowed-hostname": "c",
        "log-outputs": "stderr",
        "grpc-keepalive-min-time": "5s",
        "strict-reconfig-check": "false",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("---\n# nothing\n", {}),
        ("{}", {}),
        ("---\n\n# etcd\nname: a\n", {"name": "a"}),
        (f"{QUOTA}: 5_000_000_000", {QUOTA: "5000000000"}),
        (f"{QUOTA}: 0x140000000", {QUOTA: "5368709120"}),
        (f"{QUOTA}: 5e9", {QUOTA: "5000000000"}),
        (f"{RETENTION}: '1'", {RETENTION: "1"}),
        ("corrupt-check-time: 1500000000", {"corrupt-check-time": "1500ms"}),
        ("experimental-corrupt-check-time: 7", {"experimental-corrupt-check-time": "7ns"}),
        ("pre-vote: on", {"pre-vote": "true"}),
        ("socket-options: {reuse-port: true}", {"socket-reuse-port": "true"}),
        (
            f'{{"{QUOTA}": 5e9, "pre-vote": true, "name": null, "log-outputs": ["a", "b"]}}',
            {QUOTA: "5000000000", "pre-vote": "true", "log-outputs": "a,b"},
        ),
        ("some-key: x", {"some-key": "x"}),
    ],
)
def test_read_one(text: str, expected: dict[str, str]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["- a\n", "name: a\nname: b\n", "name: [a\n", '{"name": }'])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d|not a map"):
        read(text)


@pytest.mark.parametrize(
    ("text", "wanted", "remove", "expected"),
    [
        (FILE, {QUOTA: "8589934592"}, [], FILE.replace(": 0   #", ": 8589934592   #")),
        (FILE, {"name": "m1"}, [], FILE.replace("'default'", "'m1'")),
        (FILE, {"data-dir": "/var/lib/etcd"}, [], FILE.replace("data-dir:", "data-dir: /var/lib/etcd")),
        (FILE, {}, ["snapshot-count"], FILE.replace("snapshot-count: 10000\n", "")),
        (FILE, {"log-outputs": "stdout"}, [], FILE.replace("[stderr]", '["stdout"]')),
        (FILE, {"grpc-keepalive-min-time": "1m"}, [], FILE.replace("5000000000", "60000000000")),
        (FILE, {"grpc-keepalive-min-time": "5000ms", QUOTA: "0"}, [], FILE),
        (FILE, {RETENTION: "1h", MODE: "periodic"}, [], FILE + f'{RETENTION}: "1h"\n{MODE}: periodic\n'),
        (f"{QUOTA}: '1'\r\n", {QUOTA: "2000000"}, [], f"{QUOTA}: 2000000\r\n"),
        (f"{RETENTION}: 1\n{MODE}: periodic\n", {RETENTION: "1"}, [], f'{RETENTION}: "1"\n{MODE}: periodic\n'),
        ("pre-vote: true", {QUOTA: "5"}, [], f"pre-vote: true\n{QUOTA}: 5"),
        ("  pre-vote: true\n", {QUOTA: "5"}, [], f"  pre-vote: true\n  {QUOTA}: 5\n"),
        ("name: a\n", {}, ["name"], ""),
        ("# none\n", {QUOTA: "5"}, [], f"# none\n{QUOTA}: 5\n"),
        ('{"name": "a"}\n', {QUOTA: "5"}, [], f'{{"name": "a", "{QUOTA}": 5}}\n'),
        ('{\n  "name": "a"\n}\n', {QUOTA: "5"}, [], f'{{\n  "name": "a",\n  "{QUOTA}": 5\n}}\n'),
        (f'{{"{QUOTA}": "1", "name": "a"}}', {QUOTA: "5"}, [], f'{{"{QUOTA}": 5, "name": "a"}}'),
        ('{"name": "a", "pre-vote": true}', {}, ["name"], '{"pre-vote": true}'),
        ('{"name": "a", "pre-vote": true}', {}, ["pre-vote"], '{"name": "a"}'),
        ("{}", {RETENTION: "1", MODE: "periodic"}, [], f'{{"{RETENTION}": "1", "{MODE}": "periodic"}}'),
    ],
)
def test_edit(text: str, wanted: dict[str, str], remove: list[str], expected: str) -> None:
    assert edit(text, wanted, remove, "3.5.35") == expected


@pytest.mark.parametrize(("version", "added"), [("3.4.23", True), ("3.5.35", True), ("", True), ("3.6.0", False)])
def test_a_retention_comes_with_its_mode_for_an_etcd_that_has_no_default(version: str, added: bool) -> None:
    new = edit("name: a\n", {RETENTION: "1h"}, version=version)
    assert new == f'name: a\n{RETENTION}: "1h"\n' + (f"{MODE}: periodic\n" if added else "")


@pytest.mark.parametrize(
    ("text", "wanted", "remove", "problem"),
    [
        ("name: a\n", {"quota-backend": "5"}, [], "etcd knows no key quota-backend"),
        ("name: a\n", {"trusted-ca-file": "/a"}, [], "etcd knows no key"),
        ("name: a\n", {QUOTA: "8G"}, [], "which is no integer"),
        ("name: a\n", {"corrupt-check-time": "5"}, [], "which is no duration"),
        ("name: a\n", {"pre-vote": "maybe"}, [], "which is no boolean"),
        (f"{QUOTA}: 1\nQuota-backend-bytes: 2\n", {QUOTA: "5"}, [], r"more than once \(lines 1, 2\)"),
        (f"name: >\n  a\n  {QUOTA}: 1\n", {"name": "b"}, [], "line 1 is written"),
        ("name: &a b\n", {"name": "b"}, [], "line 1 is written"),
        ("name: a\n...\n", {QUOTA: "5"}, [], "line 3|written in a way"),
        ("client-transport-security:\n  cert-file: a\n", {}, ["cert-file"], "written in a way"),
    ],
)
def test_what_is_not_edited(text: str, wanted: dict[str, str], remove: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        edit(text, wanted, remove)


# --- files of which it is known what they say ---

VALUES = {
    QUOTA: st.integers(0, 2**63 - 1).map(str),
    RETENTION: st.sampled_from(["1", "1h", "30m", "0", "10000", "1e3"]),
    MODE: st.sampled_from(["periodic", "revision"]),
    "name": st.text(st.sampled_from("abc:#-'\" \\8\u00e9,"), min_size=1, max_size=8),
    "pre-vote": st.sampled_from(["true", "false"]),
    "log-outputs": st.sampled_from(["stderr", "stdout,/var/log/etcd"]),
}
KINDS: dict[str, Any] = {QUOTA: int, "pre-vote": bool, "log-outputs": list}
FLAGS = st.fixed_dictionaries({}, optional=VALUES)


def typed(flags: dict[str, str]) -> dict[str, Any]:
    """The settings as etcd wants to decode them."""
    found: dict[str, Any] = dict(flags)
    for name, value in flags.items():
        kind = KINDS.get(name, str)
        found[name] = value == "true" if kind is bool else value.split(",") if kind is list else kind(value)
    return found


@st.composite
def files(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    flags = draw(FLAGS)
    if draw(st.booleans()):
        return json.dumps(typed(flags), indent=draw(st.sampled_from([None, 2])), ensure_ascii=False), flags
    text = draw(st.sampled_from(["", "# etcd\n", "---\n"]))
    for name, value in typed(flags).items():
        style = draw(st.sampled_from([None, "'", '"'])) if isinstance(value, str) else None
        line = yaml.safe_dump({name: value}, default_style=style, default_flow_style=True, width=10**6).strip()[1:-1]
        line = line.replace("? ", "").replace(f'"{name}"', name).replace(f"'{name}'", name).replace("!!int ", "")
        text += draw(st.sampled_from(["", "\n", "# about it\n"])) + line + draw(st.sampled_from(["\n", "  # so\n"]))
    return text, flags


@given(files(), FLAGS, st.lists(st.sampled_from(sorted(VALUES)), max_size=2))
def test_an_edit_says_what_is_wanted_in_types_that_etcd_decodes(
    file: tuple[str, dict[str, str]], wanted: dict[str, str], remove: list[str]
) -> None:
    text, before = file
    assert read(text) == before
    new = edit(text, wanted, remove, "3.7.3")
    after = {**{name: value for name, value in before.items() if name not in remove}, **wanted}
    assert read(new) == after
    assert (yaml.safe_load(new) or {}) == typed(after)
    untouched = [line for line in text.splitlines() if not any(name in line for name in {*wanted, *remove})]
    if not text.startswith("{"):
        kept = [line for line in new.splitlines() if not any(name in line for name in {*wanted, *remove})]
        assert kept == untouched
    assert edit(new, wanted, remove, "3.7.3") == new
