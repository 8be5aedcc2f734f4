# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The usual consumers of the etcd of a Kubernetes cluster, and what cures each: shown, never run.

Sources of the flags, fields and labels: the references of kube-apiserver, kube-controller-manager and of Kubernetes'
field selectors (kubernetes.io/docs/reference, /docs/concepts/overview/working-with-objects/field-selectors); Helm's
pkg/storage/driver/secrets.go (labels of a release); kyverno.io/docs/policy-reports and
kyverno.io/blog/2024/05/29/kyverno-reports-server-the-ultimate-solution-to-scale-reporting;
aquasecurity.github.io/trivy-operator (configuration); argo-workflows' docs/cost-optimisation.md and docs/fields.md;
tekton.dev/docs/pruner; cert-manager.io/docs/reference/api-docs (CertificateSpec); docs.cilium.io (scalability,
identity-relevant labels); longhorn.io/docs (recurring jobs); ranchermanager.docs.rancher.com (token TTL).
"""

from __future__ import annotations

import typing as t


class Usual(t.NamedTuple):
    """A usual consumer. `owners` are names as `kubectl` takes them, `RESOURCE.GROUP`, or `*.GROUP`; `{name}` in a
    command stands for the one that was found."""

    anchor: str
    owners: tuple[str, ...]
    what: str
    remedy: str
    command: str = ""
    setting: str = ""


_DELETE_ALL = "kubectl delete {name} --all --all-namespaces --wait=false"
_LIST = "kubectl get {name} --all-namespaces --sort-by=.metadata.creationTimestamp"

REPORTS_OF_POLICIES = (
    "policyreports.wgpolicyk8s.io",
    "clusterpolicyreports.wgpolicyk8s.io",
    "reports.openreports.io",
    "clusterreports.openreports.io",
    "ephemeralreports.reports.kyverno.io",
    "clusterephemeralreports.reports.kyverno.io",
    "admissionreports.kyverno.io",
    "clusteradmissionreports.kyverno.io",
    "backgroundscanreports.kyverno.io",
    "clusterbackgroundscanreports.kyverno.io",
)
REPORTS_OF_SCANNERS = (
    "vulnerabilityreports.aquasecurity.github.io",
    "clustervulnerabilityreports.aquasecurity.github.io",
    "configauditreports.aquasecurity.github.io",
    "clusterconfigauditreports.aquasecurity.github.io",
    "exposedsecretreports.aquasecurity.github.io",
    "rbacassessmentreports.aquasecurity.github.io",
    "clusterrbacassessmentreports.aquasecurity.github.io",
    "infraassessmentreports.aquasecurity.github.io",
    "clusterinfraassessmentreports.aquasecurity.github.io",
    "sbomreports.aquasecurity.github.io",
    "clustersbomreports.aquasecurity.github.io",
)

USUAL = (
    Usual(
        "events",
        ("events", "events.events.k8s.io"),
        "Events say what happened to objects; a controller or pod that fails in a loop writes them by the thousand.",
        "Find who writes most of them, let the API servers keep them for less than an hour, or give them an etcd of"
        " their own (--etcd-servers-overrides=/events#https://...).",
        _DELETE_ALL,
        "--event-ttl=30m",
    ),
    Usual(
        "policy-reports",
        REPORTS_OF_POLICIES,
        "Reports of policies, most often Kyverno's; it writes them again after they are deleted.",
        "Report on fewer resources and policies, scan less often, or keep reports out of etcd with Kyverno's reports"
        " server.",
        _DELETE_ALL,
        "--backgroundScanInterval=24h (Kyverno's reports controller)",
    ),
    Usual(
        "kyverno",
        ("updaterequests.kyverno.io",),
        "Work that Kyverno's rules for generating and mutating still have to do, or that failed.",
        "See why they are not completed (the log of the background controller), and delete those that failed.",
        _LIST,
    ),
    Usual(
        "scanner-reports",
        REPORTS_OF_SCANNERS,
        "Reports of a scanner, Trivy's operator or Starboard: one for each workload and container, often large.",
        "Let reports expire, scan only what is wanted, and switch kinds off that nobody reads; a deleted report comes"
        " back with the next scan.",
        _DELETE_ALL,
        "OPERATOR_SCANNER_REPORT_TTL=24h, OPERATOR_EXCLUDE_NAMESPACES",
    ),
    Usual(
        "argo-workflows",
        ("workflows.argoproj.io", "workflowtasksets.argoproj.io", "workflowtaskresults.argoproj.io"),
        "Argo's workflows, which stay with the state of every step until somebody deletes them.",
        "Give workflows a time to live, and move the state of large ones to a database (nodeStatusOffLoad).",
        "kubectl delete workflows.argoproj.io --all-namespaces --selector=workflows.argoproj.io/completed=true"
        " --wait=false",
        "workflowDefaults.spec.ttlStrategy.secondsAfterCompletion: 3600",
    ),
    Usual(
        "tekton",
        ("pipelineruns.tekton.dev", "taskruns.tekton.dev", "customruns.tekton.dev"),
        "Runs of Tekton's pipelines and tasks, which stay until somebody deletes them.",
        "Let Tekton's pruner keep the last few, and delete old ones by name.",
        _LIST,
        "TektonConfig spec.pruner.keep: 5, or the pruner's historyLimit",
    ),
    Usual(
        "secrets",
        ("secrets",),
        "Secrets; in great numbers most often old releases of Helm, each with the whole chart in it.",
        "Let Helm keep fewer revisions of a release. What is no release of Helm's belongs to whoever wrote it.",
        "kubectl delete secrets --all-namespaces --selector=owner=helm,status=superseded --wait=false",
        "helm upgrade --history-max=3",
    ),
    Usual(
        "jobs",
        ("jobs",),
        "Jobs, most of them completed long ago.",
        "Give Jobs a time to live, and let CronJobs keep fewer (successfulJobsHistoryLimit, failedJobsHistoryLimit).",
        "kubectl delete jobs --all-namespaces --field-selector=status.successful=1 --wait=false",
        "ttlSecondsAfterFinished: 3600",
    ),
    Usual(
        "pods",
        ("pods",),
        "Pods; many more of them than run are completed or failed ones, kept for their logs.",
        "Let the controller manager keep fewer terminated pods than its default of 12500, and Jobs none.",
        "kubectl delete pods --all-namespaces --field-selector=status.phase=Succeeded --wait=false",
        "--terminated-pod-gc-threshold=500",
    ),
    Usual(
        "replicasets",
        ("replicasets", "controllerrevisions"),
        "Old revisions of Deployments, StatefulSets and DaemonSets, ten of each by default.",
        "Keep fewer revisions. One that is deleted cannot be rolled back to.",
        "kubectl delete replicasets --all-namespaces --field-selector=status.replicas=0 --wait=false",
        "revisionHistoryLimit: 3",
    ),
    Usual(
        "leases",
        ("leases",),
        "Leases are renewed every few seconds by each node and controller: little live data, much history.",
        "Have the history compacted every five minutes, by the API servers or etcd itself. Never delete leases: nodes"
        " would count as lost.",
        "",
        "--etcd-compaction-interval=5m",
    ),
    Usual(
        "endpoints",
        ("endpoints", "endpointslices"),
        "Addresses behind Services, written again with each change of a pod: a crash loop makes much history.",
        "Find the Service with pods that come and go (the hottest keys name it), and let changes wait for one another.",
        "",
        "--endpointslice-updates-batch-period=1s, --endpoint-updates-batch-period=1s",
    ),
    Usual(
        "cilium",
        ("*.cilium.io",),
        "Cilium's identities and endpoints: an identity for each set of labels that pods have.",
        "Leave labels that differ from pod to pod out of identities, and let endpoints share objects. Its operator"
        " removes what is unused: never delete these by hand.",
        "",
        "labels (identity-relevant), enable-cilium-endpoint-slice: true",
    ),
    Usual(
        "configmaps",
        ("configmaps",),
        "ConfigMaps; much history of few of them is an old controller that elects its leader there.",
        "Update that controller to one that uses a Lease (the hottest keys name it). Large ones hold charts, dashboards"
        " or certificates: see the largest keys.",
        _LIST,
    ),
    Usual(
        "cert-manager",
        ("certificaterequests.cert-manager.io", "orders.acme.cert-manager.io", "challenges.acme.cert-manager.io"),
        "Requests of cert-manager, one for each issuance, with orders and challenges that belong to it.",
        "Keep fewer requests of each Certificate, and see why certificates are issued again and again.",
        _LIST,
        "Certificate spec.revisionHistoryLimit: 1",
    ),
    Usual(
        "rancher",
        ("*.cattle.io", "*.longhorn.io"),
        "Objects of Rancher, Fleet or Longhorn: tokens, bundles, snapshots, backups.",
        "Let tokens expire (auth-token-max-ttl-minutes), and let Longhorn's recurring jobs retain fewer snapshots and"
        " backups. Delete through their own interface, which removes what belongs to them.",
        _LIST,
    ),
    Usual(
        "managed-fields",
        (),
        "managedFields, in which the API server keeps who has set each field, take much of the live data.",
        "Have controllers apply fewer fields, under one name and less often; they come back with each write.",
    ),
    Usual(
        "history",
        (),
        "Most of it is history, values that were replaced or deleted: nobody compacts often enough, or something"
        " writes very much.",
        "Have the history compacted every five minutes by the API servers, or by etcd itself"
        " (--auto-compaction-retention; controlplane.etcd.harden sets it), and see the hottest keys for who writes.",
        "",
        "--etcd-compaction-interval=5m",
    ),
    Usual(
        "other-keys",
        (),
        "Keys that are not the API server's: of a network, a backup or somebody who tried something out.",
        "Find out whose they are; etcd of a control plane should hold nothing else.",
    ),
    Usual(
        "anything-else",
        (),
        "Not one of the usual consumers.",
        "See how many there are, how old, and who makes them; let that operator keep fewer.",
        _LIST,
    ),
)

__all__ = ("REPORTS_OF_POLICIES", "REPORTS_OF_SCANNERS", "USUAL", "Usual")
