# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""kubectl on this node: how it is called, and what its errors mean."""

from __future__ import annotations

import re
import typing as t

from .._core import command, files
from .._core.command import CommandResult
from .._core.failures import Failure
from .._etcd.transport import ANSWER_SECONDS
from .._node.apiserver import ADMIN_CONF, API_MANIFEST, address_of

NAMESPACE, NAME, KEY = "kube-system", "kubeadm-config", "ClusterConfiguration"
_UNSURE = "It is not known whether it was written. Run this again: if it was, that changes nothing."
_INSECURE = re.compile(r"(insecure-skip-tls-verify)[\"']?\s*:\s*[\"']?true", re.IGNORECASE)
_PLAIN_HTTP = re.compile(r"\bserver[\"']?\s*:\s*[\"']?(http://)")
_PROGRAM_SECONDS = 5.0  # added to what one request may take, for kubectl to start and to exit
_MAX_QUOTED_CHARS = 500  # of what kubectl says
_RECOVER = "If etcd is full or down, run the playbook controlplane.etcd.recover first, then this again."
_ELSEWHERE = f"{_RECOVER} Or name the API server of another node (server)."


class KubectlFailed(Failure):
    """kubectl could not do it. `unchanged` says what is true of the ConfigMap now, if it is not what it was; `away`
    tells that there was no answer from the API server, or none from its etcd, which may change by itself."""

    def __init__(self, code: str, reason: str, advice: str = "", *, unchanged: str = "", away: bool = False) -> None:
        super().__init__(code, reason, advice, unchanged=unchanged)
        self.away = away

    def details(self) -> dict[str, t.Any]:
        return {"away": self.away}


class Conflict(KubectlFailed):
    """Somebody else was quicker: what was to be replaced is not there any more. It is worth a second try."""

    def details(self) -> dict[str, t.Any]:
        return {**super().details(), "conflict": True}


class _Meaning(t.NamedTuple):
    """The meaning of kubectl's words if they match the pattern, and what to do then. If `unsure`, a write may have been
    carried out all the same."""

    pattern: str
    code: str
    reason: str
    advice: str = ""
    unsure: bool = False
    away: bool = False


class Kubectl:
    """kubectl as an administrator, towards one API server. `where` names that for people, `server` is empty if the
    kubeconfig alone tells it."""

    def __init__(
        self,
        *,
        kubeconfig: str = ADMIN_CONF,
        program: str | None = None,
        server: str | None = None,
        apiserver_manifest: str = API_MANIFEST,
        timeout: float = ANSWER_SECONDS,
    ) -> None:
        """Raises KubectlFailed."""
        self.kubeconfig = kubeconfig
        if server is not None and not server.startswith("https://"):
            raise KubectlFailed(
                "apiserver_unreachable",
                f"{server!r} is not an https:// URL of an API server.",
                "Give its URL, https://ADDRESS:6443.",
            )
        self.server = server or own_address(apiserver_manifest)
        _check_kubeconfig(kubeconfig, names_server=not self.server)
        self.where = self.server or f"the address in {kubeconfig}"
        self._timeout = timeout
        self._head = [
            find_program(program),
            f"--kubeconfig={kubeconfig}",
            f"--request-timeout={round(timeout * 1000)}ms",
        ]
        self._head += [f"--server={self.server}"] if self.server else []

    def __call__(self, arguments: t.Sequence[str], text: str) -> CommandResult:
        """Run kubectl with these arguments and this standard input. Raises KubectlFailed if it cannot be run at all."""
        try:
            return command.execute([*self._head, *arguments], timeout=self._timeout + _PROGRAM_SECONDS, stdin=text)
        except OSError as exc:
            raise KubectlFailed(
                "kubectl_failed", f"{self._head[0]} cannot be run: {exc.strerror}.", "Fix it, or name another."
            ) from exc


def find_program(program: str | None) -> str:
    """The kubectl to run. Raises KubectlFailed."""
    found = command.installed(program or "kubectl")
    if found is None:
        raise KubectlFailed(
            "kubectl_failed",
            f"There is no program {program} on this node." if program else "There is no kubectl on this node.",
            "Install the kubectl of this cluster's version there, or name its path (kubectl).",
        )
    return found


def own_address(manifest: str) -> str:
    """The URL of the API server of this very node, since a virtual address may be down; empty if it has none.
    Raises KubectlFailed."""
    try:
        return str(address_of(files.text(manifest), manifest))
    except FileNotFoundError:
        return ""
    except (Failure, OSError, UnicodeDecodeError) as exc:
        raise KubectlFailed(
            "apiserver_unreachable",
            f"The address of this node's API server cannot be read: {str(exc).rstrip('.')}.",
            "Name its URL (server).",
        ) from exc


