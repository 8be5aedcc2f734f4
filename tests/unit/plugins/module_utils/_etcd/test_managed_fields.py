# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What managedFields take, beside an encoder and a JSON parser that know the whole value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bolt_files import varint
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.managed_fields import managed_fields_bytes


def found(value: bytes) -> int:
    return managed_fields_bytes(b"before" + value + b"behind", 6, 6 + len(value))


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def protobuf(metadata: bytes, before: bytes = b"") -> bytes:
    obj = before + field(1, metadata) + field(2, b"spec")
    return b"k8s\0" + field(1, field(1, b"v1") + field(2, b"Pod")) + field(2, obj) + field(3, b"") + field(4, b"")


# Names that look like what is searched for, brackets, quotes and backslashes.
texts = st.one_of(
    st.sampled_from(['"managedFields":[', "managedFields", "metadata", '\\"', "\\", "}]", "[{", '{"a":1}', "ü"]),
    st.text(max_size=5).filter(lambda text: text.isprintable()),
)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, st.integers(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4), st.one_of(st.none(), st.dictionaries(texts, values, max_size=4)))
def test_json(whole: dict[str, Any], metadata: dict[str, Any] | None) -> None:
    """Whatever stands elsewhere: a template in the object may have some, too."""
    if metadata is not None:
        whole = {**whole, "metadata": metadata}
    own = whole.get("metadata")
    managed = own.get("managedFields") if isinstance(own, dict) else None
    expected = len(b'"managedFields":') + len(compact(managed)) if isinstance(managed, list) else 0
    assert found(compact(whole)) == expected


@given(st.lists(values, max_size=3), st.dictionaries(texts, texts, max_size=3))
def test_json_with_some(managed: list[Any], annotations: dict[str, str]) -> None:
    metadata = {"annotations": annotations, "managedFields": managed, "name": "a"}
    template = {"metadata": {"managedFields": [1, 2, 3]}}
    value = compact({"aTemplate": template, "metadata": metadata, "spec": {"template": template}})
    assert found(value) == len(b'"managedFields":' + compact(managed))


@given(st.lists(st.binary(max_size=300), max_size=4), st.binary(max_size=200))
def test_protobuf(entries: list[bytes], name: bytes) -> None:
    managed = [field(17, each) for each in entries]
    metadata = (
        field(1, name) + b"\x38\x05" + b"\x41" + bytes(8) + b"\x4d" + bytes(4) + b"".join(managed) + field(18, b"x")
    )
    assert found(protobuf(metadata)) == sum(map(len, managed))
    assert found(protobuf(metadata, field(17, b"no metadata"))) == sum(map(len, managed))


OTHERS: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("text", b'"managedFields":[]'),
    ("a list", b'[{"metadata":{"managedFields":[1]}}]'),
    ("no list", b'{"metadata":{"managedFields":{"a":1}}}'),
    ("a list without an end", b'{"metadata":{"managedFields":[1,'),
    ("a string without an end", b'{"metadata":{"managedFields":["a]}}'),
    ("a string without an end before it", b'{"metadata":{"a":"\\"managedFields":[]}}'),
    ("the end of an escape is missing", b'{"metadata":{"managedFields":["a\\'),
    ("deeper", b'{"metadata":{"a":{"managedFields":[1]}}}'),
    ("higher", b'{"managedFields":[1],"metadata":{}}'),
    ("of another object", b'{"metadata":{},"template":{"managedFields":[1]}}'),
    ("more ends than beginnings", b'{}}}{"metadata":{"managedFields":[1]}}'),
    ("only the head", b"k8s\0"),
    ("no object", b"k8s\0" + field(1, b"x")),
    ("no metadata", b"k8s\0" + field(2, field(2, b"spec"))),
    ("a field beyond the end", b"k8s\0" + b"\x12\x7fabc"),
    ("a size without an end", b"k8s\0" + b"\x12" + b"\xff" * 20),
    ("a group", b"k8s\0" + b"\x0b\x0c" + field(2, field(1, field(17, b"x")))),
    ("encrypted", b"k8s:enc:aescbc:v1:key:" + field(2, field(1, field(17, b"x")))),
]


@pytest.mark.parametrize("value", table(OTHERS))
def test_others_have_none(value: bytes) -> None:
    assert found(value) == 0


BEGUN = b'{"metadata":{"managedFields":['
parts = st.sampled_from([b'{"metadata":{', b'"managedFields":[', *(bytes([each]) for each in b'"\\[]{}\x12\xff')])


@given(st.lists(st.one_of(parts, st.binary(max_size=3)), max_size=30).map(b"".join))
def test_anything(value: bytes) -> None:
    assert 0 <= found(value) <= len(value)
    assert 0 <= found(b"k8s\0" + value) <= len(value)
    assert 0 <= found(BEGUN + value) <= len(BEGUN + value)
