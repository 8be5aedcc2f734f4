# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Who has most in a database, in lines for people, and what cures that. It is information: a recovery never depends on
it."""

from __future__ import annotations

import typing as t

from ...module_utils._core.records import Fields, Json
from ...module_utils._core.text import printable, sentences
from ...module_utils._core.units import mib
from ...module_utils._etcd.kubernetes_keys import OTHERS
from ...module_utils._etcd.usual_consumers import advice_for

_NAMED = 3
_WORTH_NAMING = 0.05  # of all keys' bytes


def consumer_lines(result: object) -> list[str]:
    """The largest consumers, and advice on each, from what etcd_usage_info returned: one line that says why not if it
    failed, none if it was not asked. Raises ValueError if the result is of another kind."""
    found = Fields(result, "the result of etcd_usage_info")
    if not found.has("resources"):
        why = found.text("msg") if found.has("msg") else ""
        failed = why and not (found.has("skipped") and found.flag("skipped"))
        return [f"What fills it is not known, and nothing depends on that. {printable(why)}"] if failed else []
    named, total = _worth_naming(found), found.record("total")
    if not named:
        return []
    listed = "; ".join(map(_consumer, named))
    shares = f"{mib(total.whole('live_bytes'))} live, {mib(total.whole('history_bytes'))} history"
    said = advice_lines(advice_on(result), {owner_name(each) for each in named})
    return [f"What fills it ({shares}): {listed}.", *said]


def _worth_naming(found: Fields) -> list[Fields]:
    """The largest resources that take much of all there is."""
    total = found.record("total")
    everything = total.whole("live_bytes") + total.whole("history_bytes")
    return [each for each in found.records("resources") if _bytes(each) > everything * _WORTH_NAMING][:_NAMED]


def names_worth_advice(result: object) -> list[str]:
    """The names of the largest resources that take much of all there is, of what etcd_usage_info returned. Raises
    ValueError if it is of another kind."""
    return [owner_name(each) for each in _worth_naming(Fields(result, "the result of etcd_usage_info"))]


def advice_on(result: object) -> list[Json]:
    """The advice on all resources of what etcd_usage_info returned. Raises ValueError, KeyError or TypeError if that is
    of another kind."""
    found = Fields(result, "the result of etcd_usage_info")
    keys = [each.text("key") for part in ("largest", "hottest") for each in found.records(part)]
    return advice_for(t.cast(t.Mapping[str, t.Any], result)["resources"], keys=keys)


def advice_lines(advice: t.Iterable[Json], names: t.Container[str]) -> list[str]:
    """The advice on the resources of these names, and on all together, one line each."""
    named = ((owner_name(Fields(each, "an advice")), each) for each in advice)
    return [_advice(each) for name, each in named if name in names or name == OTHERS]


def owner_name(consumer: Fields) -> str:
    """The name of a resource as people write it, safe to print."""
    group, resource = consumer.text("group"), consumer.text("resource")
    return printable(f"{resource}.{group}" if group and group != OTHERS else resource)


def _bytes(consumer: Fields) -> int:
    return consumer.whole("live_bytes") + consumer.whole("history_bytes")


def _consumer(consumer: Fields) -> str:
    history = consumer.whole("history_bytes")
    past = f", {mib(history)} history" if history else ""
    return f"{owner_name(consumer)} {mib(consumer.whole('live_bytes'))} in {consumer.whole('live_keys')} keys{past}"


def _advice(advice: Json) -> str:
    name = "" if advice["resource"] == OTHERS else f"{owner_name(Fields(advice, 'an advice'))}: "
    setting = f"Setting: {advice['setting']}." if advice["setting"] else ""
    verb = "Delete" if advice["command"].startswith("kubectl delete") else "Look"
    command = f"{verb}: {advice['command']}." if advice["command"] else ""
    return sentences(f"{name}{advice['what']}", advice["remedy"], setting, command, f"See {advice['anchor']}.")


__all__ = ("advice_lines", "advice_on", "consumer_lines", "names_worth_advice", "owner_name")
