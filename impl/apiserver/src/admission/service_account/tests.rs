//! Pods and the tokens of their accounts.

use http::Method;

use super::*;
use crate::testing::Client;

/// The volumes and the mounts of each container of a pod, as it is created with this spec by an account.
fn created(account: Value, spec: Value) -> (Value, Vec<Value>) {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
    let mut account = account;
    account["metadata"] = json!({"name": "default"});
    client.created("/api/v1/namespaces/a/serviceaccounts", &account);
    let pod = json!({"metadata": {"generateName": "p-"}, "spec": spec});
    client.context.random = 14_348_907 * 2 + 1;
    let pod = client.send(&Method::POST, "/api/v1/namespaces/a/pods", &pod).expect("it is taken");
    assert_eq!(pod["metadata"]["name"], "p-cbbbb");
    let containers = ["initContainers", "containers"].into_iter();
    let containers = containers.filter_map(|list| pod["spec"][list].as_array()).flatten();
    let mounts = containers.map(|it| it["volumeMounts"].clone());
    (pod["spec"]["volumes"].clone(), mounts.collect())
}

fn container(name: &str) -> Value {
    json!({"name": name, "image": "i"})
}

fn mount_of(volume: &str) -> Value {
    json!({"name": volume, "readOnly": true, "mountPath": MOUNT_PATH})
}

#[test]
fn every_container_finds_a_token_whom_to_trust_and_its_namespace() {
    let spec = json!({"initContainers": [container("i")], "containers": [container("c")]});

    let (volumes, mounts) = created(json!({}), spec);

    let sources = json!([
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace",
            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]);
    let projected = json!({"defaultMode": 420, "sources": sources});
    assert_eq!(volumes, json!([{"name": "kube-api-access-dbbbb", "projected": projected}]));
    assert_eq!(mounts, vec![json!([mount_of("kube-api-access-dbbbb")]); 2]);
}

#[test]
fn a_pod_says_whether_it_wants_a_token_and_else_its_account_does() {
    let table = [
        (json!(null), json!(null), true),
        (json!(false), json!(null), false),
        (json!(false), json!(true), true),
        (json!(true), json!(false), false),
        (json!(null), json!(false), false),
    ];
    for (of_account, of_pod, expected) in table {
        let account = json!({"automountServiceAccountToken": of_account});
        let spec = json!({"containers": [container("c")], "automountServiceAccountToken": of_pod});

        let (volumes, mounts) = created(account, spec);

        let is_mounted = (volumes.is_array(), mounts[0].is_array());
        assert_eq!(is_mounted, (expected, expected), "{of_account} {of_pod}");
    }
}

#[test]
fn what_is_in_the_place_of_a_token_stays() {
    let own = json!([{"name": "own", "mountPath": MOUNT_PATH}]);
    let mut first = container("first");
    first["volumeMounts"] = own.clone();
    let spec = json!({"volumes": [{"name": "own", "emptyDir": {}}], "containers": [first]});
    let mut both = spec.clone();
    both["containers"] = json!([spec["containers"][0], container("second")]);

    let (alone, of_one) = created(json!({}), spec);
    let (volumes, mounts) = created(json!({}), both);

    assert_eq!((alone.as_array().map(Vec::len), &of_one), (Some(1), &vec![own.clone()]));
    assert_eq!(volumes.as_array().map(Vec::len), Some(2));
    assert_eq!(mounts, [own, json!([mount_of("kube-api-access-dbbbb")])]);
}

#[test]
fn a_volume_of_a_token_that_is_there_is_used() {
    let volume = json!({"name": "kube-api-access-own", "emptyDir": {}});
    let spec = json!({"volumes": [volume], "containers": [container("c")]});

    let (volumes, mounts) = created(json!({}), spec);

    assert_eq!(volumes, json!([volume]));
    assert_eq!(mounts, [json!([mount_of("kube-api-access-own")])]);
}
