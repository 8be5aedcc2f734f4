# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import typing as t
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.status_documents import (
    cluster,
    document,
    full_cluster,
    healthy_cluster,
    member,
    recovered_cluster,
    unknown_cluster,
    usage,
)

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.links import REPOSITORY
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.page import render
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import MAX_CHARACTERS

VOID = {"meta", "link", "wbr"}
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&amp;",
    "\u202ekcab\u2066",
    "\x00\x1b[31m\x07\n\r\u2028",
    "javascript:alert(1)",
    "k" * 100_000,
    "\ud800",
]


class Page(HTMLParser):
    """A page as a browser takes it: its elements with their attributes, in order; all that is open is closed again."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """What no text may change: the elements and the names of their attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements if tag != "wbr"]


def with_text(text: str) -> dict[str, t.Any]:
    """A document in which every text that is somebody else's is this one."""
    one = cluster(text, headline=text, leader=text, versions=[text], cluster_id=text, hosts=[text], alarms=[text])
    named = {key: text for key, value in member("x").items() if isinstance(value, str)}
    one["members"] = [{**member("x"), **named, "host": "x", "alarms": [text]}]
    one["members"][0]["last_snapshot"] = {"path": text, "taken_at": text, "age_seconds": None}
    one["findings"] = [{"code": text, "severity": "warning", "text": text, "hosts": [text], "anchor": text}]
    one["growth"] = {"bytes_per_hour": 1, "seconds_to_full": 1, "since": text}
    used = usage("x")
    record = used["record"]
    record["path"] = text
    for key in ("resources", "namespaces", "consumers"):
        record[key] = [{**each, "resource": text, "group": text, "namespace": text} for each in record[key]]
        record["growth"][key] = [{"resource": text, "group": text, "namespace": text}]
    record["largest"], record["hottest"] = [{"key": text, "bytes": 1}], [{"key": text, "revisions": 1}]
    fields = ("group", "resource", "what", "remedy", "command", "setting", "anchor")
    used["advice"] = [dict.fromkeys(fields, text)]
    one["usage"] = used
    return document(one, taken_at=text)


def assert_harmless(page: str) -> None:
    parsed = Page(page)
    for tag, attributes in parsed.elements:
        assert tag not in ("script", "img", "iframe", "object", "embed", "form", "base")
        assert not any(name.startswith("on") for name in attributes)
        assert re.match(rf"#|{re.escape(REPOSITORY)}|data:,$", attributes.get("href") or "#")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u2028\ud800-\udfff]", page)


@pytest.mark.parametrize("text", EVIL)
def test_text_stays_text(text: str) -> None:
    page = render(with_text(text), before=with_text(text))
    assert_harmless(page)
    assert Page(page).shape() == Page(render(with_text("harmless"), before=with_text("harmless"))).shape()
    assert len(page) < 200_000


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=40))
def test_whatever_it_is(text: str) -> None:
    page = render(with_text(f"x{text}"))
    assert_harmless(page)
    assert Page(page).shape() == Page(render(with_text("xx"))).shape()


def test_what_cannot_be_printed_is_seen() -> None:
    page = Page(render(document(cluster("a\u202eb\x00"))))
    assert "a\\x202eb\\x00" in page.text


def test_a_long_key_is_cut() -> None:
    page = render(with_text("k" * 10_000))
    assert "k" * (MAX_CHARACTERS + 1) not in page
    assert "… (10000 characters)" in page


def nulls(value: t.Any) -> t.Iterator[t.Any]:
    """The document once for each of its values, with null in its place; of lists only the first entry."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield {**value, key: None}
            yield from ({**value, key: other} for other in nulls(each))
    elif isinstance(value, list) and value:
        yield from ([other, *value[1:]] for other in (None, *nulls(value[0])))


def test_anything_may_be_null() -> None:
    full = document(full_cluster())
    tried = 0
    for body in nulls(full):
        assert_harmless(render(body, before=body))
        tried += 1
    assert tried > 120


def test_everything_may_be_null() -> None:
    page = Page(render(document(unknown_cluster())))
    assert "lost is in need of attention." in page.text
    assert "None" not in page.text
    assert "There is no cluster in this report." in render({})


def test_the_worst_cluster_comes_first() -> None:
    page = Page(render(document(healthy_cluster("edge"), full_cluster("cp"), unknown_cluster())))
    assert "1 critical, 1 in need of attention, of 3 clusters." in page.text
    ids = [attributes["id"] for tag, attributes in page.elements if (attributes.get("id") or "").endswith("-name")]
    assert ids == ["cluster-1-name", "cluster-2-name", "cluster-3-name"]
    assert re.findall(r"\b(edge|cp|lost) (?:critical|warning|ok)", " ".join(page.text.split()))[:3] == [
        "cp",
        "lost",
        "edge",
    ]


def test_findings_lead_to_the_runbook() -> None:
    hrefs = [attributes.get("href") for _tag, attributes in Page(render(document(full_cluster()))).elements]
    assert f"{REPOSITORY}/blob/main/docs/runbook.md#nospace_alarm" in hrefs
    assert f"{REPOSITORY}/blob/main/docs/usage.md#events" in hrefs


def test_advice_is_beside_the_resource() -> None:
    page = render(document(full_cluster()))
    row = page.partition("Resources, the largest first")[2].partition(">events</span>")[2].partition("</tr>")[0]
    assert "--event-ttl=30m" in row
    assert "Kyverno" not in row


def test_before_and_after_stand_side_by_side() -> None:
    page = Page(render(document(recovered_cluster()), before=document(full_cluster())))
    text = " ".join(page.text.split())
    assert "Before and after the recovery" in text
    assert "Verdict critical ok" in text
    assert "Alarms NOSPACE none" in text
    assert "Size of the database 2332.6 MiB 1190.0 MiB\u22121142.6 MiB" in text
    assert text.index("cp1 before") < text.index("cp1 after") < text.index("cp2 before")


def test_what_filled_it_stands_before_what_fills_it_now() -> None:
    after = recovered_cluster() | {"usage": full_cluster()["usage"]}
    text = Page(render(document(after), before=document(full_cluster()))).text
    assert text.index("What filled it") < text.index("What fills it now")
    assert "What fills it now" not in Page(render(document(after))).text


def test_a_cluster_that_was_not_there_before_has_nothing_beside_it() -> None:
    page = render(document(healthy_cluster("edge")), before=document(full_cluster("cp")))
    assert "Before and after the recovery" not in page


def test_nothing_is_loaded() -> None:
    page = render(document(full_cluster()))
    assert "default-src 'none'" in page
    assert "url(#hatch)" in page
    assert not re.search(r"url\((?!#)|@import|src=|http-equiv=.refresh", page)


def test_ids_are_there_once_and_references_lead_somewhere() -> None:
    page = Page(render(document(full_cluster("one"), full_cluster("two")), before=document(full_cluster("one"))))
    ids = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _tag, attributes in page.elements:
        named = [*(attributes.get("aria-labelledby") or "").split(), (attributes.get("href") or "")]
        assert all(each.lstrip("#") in ids for each in named if each and not each.startswith(("http", "data:")))


def test_hosts_without_etcd_are_named() -> None:
    page = render({**document(healthy_cluster()), "without_etcd": ["plain1", "plain2"]})
    assert "Hosts without an etcd of kubeadm: plain1, plain2." in page


def test_columns_without_a_value_are_named_and_left_out() -> None:
    members = [member("cp1", lag=None), member("cp2", lag=None)]
    page = Page(render(document(cluster("cp", members=members))))
    assert "Not known here: entries behind." in page.text
