# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The documents of a kubeadm configuration file as kubeadm separates them, and the ClusterConfiguration among them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from . import yaml_nodes
from .yaml_nodes import YamlNode

KIND, GROUP = "ClusterConfiguration", "kubeadm.k8s.io"
_OLD_KIND = "MasterConfiguration"  # until v1alpha2

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_EMPTY = "kubeadm takes that for an empty document and refuses the whole file (kind and apiVersion is mandatory)"
# Both parsers end a line at these as well; kubeadm's reader of documents and people do not.
_ODD_BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


@dataclass(frozen=True)
class Document:
    """One document, `text[start:end]`; `root` has its places in that part alone."""

    start: int
    end: int
    root: YamlNode
    api_version: str
    kind: str


@dataclass(frozen=True)
class Found:
    """The ClusterConfiguration of a text. `is_list` is the shape of its extraArgs, list or map."""

    text: str
    documents: tuple[Document, ...]
    index: int
    is_list: bool

    @property
    def document(self) -> Document:
        return self.documents[self.index]

    @property
    def version(self) -> str:
        return self.document.api_version.split("/")[1]

    @property
    def body(self) -> str:
        return self.text[self.document.start : self.document.end]

    def line(self, offset: int) -> int:
        """The number, in the whole text, of the line in which that place of the document is."""
        return line_number(self.text, self.document.start + offset)

    def replaced(self, body: str) -> str:
        """The whole text with another body of this document."""
        return self.text[: self.document.start] + body + self.text[self.document.end :]


