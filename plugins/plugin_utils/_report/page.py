# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The report on one or many clusters as a page of HTML: one file, nothing loaded from elsewhere, no script.

The template escapes all that it prints, and the page forbids a browser to run or to load anything, should that fail.
"""

from __future__ import annotations

import functools
import os
import re
import typing as t
from dataclasses import dataclass

import jinja2
from markupsafe import Markup, escape

from .comparison import comparison, same_cluster
from .fill_bar import PARTS, Bar, bars, scale_of
from .formatting import UNKNOWN, moment, percent, plural, rate, size, until_full
from .links import REPOSITORY
from .members import members_table, nodes_table
from .reading import Part
from .tables import Cell, Column, Table, table
from .usage import GrowthSection, UsageSection, growth_section, usage_section
from .verdicts import Finding, findings, verdict_of, worst_first

_DIRECTORY = os.path.dirname(__file__)
_SUMMARY = (
    Column("Cluster"),
    Column("Verdict"),
    Column("Full", numeric=True),
    Column("Size", numeric=True),
    Column("Quota", numeric=True),
    Column("Growth", numeric=True),
    Column("Full in", numeric=True),
)


@dataclass(frozen=True)
class ClusterSection:
    """What the page says of one cluster."""

    id: str
    name: str
    verdict: str
    headline: str
    facts: tuple[tuple[str, str], ...]
    findings: list[Finding]
    comparison: Table | None
    bars: list[Bar]
    legend: list[tuple[str, str]]
    members: Table
    nodes: Table
    usage: UsageSection | None
    usage_before: UsageSection | None
    growth: GrowthSection | None


def render(
    document: t.Mapping[str, t.Any] | None, *, before: t.Mapping[str, t.Any] | None = None, record: str = ""
) -> str:
    """The page for a status document. `before` is the one from before a recovery: then both stand side by side.
    `record` is a text to be kept in the page, unseen. Raises nothing for values that are null or missing."""
    status, earlier = Part(document), Part(before)
    clusters = worst_first(status.parts("clusters"))
    sections = [
        _section(f"cluster-{number}", each, same_cluster(each, earlier.parts("clusters")))
        for number, each in enumerate(clusters, 1)
    ]
    return _template().render(
        title=f"etcd {'recovery' if before is not None else 'status'}",
        lead=_lead(sections),
        taken_at=moment(status.text("taken_at")),
        before_at=moment(earlier.text("taken_at")) if before is not None else "",
        summary=_summary(clusters, sections),
        clusters=sections,
        repository=REPOSITORY,
        without_etcd=status.texts("without_etcd"),
        record=record,
    )


@functools.lru_cache(maxsize=None)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_DIRECTORY),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    return environment.get_template("page.html.j2")


def _breakable(name: str) -> Markup:
    """The name, escaped, with places where a line may end: behind the signs that its parts are joined with. No escape
    sequence has one of them."""
    return Markup(re.sub(r"([./])(?=[A-Za-z])", r"\1<wbr>", str(escape(name))))


_SAID = {"critical": "critical", "warning": "in need of attention", "unknown": "not well known"}


def _lead(sections: t.Sequence[ClusterSection]) -> str:
    """The whole page in one sentence."""
    if len(sections) == 1:
        return f"{sections[0].name} is {_SAID.get(sections[0].verdict, 'well')}."
    verdicts = [each.verdict for each in sections]
    bad = [f"{verdicts.count(verdict)} {said}" for verdict, said in _SAID.items() if verdict in verdicts]
    if not bad:
        return f"{plural(len(sections), 'cluster')}, all well." if sections else "There is no cluster in this report."
    return f"{', '.join(bad)}, of {plural(len(sections), 'cluster')}."


def _summary(clusters: t.Sequence[Part], sections: t.Sequence[ClusterSection]) -> Table:
    return table("All clusters, the worst first", _SUMMARY, map(_summary_row, clusters, sections)).known()


def _summary_row(cluster: Part, section: ClusterSection) -> tuple[Cell | str, ...]:
    growth = cluster.part("growth")
    return (
        Cell(section.name, href=f"#{section.id}", note=section.headline),
        Cell("", verdict=section.verdict, note=", ".join(cluster.texts("alarms"))),
        Cell(percent(cluster.number("full_percent")), fill_bar=_whole(cluster)),
        size(cluster.number("size_bytes")),
        size(cluster.number("quota_bytes")),
        rate(growth.number("bytes_per_hour")),
        until_full(growth.number("seconds_to_full")),
    )


def _whole(cluster: Part) -> Bar | None:
    """The bar of a cluster's own numbers, which are those of its fullest member."""
    drawn = bars([cluster], Part(None), scale_bytes=scale_of([cluster]))
    return drawn[0] if drawn else None


def _section(id_: str, cluster: Part, before: Part) -> ClusterSection:
    members, earlier = cluster.parts("members"), before.parts("members")
    scale = scale_of([*members, *earlier])
    after = bars(members, cluster.part("usage"), note="after" if before else "", scale_bytes=scale)
    drawn = _paired(bars(earlier, before.part("usage"), note="before", scale_bytes=scale), after)
    return ClusterSection(
        id=id_,
        name=cluster.text("name") or "A cluster without a name",
        verdict=verdict_of(cluster),
        headline=cluster.text("headline"),
        facts=tuple(_facts(cluster)),
        findings=findings(cluster),
        comparison=comparison(before, cluster) if before else None,
        bars=drawn,
        legend=_legend(drawn),
        members=members_table(cluster),
        nodes=nodes_table(cluster),
        usage=usage_section(cluster.part("usage")),
        usage_before=usage_section(before.part("usage")),
        growth=growth_section(cluster),
    )


def _facts(cluster: Part) -> t.Iterator[tuple[str, str]]:
    versions = cluster.texts("versions") or list(filter(None, [cluster.text("version")]))
    yield "etcd", ", ".join(versions) or UNKNOWN
    yield "Leader", cluster.text("leader") or UNKNOWN
    yield "Members", str(len(cluster.parts("members"))) if cluster.parts("members") else UNKNOWN
    yield "Hosts", ", ".join(cluster.texts("hosts")) or UNKNOWN
    if cluster.text("cluster_id"):
        yield "Cluster id", cluster.text("cluster_id")


def _paired(before: t.Sequence[Bar], after: t.Sequence[Bar]) -> list[Bar]:
    """The bars of each member one below the other."""
    names = dict.fromkeys(each.name for each in (*after, *before))
    return [each for name in names for each in (*before, *after) if each.name == name]


def _legend(drawn: t.Sequence[Bar]) -> list[tuple[str, str]]:
    """The kinds of segments that are there, with their names."""
    seen = {segment.kind: segment.name for each in drawn for segment in each.segments if segment.bytes}
    order = ["used", *(kind for kind, _key, _name in PARTS)]
    return sorted(seen.items(), key=lambda each: order.index(each[0]))


__all__ = ("render",)
