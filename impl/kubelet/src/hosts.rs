//! The file of hosts of a pod's containers.
//!
//! Source: `ensureHostsFile` of pkg/kubelet/kubelet_pods.go (v1.36).

use api::Key;
use k8s_openapi::api::core::v1::Pod;

use crate::runtime::HostsFile;
use crate::spec;

/// The domain of the cluster's names, upstream's default.
const CLUSTER_DOMAIN: &str = "cluster.local";

const MANAGED: &str = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n\
     ::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\n\
     fe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n";
const MANAGED_ON_NODE: &str = "# Kubernetes-managed hosts file (host network).\n";

/// The name of a pod inside.
pub(crate) fn hostname(pod: &Pod) -> String {
    let given = spec::spec(pod).hostname.clone();
    given.unwrap_or_else(|| Key::of(&pod.metadata).name.chars().take(63).collect())
}

/// What containers read of hosts whose pod has this address: itself, and those that it names (`hostAliases`).
pub(crate) fn hosts(pod: &Pod, address: &str) -> HostsFile {
    let with_nodes = spec::is_host_network(pod);
    let first = match with_nodes {
        true => MANAGED_ON_NODE.to_owned(),
        false => format!("{MANAGED}{address}\t{}\n", names(pod)),
    };
    HostsFile { first, with_nodes, last: aliases(pod) }
}

/// The pod's names: that in the domain of its Service, if it has one, before that without.
fn names(pod: &Pod) -> String {
    let name = hostname(pod);
    let subdomain = spec::spec(pod).subdomain.as_deref().filter(|name| !name.is_empty());
    let Some(subdomain) = subdomain else { return name };
    let namespace = Key::of(&pod.metadata).namespace;
    format!("{name}.{subdomain}.{namespace}.svc.{CLUSTER_DOMAIN}\t{name}")
}

fn aliases(pod: &Pod) -> String {
    let aliases = spec::spec(pod).host_aliases.as_deref().unwrap_or_default();
    if aliases.is_empty() {
        return String::new();
    }
    let line =
        |(address, names): (&String, &[String])| format!("{address}\t{}\n", names.join("\t"));
    let lines =
        aliases.iter().map(|one| line((&one.ip, one.hostnames.as_deref().unwrap_or_default())));
    format!("\n# Entries added by HostAliases.\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn file(spec: Value) -> HostsFile {
        let metadata = json!({"name": "web-0", "namespace": "default"});
        hosts(
            &serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap(),
            "10.0.0.9",
        )
    }

    #[test]
    fn a_pod_finds_itself_by_its_names() {
        let plain = file(json!({"containers": []}));
        let of_service = file(json!({"containers": [], "hostname": "db", "subdomain": "dbs"}));

        assert_eq!(plain.first, format!("{MANAGED}10.0.0.9\tweb-0\n"));
        let names = "db.dbs.default.svc.cluster.local\tdb";
        assert_eq!(of_service.first, format!("{MANAGED}10.0.0.9\t{names}\n"));
        assert_eq!((plain.with_nodes, plain.last.as_str()), (false, ""));
    }

    #[test]
    fn a_pod_on_the_nodes_network_finds_what_the_node_does_and_its_aliases() {
        let aliases = json!([{"ip": "1.2.3.4", "hostnames": ["a", "b"]}, {"ip": "5.6.7.8"}]);

        let found = file(json!({"containers": [], "hostNetwork": true, "hostAliases": aliases}));

        assert_eq!((found.first.as_str(), found.with_nodes), (MANAGED_ON_NODE, true));
        assert_eq!(found.last, "\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n5.6.7.8\t\n");
    }
}