def line_number(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def is_list(version: str) -> bool | None:
    """Whether this version of the API has extraArgs as a list: v1beta4 and everything newer, v1 included. None if
    no ClusterConfiguration of that version with extraArgs of etcd is known."""
    match = _VERSION.fullmatch(version)
    if not match:
        return None
    major, stage, minor = int(match[1]), match[2], int(match[3] or 0)
    if (major, stage) == (1, "beta"):
        return minor >= 4 if minor else None
    return None if major == 0 or (major, stage) == (1, "alpha") else True


def chunks(text: str) -> list[tuple[int, int]]:
    """Begin and end of each document for kubeadm (apimachinery, util/yaml, YAMLReader): a line that starts with
    `---` ends what is before it, unless nothing is, and then belongs to what follows. Raises Refused."""
    found: list[tuple[int, int]] = []
    start = position = 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if line.startswith("---"):
            rest = line[3:].strip()
            if rest and not rest.startswith("#"):
                raise Refused(
                    "kubeadm_file_invalid",
                    f"Line {line_number(text, position)} has text after the ---: kubeadm refuses the whole file"
                    " (invalid Yaml document separator).",
                    "Put it on a line of its own.",
                )
            if position > start:
                found.append((start, position))
                start = position + len(line)
        position += len(line)
    if position > start:
        found.append((start, position))
    return found


def read(text: str) -> list[Document]:
    """All documents. Raises Refused if kubeadm would refuse the file as such."""
    odd = _ODD_BREAKS.search(text)
    if odd:
        raise Refused(
            "kubeadm_file_invalid",
            f"Line {line_number(text, odd.start())} holds {odd.group()!r}, which ends a line for YAML but not for"
            " kubeadm.",
            "Replace it with an ordinary line break.",
        )
    found: list[Document] = []
    for start, end in chunks(text):
        found.append(_document(text, start, end, first=not found))
        again = [each for each in found[:-1] if each.kind == found[-1].kind]
        if again:
            raise Refused(
                "kubeadm_file_invalid",
                f'kubeadm refuses the file, because kind "{again[0].kind}" is specified twice in it: lines'
                f" {_first_line(text, again[0])} and {_first_line(text, found[-1])}.",
                "Leave only the one that counts.",
            )
    return found


def _document(text: str, start: int, end: int, *, first: bool) -> Document:
    body, line = text[start:end], line_number(text, start)
    try:
        roots = yaml_nodes.read(body)
    except ValueError as exc:
        raise Refused(
            "kubeadm_file_invalid",
            f"It cannot be read as YAML: {_in_file(str(exc), line - 1)}.",
            "Fix the YAML at that line.",
        ) from exc
    if not roots or roots[0].reads_as == "null":
        raise _empty(text, start, end, first=first)
    root = roots[0]  # there is no second one: a --- begins another part, and PyYAML wants it also after a ...
    if root.kind != yaml_nodes.MAP:
        raise Refused(
            "kubeadm_file_invalid",
            f"The document that starts on line {line} is a {root.reads_as}, but kubeadm wants a map.",
        )
    for key in ("apiVersion", "kind"):
        _once(text, start, root, key, key)
    api_version, kind = (root.get(key) for key in ("apiVersion", "kind"))
    version_text, kind_text = (node.text or "" if node else "" for node in (api_version, kind))
    group, slash, version = version_text.partition("/")
    if not (group and slash and version and kind_text):
        raise Refused(
            "kubeadm_file_invalid",
            f"The document that starts on line {_first_line_at(text, start, root)} has apiVersion {version_text!r} and"
            f" kind {kind_text!r}. kubeadm refuses a file in which a document has no group, version and kind.",
            "Name a file that kubeadm init --config takes, or, from the ConfigMap kubeadm-config, the text of its key"
            " ClusterConfiguration alone.",
        )
    return Document(start, end, root, version_text, kind_text)


def _empty(text: str, start: int, end: int, *, first: bool) -> Refused:
    begin, last = line_number(text, start), line_number(text, max(start, end - 1))
    lines = f"Line {begin} holds" if begin == last else f"Lines {begin} to {last} hold"
    comments = "comments" if "#" in text[start:end] else "blank lines"
    if text.startswith("---", start):
        comments = f"--- and {comments}" if last > begin else "---"
    if first and text.startswith("---", end):
        return Refused(
            "kubeadm_file_invalid",
            f"{lines} only {comments} before the --- on line {last + 1}: {_EMPTY}.",
            f"Remove the --- on line {last + 1}, or move what is above it below it.",
        )
    if first:
        return Refused(
            "no_cluster_configuration", f"{lines} only {comments}: there is no {KIND} in it.", "Name another file."
        )
    return Refused(
        "kubeadm_file_invalid",
        f"{lines} only {comments}, after a ---: {_EMPTY}.",
        "Remove these lines, and one of the --- around them.",
    )


def _in_file(problem: str, offset: int) -> str:
    """PyYAML's problem with the line in the whole file: it counts those of the document."""
    return re.sub(r"^line (\d+)", lambda match: f"line {int(match[1]) + offset}", problem)


def _first_line_at(text: str, start: int, root: YamlNode) -> int:
    return line_number(text, start + root.start)


def _first_line(text: str, document: Document) -> int:
    return _first_line_at(text, document.start, document.root)


def _once(text: str, start: int, parent: YamlNode, key: str, name: str) -> None:
    again = [line_number(text, start + pair[0].start) for pair in parent.all(key)]
    if len(again) > 1:
        raise Refused(
            "kubeadm_file_not_editable",
            f"{name} is given more than once, in lines {' and '.join(map(str, again))}: it is not clear which one"
            " counts.",
            "Leave only the one that counts.",
        )


def no_merge(found: Found, parent: YamlNode) -> None:
    """Refuse a map that takes entries from elsewhere: what it says is then not what stands in it."""
    merged = parent.all("<<")
    if merged:
        raise Refused(
            "kubeadm_file_not_editable",
            f"Line {found.line(merged[0][0].start)} merges entries from elsewhere (<<): they cannot be changed safely"
            " in place.",
            "Write the entries out in place of the <<.",
        )


def _refuse_odd_keys(found: Found, parent: YamlNode) -> None:
    """Refuse a key that is no plain word here, but could be one for kubeadm, such as `! local`."""
    odd = next((key for key, _value in parent.pairs if key.text is None), None)
    if odd is not None:
        raise Refused(
            "kubeadm_file_not_editable",
            f"Line {found.line(odd.start)} has a key that is a {odd.reads_as}: kubeadm may take it for another.",
            "Write it as a plain word.",
        )


def find(text: str) -> Found:
    """The ClusterConfiguration with etcd on its nodes. Raises Failure."""
    documents = read(text)
    candidates = [number for number, document in enumerate(documents) if document.kind == KIND]
    old = next((document for document in documents if document.kind == _OLD_KIND), None)
    if not candidates and old:
        raise _too_old(old)
    if not candidates:
        kinds = ", ".join(document.kind for document in documents)
        raise Refused(
            "no_cluster_configuration",
            f"There is no {KIND} in it, only {kinds}." if kinds else f"It is empty: there is no {KIND} in it.",
            "Name the file that holds the cluster's configuration; where there is none, the ConfigMap kubeadm-config"
            " in the namespace kube-system is the only copy.",
        )
    document = documents[candidates[0]]
    group, _slash, version = document.api_version.partition("/")
    shape = is_list(version) if group == GROUP else None
    if shape is None:
        raise _too_old(document)
    found = Found(text, tuple(documents), candidates[0], shape)
    _check(found)
    return found


def _too_old(document: Document) -> Refused:
    known = f"{GROUP}/v1beta1" if document.kind == KIND else f"{KIND} of {GROUP}/v1beta1"
    return Refused(
        "no_cluster_configuration",
        f"The {document.kind} has apiVersion {document.api_version}; {known} and newer are known.",
        "Migrate it with kubeadm config migrate of a release that knows it, or correct a misspelling.",
    )


def _check(found: Found) -> None:
    """Refuse a configuration without an etcd of its own, and one that is not clear."""
    root = found.document.root
    parents: list[tuple[str, YamlNode]] = [("", root)]
    for key in ("etcd", "local"):
        above, parent = parents[-1]
        path = f"{above}.{key}".lstrip(".")
        no_merge(found, parent)
        _refuse_odd_keys(found, parent)
        _once(found.text, found.document.start, parent, key, path)
        value = parent.get(key)
        if value is None or value.reads_as == "null":
            break
        if value.reads_as != yaml_nodes.MAP:
            raise Refused(
                "kubeadm_file_invalid",
                f"{path} on line {found.line(value.start)} is a {value.reads_as}, but kubeadm wants a map.",
                "Correct it.",
            )
        parents.append((path, value.resolved))
    if len(parents) > 1:
        etcd = parents[1][1]
        external = etcd.get("external")
        if external is not None and external.reads_as != "null":
            raise Refused(
                "external_etcd",
                f"etcd is external here (etcd.external on line {found.line(external.start)}): kubeadm does not run it,"
                " and would silently ignore these arguments.",
                "Set them where that etcd is started.",
            )
    if len(parents) > 2:
        no_merge(found, parents[2][1])
        _refuse_odd_keys(found, parents[2][1])
        for key in ("extraArgs", "extraEnvs"):
            _once(found.text, found.document.start, parents[2][1], key, f"etcd.local.{key}")


__all__ = ("GROUP", "KIND", "Document", "Found", "chunks", "find", "is_list", "line_number", "no_merge", "read")
