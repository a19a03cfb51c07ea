//! Parts of volumes, several volumes in a pod, several containers with a volume.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::{unique, with_containers};
use super::{MODE, Printing, map, prints, projected, secret, shows};
use crate::support::{Outcome, ensure};

/// A part of a volume in a place of its own.
fn part(volume: Value, sub_path: &str, place: &str) -> Printing {
    let script = if place == "/etc/resolv.conf" { "cat /etc/resolv.conf" } else { "cat /part" };
    let mount = json!([{"name": "v", "mountPath": place, "subPath": sub_path}]);
    Printing::of(script, "value-1").with(volume).container("volumeMounts", mount)
}

pub(super) fn subpaths() -> Vec<Trial> {
    let of_map = || json!({"configMap": {"name": "map"}});
    vec![
        shows(
            "Subpath Atomic writer volumes should support subpaths with configmap pod",
            move || part(of_map(), "data-1", "/part").using("configmaps", map()),
        ),
        shows(
            "Subpath Atomic writer volumes should support subpaths with configmap pod with mountPath of \
             existing file",
            move || part(of_map(), "data-1", "/etc/resolv.conf").using("configmaps", map()),
        ),
        shows("Subpath Atomic writer volumes should support subpaths with secret pod", || {
            let volume = json!({"secret": {"secretName": "secret"}});
            part(volume, "data-1", "/part").using("secrets", secret())
        }),
        shows(
            "Subpath Atomic writer volumes should support subpaths with projected pod",
            move || part(projected(of_map()), "data-1", "/part").using("configmaps", map()),
        ),
        shows("Subpath Atomic writer volumes should support subpaths with downward pod", || {
            let items = json!([{"path": "dir/name", "fieldRef": {"fieldPath": "metadata.name"}}]);
            let mut printing = part(json!({"downwardAPI": {"items": items}}), "dir/name", "/part");
            printing.expected = "tried".to_owned();
            printing
        }),
        shows("EmptyDir wrapper volumes should not conflict", || {
            let volumes = json!([{"name": "s", "secret": {"secretName": "secret"}},
                {"name": "m", "configMap": {"name": "map"}}]);
            let mounts =
                json!([{"name": "s", "mountPath": "/s"}, {"name": "m", "mountPath": "/m"}]);
            let mut printing =
                Printing::of("cat /s/data-1; echo; cat /m/data-2", "value-1\nvalue-2")
                    .using("secrets", secret())
                    .using("configmaps", map())
                    .container("volumeMounts", mounts);
            printing.volumes = volumes;
            printing
        }),
        with_containers(
            "EmptyDir volumes pod should support shared volumes between containers",
            shared,
        ),
        with_containers(
            "Secrets should be able to mount in a volume regardless of a different secret existing with \
             same name in different namespace [NodeConformance]",
            of_another_namespace,
        ),
    ]
}

/// One container drops a file, the other waits for it.
async fn shared(api: Api) -> Outcome {
    let container = |name: &str, script: &str| {
        json!({"name": name, "image": "busybox:1.35", "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}]})
    };
    let sub = "sleep 1; echo hello > /v/new; mv /v/new /v/file; sleep 3600";
    let main = "until [ -e /v/file ]; do sleep 1; done; cat /v/file; sleep 3600";
    let spec = json!({"terminationGracePeriodSeconds": 0, "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [container("main", main), container("sub", sub)]});
    let pods = api.all("v1", "pods");
    pods.create(&json!({"metadata": {"name": "tried"}, "spec": spec})).await?;
    crate::support::eventually("the main container has read the file", || async {
        let log = api.read(&format!("{}/tried/log?container=main", pods.path)).await?;
        Ok((log.as_str().unwrap_or_default().trim() == "hello").then_some(()))
    })
    .await
}

async fn of_another_namespace(api: Api) -> Outcome {
    let other = Api { client: api.client.clone(), namespace: unique("official") };
    let namespaces = api.cluster_wide("v1", "namespaces");
    namespaces.create(&json!({"metadata": {"name": other.namespace}})).await?;
    let mut secret_there = secret();
    secret_there["stringData"] = json!({"data-1": "of another namespace"});
    other.all("v1", "secrets").create(&secret_there).await?;
    let printing = Printing::of(MODE, "value-1\n644")
        .using("secrets", secret())
        .with(json!({"secret": {"secretName": "secret"}}));
    prints(&api, &printing).await?;
    let deleted = namespaces.delete(&other.namespace, &Value::Null).await?;
    ensure(deleted["metadata"]["name"] == other.namespace, deleted)
}
