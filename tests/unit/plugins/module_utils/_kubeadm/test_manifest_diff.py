# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two manifests, and what must not be told of it."""

from __future__ import annotations

import pytest
import yaml
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import manifest_edit
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.manifest_diff import (
    differences,
    masked,
    only_flags_differ,
)

VERSIONS = sorted(path.name for path in (DATA / "manifests").iterdir())
PLAIN = (DATA / "manifests/1.33/plain.manifest").read_text("utf-8")


@pytest.mark.parametrize("version", VERSIONS)
def test_only_the_flags_differ(version: str) -> None:
    plain, quota = (
        (DATA / "manifests" / version / f"{name}.manifest").read_text("utf-8") for name in ("plain", "quota")
    )
    assert differences(plain, plain) == []
    assert differences(plain, quota) == [
        "kubeadm would add --auto-compaction-mode=periodic.",
        "kubeadm would add --auto-compaction-retention=8.",
        "kubeadm would add --quota-backend-bytes=8589934592.",
    ]
    # They stand among the others up to 1.32, after them from 1.33 on: that is no difference.
    wanted = {
        name: value for name, value in manifest_edit.flags(quota).items() if name not in manifest_edit.flags(plain)
    }
    assert differences(manifest_edit.edit(plain, wanted).text, quota) == []


def test_values_that_mean_the_same() -> None:
    hours, duration = (manifest_edit.put(PLAIN, {"auto-compaction-retention": value}).text for value in ("1", "1h"))
    assert differences(hours, duration) == []
    assert len(differences(hours, manifest_edit.put(hours, {"auto-compaction-mode": "revision"}).text)) == 1


CERTS = "  - hostPath:\n      path: /etc/kubernetes/pki/etcd\n      type: DirectoryOrCreate\n    name: etcd-certs\n"
DATABASE = "  - hostPath:\n      path: /var/lib/etcd\n      type: DirectoryOrCreate\n    name: etcd-data\n"

CHANGES: list[tuple[str, str, str, list[str]]] = [
    ("spelling of a name", "  name: etcd\n", '  name: "etcd"   # our etcd\n', []),
    ("another value", "snapshot-count=10000", "snapshot-count=5", ["--snapshot-count=5, here it is 10000."]),
    ("the image", "etcd:3.5.24-0", "etcd:3.6.8-0", ["image registry.k8s.io/etcd:3.6.8-0, here it is registry"]),
    ("a probe", "path: /livez", "path: /health", ["livenessProbe.httpGet.path /health, here it is /livez."]),
    ("no probe", "    startupProbe:", "    other:", ["add other.", "leave out startupProbe."]),
    ("resources", "memory: 100Mi", "memory: 1Gi", ["resources.requests.memory 1Gi, here it is 100Mi."]),
    (
        "annotation",
        "client-urls: https://192.0.2.2:2379",
        "client-urls: x",
        ["metadata.annotations.kubeadm.kubernetes"],
    ),
    ("label", "tier: control-plane", "tier: other", ["metadata.labels.tier other, here it is control-plane."]),
    ("priority", "  priority: 2000001000\n", "", ["leave out spec.priority 2000001000."]),
    ("null is nothing", "  creationTimestamp: null\n", "", []),
    ("status is nothing", "status: {}", 'status: {"a": "b"}', []),
    (
        "another mount",
        "    - mountPath: /var/lib/etcd\n",
        "    - mountPath: /srv/etcd\n",
        ["add volumeMounts./srv/etcd.", "leave out volumeMounts./var/lib/etcd."],
    ),
    ("environment", "    image:", "    env:\n    - name: A\n      value: b\n    image:", ["add env."]),
    (
        "another container",
        "  hostNetwork",
        "  - name: b\n    command:\n    - x\n  hostNetwork",
        ["add spec.containers.b."],
    ),
    ("volumes in another order", CERTS + DATABASE, DATABASE + CERTS, []),
    ("a flag fewer", "    - --snapshot-count=10000\n", "", ["leave out --snapshot-count=10000."]),
    ("a flag more", "    - etcd\n    - --advert", "    - etcd\n    - --a=1\n    - --advert", ["add --a=1."]),
]


@pytest.mark.parametrize(("old", "new", "expected"), table(CHANGES))
def test_differences(old: str, new: str, expected: list[str]) -> None:
    assert old in PLAIN
    found = differences(PLAIN, PLAIN.replace(old, new))
    assert len(found) == len(expected)
    for sentence, part in zip(found, expected, strict=True):
        assert part in sentence
        assert sentence.startswith("kubeadm would ")
        assert sentence.endswith(".")


