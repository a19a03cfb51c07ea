//! What kube-controller-manager calls its controllers, and called them before.
//!
//! Source: cmd/kube-controller-manager/names/controller_names.go and the `aliases` beside them in
//! cmd/kube-controller-manager/app (v1.36).

/// The name of a controller of kube-controller-manager, by that name or an older one; `None` for others.
pub fn canonical(name: &str) -> Option<&'static str> {
    let older = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, canonical)| *canonical);
    older.or_else(|| UPSTREAM.iter().copied().find(|found| *found == name))
}

/// All of them, also those that are not here.
const UPSTREAM: [&str; 53] = [
    "bootstrap-signer-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cloud-node-lifecycle-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "ephemeral-volume-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "namespace-controller",
    "node-ipam-controller",
    "node-lifecycle-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-expander-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "podcertificaterequest-cleaner-controller",
    "podgroup-protection-controller",
    "replicaset-controller",
    "replicationcontroller-controller",
    "resourceclaim-controller",
    "resourcepoolstatusrequest-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "selinux-warning-controller",
    "service-ca-certificate-publisher-controller",
    "service-cidr-controller",
    "service-lb-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "storage-version-migrator-controller",
    "storageversion-garbage-collector-controller",
    "taint-eviction-controller",
    "token-cleaner-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

/// Older names.
const ALIASES: [(&str, &str); 43] = [
    ("daemonset", "daemonset-controller"),
    ("statefulset", "statefulset-controller"),
    ("replicaset", "replicaset-controller"),
    ("deployment", "deployment-controller"),
    ("horizontalpodautoscaling", "horizontal-pod-autoscaler-controller"),
    ("job", "job-controller"),
    ("cronjob", "cronjob-controller"),
    ("bootstrapsigner", "bootstrap-signer-controller"),
    ("tokencleaner", "token-cleaner-controller"),
    ("csrsigning", "certificatesigningrequest-signing-controller"),
    ("csrapproving", "certificatesigningrequest-approving-controller"),
    ("csrcleaner", "certificatesigningrequest-cleaner-controller"),
    ("root-ca-cert-publisher", "root-ca-certificate-publisher-controller"),
    ("service-ca-cert-publisher", "service-ca-certificate-publisher-controller"),
    ("service", "service-lb-controller"),
    ("nodeipam", "node-ipam-controller"),
    ("nodelifecycle", "node-lifecycle-controller"),
    ("cloud-node-lifecycle", "cloud-node-lifecycle-controller"),
    ("route", "node-route-controller"),
    ("persistentvolume-binder", "persistentvolume-binder-controller"),
    ("attachdetach", "persistentvolume-attach-detach-controller"),
    ("persistentvolume-expander", "persistentvolume-expander-controller"),
    ("ephemeral-volume", "ephemeral-volume-controller"),
    ("endpoint", "endpoints-controller"),
    ("replicationcontroller", "replicationcontroller-controller"),
    ("podgc", "pod-garbage-collector-controller"),
    ("resourcequota", "resourcequota-controller"),
    ("namespace", "namespace-controller"),
    ("serviceaccount", "serviceaccount-controller"),
    ("ttl", "ttl-controller"),
    ("garbagecollector", "garbage-collector-controller"),
    ("pvc-protection", "persistentvolumeclaim-protection-controller"),
    ("pv-protection", "persistentvolume-protection-controller"),
    ("ttl-after-finished", "ttl-after-finished-controller"),
    ("legacy-service-account-token-cleaner", "legacy-serviceaccount-token-cleaner-controller"),
    ("storage-version-gc", "storageversion-garbage-collector-controller"),
    ("endpointslice", "endpointslice-controller"),
    ("endpointslicemirroring", "endpointslice-mirroring-controller"),
    ("disruption", "disruption-controller"),
    ("clusterrole-aggregation", "clusterrole-aggregation-controller"),
    ("resource-claim-controller", "resourceclaim-controller"),
    ("serviceaccount-token", "serviceaccount-token-controller"),
    ("svm", "storage-version-migrator-controller"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What kube-controller-manager does not have.
    const OWN: &str = "local-path-provisioner";

    #[test]
    fn every_controller_has_the_name_that_it_has_upstream() {
        for name in crate::names() {
            assert!(UPSTREAM.contains(&name) || name == OWN, "{name}");
        }
    }

    #[test]
    fn every_older_name_is_of_a_controller() {
        for (alias, name) in ALIASES {
            assert_eq!(canonical(alias), Some(name));
            assert!(UPSTREAM.contains(&name), "{name}");
        }
        assert_eq!(canonical("replication-controller"), None);
    }
}
