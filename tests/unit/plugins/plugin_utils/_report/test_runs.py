# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from unit.status_documents import document, full_cluster, healthy_cluster, recovered_cluster

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.runs import page_with


def names(page: str) -> list[str]:
    return re.findall(r'<h2 id="cluster-\d+-name">(\S+)', page)


def test_clusters_of_a_run_come_together() -> None:
    first = page_with("", run="1", document=document(full_cluster("cp")))
    both = page_with(first, run="1", document=document(healthy_cluster("edge")))
    assert names(both) == ["cp", "edge"]


def test_a_cluster_that_comes_again_is_replaced_and_stands_beside_what_it_was() -> None:
    page = page_with("", run="1", document=document(full_cluster("cp")))
    page = page_with(page, run="1", document=document(full_cluster("other")))
    page = page_with(page, run="1", document=document(recovered_cluster("cp")), before=document(full_cluster("cp")))
    assert names(page) == ["other", "cp"]
    assert page.count("Before and after the recovery") == 1


@pytest.mark.parametrize(
    "page",
    [
        "",
        "text",
        page_with("", run="2", document=document(full_cluster("old"))),
        '<template id="record">{"run": "1", "document"</template>',
        '<template id="record">[1]</template>',
        '<template id="record">{"run": "1", "document": 4, "before": []}</template>',
    ],
)
def test_of_anything_else_nothing_is_kept(page: str) -> None:
    assert names(page_with(page, run="1", document=document(healthy_cluster("edge")))) == ["edge"]


def test_what_is_kept_does_not_end_early() -> None:
    evil = healthy_cluster('</template><script>alert("1")</script>\ud800')
    page = page_with("", run="1", document=document(evil))
    assert "<script" not in page
    assert page.encode()
    again = page_with(page, run="1", document=document(full_cluster("cp")))
    assert len(names(again)) == 2