def _check_kubeconfig(path: str, *, names_server: bool) -> None:
    """Refuse a kubeconfig that is not there, or lets kubectl trust any server that answers. Raises KubectlFailed."""
    try:
        text = files.text(path, errors="replace")
    except FileNotFoundError:
        raise KubectlFailed(
            "kubeconfig_unusable",
            f"There is no {path} on this node.",
            "kubeadm writes it on every control-plane node: run this on a node that has it, or name an"
            " administrator's kubeconfig (kubeconfig).",
        ) from None
    except OSError as exc:
        raise KubectlFailed(
            "kubeconfig_unusable", f"{path} cannot be read: {exc.strerror}.", "Run this as root (become)."
        ) from exc
    for pattern, counts in ((_INSECURE, True), (_PLAIN_HTTP, names_server)):
        found = pattern.search(text) if counts else None
        if found:
            raise KubectlFailed(
                "kubeconfig_unusable",
                f"{path} says {found[1]}: any server that answers would be trusted.",
                "Name a kubeconfig with an address that begins with https:// and the cluster's CA (kubeconfig).",
            )


def conflict() -> Conflict:
    """The failure of a replacement before the API server had to refuse it."""
    found = next(meaning for meaning in _MEANINGS if meaning.code == "changed_meanwhile")
    return Conflict(found.code, found.reason, found.advice)


def failure(answer: CommandResult, where: str, kubeconfig: str, *, writing: bool) -> KubectlFailed:
    """The failure that kubectl's words stand for. If it cannot read the kubeconfig, they are left out: they might quote
    it."""
    words = " ".join(answer.err.split())[:_MAX_QUOTED_CHARS].rstrip(".")
    said = {"words": words or f"exit code {answer.code}", "where": where, "kubeconfig": kubeconfig}
    found = next((meaning for meaning in _MEANINGS if re.search(meaning.pattern, words)), _ANY)
    kind = Conflict if "(Conflict)" in words else KubectlFailed
    return kind(
        found.code,
        found.reason.format(**said),
        found.advice.format(**said),
        unchanged=_UNSURE if writing and found.unsure else "",
        away=found.away,
    )


# The first that matches counts.
_MEANINGS = (
    _Meaning(
        "database space exceeded",
        "nospace_alarm",
        "etcd is out of space and takes no writes ({words}).",
        "Run the playbook controlplane.etcd.recover first, then this again.",
    ),
    # Before all that speaks of connections: the API server's own one, to a webhook, may be refused.
    _Meaning(
        r"admission webhook .* denied|calling webhook|ValidatingAdmissionPolicy",
        "apiserver_rejects",
        "Something in front of the cluster's API rejected it: {words}.",
        "Allow this change there, or fix that webhook, and run this again.",
    ),
    _Meaning(
        r"\(Conflict\)",
        "changed_meanwhile",
        f"Somebody else is changing the ConfigMap {NAME} at the same time.",
        "See who it is (kubectl -n kube-system get configmap kubeadm-config -o yaml --show-managed-fields), then run"
        " this again.",
    ),
    _Meaning(
        f'configmaps "{NAME}" not found',
        "configmap_missing",
        f"There is no ConfigMap {NAME} in the namespace {NAMESPACE}.",
        "If kubeadm made this cluster, write it from the cluster's own file: kubeadm init phase upload-config kubeadm"
        " --config FILE. If something else made it, set etcd's arguments there.",
    ),
    _Meaning(
        r"\(Forbidden\)",
        "apiserver_forbids",
        "The user of {kubeconfig} may not do that: {words}.",
        "Name the kubeconfig of an administrator (kubeconfig). From kubeadm 1.29 on, admin.conf has its rights from the"
        " ClusterRoleBinding kubeadm:cluster-admins, super-admin.conf has its own.",
    ),
    _Meaning(
        r"\(Unauthorized\)",
        "apiserver_forbids",
        "The API server at {where} does not know the user of {kubeconfig}: its certificate has expired, or is another"
        " cluster's.",
        "kubeadm certs check-expiration shows it, kubeadm certs renew admin.conf renews it.",
    ),
    _Meaning(
        r"error loading config file|invalid configuration|no configuration has been provided|error: EOF|error: stat",
        "kubeconfig_unusable",
        "kubectl cannot use {kubeconfig} as a kubeconfig.",
        "See what it lacks (kubectl config view --kubeconfig {kubeconfig}, which leaves keys out).",
    ),
    _Meaning(
        "x509:|tls:",
        "kubeconfig_unusable",
        "The server at {where} cannot be trusted: {words}.",
        "Name an address that its certificate holds (server), or the kubeconfig of this very cluster (kubeconfig).",
    ),
    _Meaning(
        r"was refused - did you specify|dial tcp",
        "apiserver_unreachable",
        "No API server answers at {where} ({words}).",
        _ELSEWHERE,
        away=True,
    ),
    _Meaning(
        r"Unable to connect|timed out after|\((?:Server)?Timeout\)|\(ServiceUnavailable\)|etcdserver:",
        "apiserver_unreachable",
        "The API server at {where} does not answer as it should ({words}).",
        _ELSEWHERE,
        unsure=True,
        away=True,
    ),
    _Meaning(r"is invalid:|\(BadRequest\)|\(Invalid\)", "apiserver_rejects", "The API server rejected it: {words}."),
)
_ANY = _Meaning("", "kubectl_failed", "kubectl failed: {words}.", unsure=True)
__all__ = (
    "KEY",
    "NAME",
    "NAMESPACE",
    "Conflict",
    "Kubectl",
    "KubectlFailed",
    "conflict",
    "failure",
    "find_program",
    "own_address",
)
