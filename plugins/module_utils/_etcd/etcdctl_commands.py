# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What etcdctl is told for a call of the gateway, and its answer in the gateway's form (seen with 3.4.23 to 3.7.3).

Keys are told to `etcdctl txn` on its standard input, as Go's quoted strings: a key may hold bytes that no command line
can, and the collection asks for what lies behind a key, which is that key and a zero byte.
"""

from __future__ import annotations

import base64
import json
import typing as t

from .._core.records import Json
from .errors import EtcdError, NotOffered

ALARM = "/v3/maintenance/alarm"
_KINDS = {1: "NOSPACE", 2: "CORRUPT"}  # etcdserverpb.AlarmType, which etcdctl prints as a number


class Command(t.NamedTuple):
    """The words for etcdctl, its standard input, and what makes an answer of its standard output."""

    words: tuple[str, ...]
    answer: t.Callable[[str], Json]
    stdin: str = ""


def command_for(path: str, body: Json, *, newest: bool = True) -> Command:
    """What a call is for etcdctl. With `newest` it may have flags that older ones do not know: they let a member
    tell the list without quorum, and spare two seconds at each deletion. Raises NotOffered."""
    if path in ("/v3/kv/range", "/v3/kv/deleterange"):
        line = _range(body) if path.endswith("/range") else _delete_range(body, newest)
        keep = () if body.get("count_only") else ("kvs",)
        return Command(("txn",), lambda out: _of_txn(out, keep), f"\n{line}\n\n\n")  # no comparison, then what to do
    make = _COMMANDS.get(path)
    if make is None or (path == "/v3/lease/grant" and "ID" in body):
        raise NotOffered("etcdctl has no command for this call: it needs the gateway, or gRPC")
    return make(body, newest)


def _status(_body: Json, _newest: bool) -> Command:
    return Command(("endpoint", "status"), lambda out: _only(out, "Status"))


def _members(_body: Json, newest: bool) -> Command:
    return Command(("member", "list", *(("--consistency", "s") if newest else ())), _object)


def _alarm_list(_body: Json, _newest: bool) -> Command:
    return Command(("alarm", "list"), _alarms)


def _compaction(body: Json, _newest: bool) -> Command:
    return Command(("compaction", body["revision"], "--physical"), _nothing)


def _defragment(_body: Json, _newest: bool) -> Command:
    return Command(("defrag",), _nothing)


def _move_leader(body: Json, _newest: bool) -> Command:
    return Command(("move-leader", f"{int(body['targetID']):x}"), _nothing)


def _grant(body: Json, _newest: bool) -> Command:
    return Command(("lease", "grant", body["TTL"]), _object)


def _revoke(body: Json, _newest: bool) -> Command:
    return Command(("lease", "revoke", f"{int(body['ID']):x}"), _nothing)


def _hashkv(body: Json, _newest: bool) -> Command:
    return Command(("endpoint", "hashkv", "--rev", body["revision"]), lambda out: _only(out, "HashKV"))


_COMMANDS: dict[str, t.Callable[[Json, bool], Command]] = {
    "/v3/cluster/member/list": _members,
    "/v3/kv/compaction": _compaction,
    "/v3/lease/grant": _grant,
    "/v3/lease/revoke": _revoke,
    ALARM: _alarm_list,
    "/v3/maintenance/defragment": _defragment,
    "/v3/maintenance/hashkv": _hashkv,
    "/v3/maintenance/status": _status,
    "/v3/maintenance/transfer-leadership": _move_leader,
}


def _range(body: Json) -> str:
    # `--count-only` is no flag of 3.4. The count is that of all keys, whatever the limit is.
    limit = "1" if body.get("count_only") else body.get("limit", "0")
    words = ["get", f"--limit={limit}", f"--rev={body.get('revision', '0')}"]
    words.append(f"--consistency={'s' if body.get('serializable') else 'l'}")
    if body.get("count_only") or body.get("keys_only"):
        words.append("--keys-only")
    return " ".join([*words, *_quoted_keys(body)])


def _delete_range(body: Json, newest: bool) -> str:
    return " ".join(["del", *(["--range"] if newest else []), *_quoted_keys(body)])


def _quoted_keys(body: Json) -> list[str]:
    return [_quoted(base64.b64decode(body[name])) for name in ("key", "range_end") if body.get(name)]


def _quoted(key: bytes) -> str:
    """A key as a string of Go."""
    said = (chr(each) if 32 < each < 127 and each not in b'"\\' else f"\\x{each:02x}" for each in key)
    return f'"{"".join(said)}"'


def _of_txn(out: str, keep: t.Sequence[str]) -> Json:
    """The answer of the one request in a transaction; 3.4 names it otherwise than later ones."""
    found = _object(out)
    try:
        (answer,) = found["responses"][0]["Response"].values()
    except (LookupError, AttributeError, ValueError):
        raise _not_understood(out) from None
    return {
        "header": found.get("header", {}),
        **{name: answer[name] for name in ("count", "deleted", *keep) if name in answer},
    }


def _alarms(out: str) -> Json:
    return {
        "alarms": [
            {**each, "alarm": _KINDS.get(each.get("alarm"), str(each.get("alarm")))}
            for each in _object(out).get("alarms", ())
        ]
    }


DISARM = Command(("alarm", "disarm"), _alarms)


def _only(out: str, name: str) -> Json:
    """The answer of the one endpoint that was asked."""
    found = _parsed(out)
    try:
        return t.cast(Json, found[0][name])
    except (LookupError, TypeError):
        raise _not_understood(out) from None


def _object(out: str) -> Json:
    found = _parsed(out)
    if not isinstance(found, dict):
        raise _not_understood(out)
    return found


def _parsed(out: str) -> t.Any:
    """The JSON of the last line: before it there may be a warning."""
    try:
        return json.loads(out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise _not_understood(out) from None


def _not_understood(out: str) -> EtcdError:
    return EtcdError(f"etcdctl printed something else than was expected: {out[:200]!r}")


def _nothing(_out: str) -> Json:
    return {}


__all__ = ("ALARM", "DISARM", "Command", "command_for")