PROXY = "    env:\n    - name: HTTPS_PROXY\n      value: {}\n    image:"
HEADER = "        httpHeaders:\n        - name: Authorization\n          value: {}\n        path: /livez\n"

SECRETS: list[tuple[str, str, str, list[str]]] = [
    ("another", "http://u:old@proxy", "http://u:new@proxy", ["kubeadm would write another env.HTTPS_PROXY.value."]),
    ("one fewer", "http://u:old@proxy", "", ["kubeadm would leave out env.HTTPS_PROXY.value."]),
    ("one more", "", "http://u:new@proxy", ["kubeadm would add env.HTTPS_PROXY.value."]),
]


@pytest.mark.parametrize(("here", "there", "expected"), table(SECRETS))
def test_no_value_of_a_variable_is_told(here: str, there: str, expected: list[str]) -> None:
    texts = [PLAIN.replace("    image:", PROXY.format(value)) for value in (here, there)]
    assert differences(*texts) == expected


def test_no_value_of_a_header_is_told() -> None:
    texts = [PLAIN.replace("        path: /livez\n", HEADER.format(value)) for value in ("Bearer old", "Bearer new")]
    assert differences(*texts) == ["kubeadm would write another livenessProbe.httpGet.httpHeaders.Authorization.value."]


MASKED = [
    ("plain", "      value: http://u:p@x:1\n    - name: B\n", '      value: "***"\n    - name: B\n'),
    ("first of its entry", "    - value: 'a b' # c\r\n      name: B\r\n", '    - value: "***"\r\n      name: B\r\n'),
    ("quoted key", '      "value": "a\\"b"\n', '      "value": "***"\n'),
    ("JSON", '[{"value":"a\\"b","name":"A"},{"value":null}]', '[{"value":"***","name":"A"},{"value":null}]'),
    ("folded", "    - value: a,\n        b\n\n        c\n      name: B\n", '    - value: "***"\n\n      name: B\n'),
    ("block", "      value: |\n        a\n\n         b\n    - name: B\n", '      value: "***"\n\n    - name: B\n'),
    ("on the next line", "      value:\n        a\n      name: B\n", "      value:\n      name: B\n"),
    ("quotes on two lines", "      value: 'a\n        b'\n    - name: B\n", '      value: "***"\n    - name: B\n'),
    ("brackets", "[{name: A, value: a b}, {value: 'c,', x: d}]", '[{name: A, value: "***"}, {value: "***", x: d}]'),
    ("brackets on two lines", '[{value: "a\n b", x: y}]', '[{value: "***", x: y}]'),
    ("a word that begins alike", "[{value: null-a}, {value: null}]", '[{value: "***"}, {value: null}]'),
    ("with an anchor", "[{value: &x 'a,b'}]", '[{value: "***"}]'),
    ("nothing", "      value:\n      name: B\n", "      value:\n      name: B\n"),
    ("a flag", "    - --a-value: b\n    - --value=c\n", "    - --a-value: b\n    - --value=c\n"),
]


@pytest.mark.parametrize(("text", "expected"), table(MASKED))
def test_masked(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert masked(PLAIN) == PLAIN


def test_only_flags_differ() -> None:
    assert only_flags_differ(PLAIN, manifest_edit.put(PLAIN, {"max-wals": "7"}).text)
    assert not only_flags_differ(PLAIN, PLAIN.replace("  name: etcd\n", '  name: "etcd"\n'))
    assert not only_flags_differ(PLAIN, manifest_edit.put(PLAIN, {"max-wals": "7"}).text.replace("3.5.24-0", "3.6.8-0"))


@pytest.mark.parametrize("style", [None, "'", '"', "|", ">"])
@pytest.mark.parametrize("flow", [False, None, True])
@pytest.mark.parametrize("width", [20, 80])
def test_no_secret_is_left_however_it_is_written(style: str | None, flow: bool | None, width: int) -> None:
    secrets = ["s3cret one, s3cret: two" + 9 * " s3cret", "s3cret\n\n  s3cret\n", "'s3cret' \"s3cret\"", "s3cret"]
    pod = {
        "spec": {
            "containers": [{"env": [{"name": f"A{at}", "value": each} for at, each in enumerate(secrets)], "x": "kept"}]
        }
    }
    text = masked(yaml.safe_dump(pod, default_style=style, default_flow_style=flow, width=width))
    assert "s3cret" not in text
    assert "kept" in text or flow  # it may stand behind a value in the same line
    assert all(f"A{at}" in text for at in range(len(secrets)))
