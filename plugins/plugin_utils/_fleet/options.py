# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Variables of the roles as people pass them: whether each is an option, and whether its value can be read.

What the options are is known from the argument specs of a role alone. Ansible checks only what is in them, and only in
some ways of using a role; a variable whose name is misspelt would leave the default in force without a word.
"""

from __future__ import annotations

import json
import math
import re
import typing as t
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher

import yaml

from ...module_utils._core.failures import Refused

# Shares of equal letters, found by trying slips of the options' names: `hodl` and `hold` have 0.75.
CLOSE = 0.75
# For names that do not begin like an option and may well be somebody else's.
_VERY_CLOSE = 0.9

# What Ansible's filter `bool` reads in every release; it takes `y` and `t` for false.
# What Ansible makes of -e NAME without a value.
_WITHOUT_VALUE = "_raw_params"
_ROLES = ("harden", "recover", "status")
_BOOLEANS = ("yes", "on", "1", "true", "no", "off", "0", "false")


@dataclass(frozen=True)
class CheckedOptions:
    """The outcome for one host: what nothing must be done with, and what is only worth a warning."""

    refusals: tuple[Refused, ...]
    warnings: tuple[str, ...]


def check_options(
    role: str,
    specs: t.Mapping[str, t.Mapping[str, t.Any]],
    values: t.Mapping[str, object],
    *,
    names: t.Iterable[str],
    extra: t.Collection[str],
) -> CheckedOptions:
    """The check of a role's options. `specs` are those of its argument spec, `values` the values of those that are set,
    `names` all variables that there are, `extra` those among them that were given with -e."""
    refusals = [problem for name, spec in specs.items() if name in values for problem in _wrong(name, spec, values)]
    if _WITHOUT_VALUE in extra:
        refusals.append(
            Refused(
                "invalid_option",
                "Something was given with -e that has no value.",
                "Write -e NAME=VALUE, with = and no blanks around it.",
            )
        )
    warnings = list(_meant_for_another_role(role, specs, extra))
    for name in sorted({*names, *extra} - set(specs)):
        own, given = name.startswith(f"{role}_"), name in extra
        meant = nearest(name, specs, role) if own else _slip(name, specs) if given else None
        if meant or (own and given):
            refusals.append(_unknown(name, meant, role, given=given))
        elif own:
            warnings.append(
                f"{name} is no option of the role controlplane.etcd.{role}, which ignores it. If it is meant to be one:"
                f" ansible-doc --type role controlplane.etcd.{role} lists them."
            )
    return CheckedOptions(tuple(refusals), tuple(warnings))


def _meant_for_another_role(role: str, specs: t.Container[str], extra: t.Collection[str]) -> t.Iterator[str]:
    """Warnings of options of another role that were given with -e, if this one has the same and was not given it."""
    for name in sorted(extra):
        other, _sep, rest = name.partition("_")
        own = f"{role}_{rest}"
        if other in _ROLES and other != role and own in specs and own not in extra:
            yield (
                f"{name}, given with -e, is no option of the role controlplane.etcd.{role}, which has {own}: it is"
                " ignored."
            )


def nearest(name: str, known: t.Iterable[str], role: str) -> str | None:
    """The option that a name with the role's prefix is probably meant to be: a few letters differ, or its end is
    missing."""
    begun = [each for each in known if each.startswith(f"{name}_")]
    prefix = len(role) + 1
    scored = [(alike(name[prefix:], each[prefix:]), each) for each in known]
    score, best = max(scored, default=(0.0, ""))
    return best if score >= CLOSE else next(iter(begun), None)


def _slip(name: str, known: t.Iterable[str]) -> str | None:
    """The option that a name without the role's prefix is probably meant to be, such as `recovery_hold`."""
    score, best = max(((alike(name, each), each) for each in known), default=(0.0, ""))
    return best if score >= _VERY_CLOSE else None


def alike(one: str, other: str) -> float:
    """The share of letters that two names have in common, in this order; case and dashes do not count."""
    return SequenceMatcher(None, _plain(one), _plain(other), autojunk=False).ratio()


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _unknown(name: str, meant: str | None, role: str, *, given: bool) -> Refused:
    where = "given with -e" if given else "set in the inventory or the play"
    return Refused(
        "unknown_option",
        f"{name}, {where}, is no option of the role controlplane.etcd.{role}{f'; {meant} is' if meant else ''}.",
        f"Correct the name{'' if given else ', or rename the variable if it is not meant for this role'}:"
        f" ansible-doc --type role controlplane.etcd.{role} lists the options.",
    )


def _wrong(name: str, spec: t.Mapping[str, t.Any], values: t.Mapping[str, object]) -> t.Iterator[Refused]:
    value, choices = values[name], spec.get("choices")
    if not _READS[spec["type"]](value) or (value == "" != spec.get("default")):
        yield _unreadable(name, value, _WANTED[spec["type"]])
    elif choices and str(value) not in choices:
        yield _unreadable(name, value, f"one of {', '.join(choices)}")


def _unreadable(name: str, value: object, wanted: str) -> Refused:
    shown = "empty" if value is None or value == "" else f"{value!r:.80}"
    return Refused("invalid_option", f"{name} is {shown}, which is not {wanted}.", "Correct it, or leave it out.")


def mapping(name: str, value: object) -> t.Mapping[str, t.Any]:
    """The mapping of an option, also from JSON or YAML text, as `-e name='{...}'` gives it. Raises Refused."""
    found = _mapping(value)
    if found is None:
        raise _unreadable(name, value, _WANTED["dict"])
    return found


def _mapping(value: object) -> t.Mapping[str, t.Any] | None:
    if isinstance(value, str):
        value = _parsed(value)
    if value is None:  # a key whose lines below are all commented out
        return {}
    return value if isinstance(value, t.Mapping) and all(isinstance(key, str) for key in value) else None


def _parsed(text: str) -> object:
    """The text itself if it is neither JSON nor YAML."""
    with suppress(ValueError):
        return json.loads(text)
    with suppress(yaml.YAMLError):
        return yaml.safe_load(text)
    return text


def _is_flag(value: object) -> bool:
    return isinstance(value, bool) or str(value).lower() in _BOOLEANS


def _is_whole(value: object) -> bool:
    return not isinstance(value, bool) and re.fullmatch(r"\d+", str(value), re.ASCII) is not None


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, (int, float, str)) and not isinstance(value, bool) and 0 <= float(value) < math.inf
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


# By the types that the argument specs have; a unit test sees that there are no others.
_READS: dict[str, t.Callable[[object], bool]] = {
    "bool": _is_flag,
    "int": _is_whole,
    "float": _is_number,
    "str": _is_text,
    "path": lambda value: isinstance(value, str) and bool(value.strip()),
    "dict": lambda value: _mapping(value) is not None,
    "list": lambda value: isinstance(value, str) or (isinstance(value, (list, tuple)) and all(map(_is_text, value))),
}
_WANTED = {
    "bool": "true or false",
    "int": "a whole number, 0 or more",
    "float": "a number, 0 or more",
    "str": "text",
    "path": "a path",
    "dict": 'a mapping, such as {"snapshot-count": "5000"}, also as JSON or YAML text',
    "list": "a list of texts, or one text",
}

__all__ = ("CheckedOptions", "alike", "check_options", "mapping", "nearest")
