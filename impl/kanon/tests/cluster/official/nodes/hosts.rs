//! The file of hosts in a container.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{container, pod, printed};
use crate::support::{Outcome, ensure};

pub(super) fn hosts() -> Vec<Trial> {
    vec![
        with_containers(
            "Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts \
             [NodeConformance]",
            has_aliases,
        ),
        with_containers(
            "KubeletManagedEtcHosts should test kubelet managed /etc/hosts file [NodeConformance]",
            is_managed,
        ),
    ]
}

const SHOW: &str = "cat /etc/hosts; echo end";
const MANAGED: &str = "# Kubernetes-managed hosts file.";

/// What is in the file of a pod of this spec, whose container is `main`.
async fn of(api: &Api, name: &str, spec: Value) -> Result<String, libtest_mimic::Failed> {
    let mut spec = spec;
    spec["restartPolicy"] = json!("Never");
    api.all("v1", "pods").create(&pod(name, spec)).await?;
    printed(api, (name, "main"), |log| log.ends_with("end\n")).await
}

async fn has_aliases(api: Api) -> Outcome {
    let aliases = json!([{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}]);
    let spec = json!({"containers": [container("main", SHOW)], "hostAliases": aliases});
    let file = of(&api, "tried", spec).await?;
    ensure(file.contains("\n123.45.67.89\tfoo\tbar\n"), format!("in it: {file}"))
}

async fn is_managed(api: Api) -> Outcome {
    let own = of(&api, "own", json!({"containers": [container("main", SHOW)]})).await?;
    let mut mounting = container("main", SHOW);
    mounting["volumeMounts"] = json!([{"name": "hosts", "mountPath": "/etc/hosts"}]);
    let volume = json!({"name": "hosts", "hostPath": {"path": "/etc/hosts", "type": "File"}});
    let mounted = json!({"containers": [mounting], "volumes": [volume]});
    let mounted = of(&api, "mounted", mounted).await?;
    let on_host = json!({"containers": [container("main", SHOW)], "hostNetwork": true});
    let on_host = of(&api, "on-host", on_host).await?;
    ensure(own.starts_with(MANAGED), format!("of a pod: {own}"))?;
    ensure(!mounted.contains(MANAGED), format!("of the node, mounted: {mounted}"))?;
    ensure(!on_host.contains(MANAGED), format!("of a pod on the node's network: {on_host}"))
}
