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

/// What is said of a pod with this in its spec, of an account that allows one secret of each kind.
fn refusal(metadata: &Value, spec: Value) -> String {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
    let account = json!({"metadata": {"name": "default",
        "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}},
        "secrets": [{"name": "mine"}], "imagePullSecrets": [{"name": "pull"}]});
    client.created("/api/v1/namespaces/a/serviceaccounts", &account);
    let mut pod = json!({"metadata": metadata, "spec": spec});
    if pod["spec"].get("containers").is_none() {
        pod["spec"]["containers"] = json!([container("c")]);
    }
    let refused = client.send(&Method::POST, "/api/v1/namespaces/a/pods", &pod).err();
    refused.unwrap_or_default().replace("pods \"p\" is forbidden: ", "")
}

fn with_variables(name: &str, secret: &str) -> Value {
    let from = json!({"secretKeyRef": {"name": secret, "key": "k"}});
    json!({"name": name, "image": "i", "env": [{"name": "V", "valueFrom": from}]})
}

fn with_all_variables(name: &str, secret: &str) -> Value {
    json!({"name": name, "image": "i", "envFrom": [{"secretRef": {"name": secret}}]})
}

#[test]
fn an_account_may_say_which_secrets_its_pods_name() {
    let not = |what: &str| {
        format!(
            "{what} is not allowed because service account default does not reference that secret"
        )
    };
    let volume = |name: &str| json!([{"name": "v", "secret": {"secretName": name}}]);
    let table = [
        (json!({"volumes": volume("mine")}), String::new()),
        (
            json!({"volumes": volume("other")}),
            not("volume with secret.secretName=\"other\""),
        ),
        (json!({"containers": [with_variables("c", "mine")]}), String::new()),
        (
            json!({"containers": [with_variables("c", "other")]}),
            not("container c with envVar V referencing secret.secretName=\"other\""),
        ),
        (
            json!({"containers": [container("c")], "initContainers": [with_all_variables("i", "other")]}),
            not("init container i with envFrom referencing secret.secretName=\"other\""),
        ),
        (
            json!({"imagePullSecrets": [{"name": "pull"}, {"name": "other"}]}),
            "imagePullSecrets[1].name=\"other\" is not allowed because service account default does not reference that imagePullSecret".to_owned(),
        ),
    ];
    for (spec, expected) in table {
        assert_eq!(refusal(&json!({"name": "p"}), spec.clone()), expected, "{spec}");
    }
}

#[test]
fn ephemeral_containers_are_held_to_the_same_secrets() {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
    let account = json!({"metadata": {"name": "default",
        "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}});
    client.created("/api/v1/namespaces/a/serviceaccounts", &account);
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [container("c")]}});
    let mut pod = client.created("/api/v1/namespaces/a/pods", &pod);

    pod["spec"]["ephemeralContainers"] = json!([with_variables("e", "other")]);
    let path = "/api/v1/namespaces/a/pods/p/ephemeralcontainers";
    let refused = client.send(&Method::PUT, path, &pod).unwrap_err();

    let why = "ephemeral container e with envVar V referencing secret.secretName=\"other\" is not allowed";
    assert!(refused.contains(why), "{refused}");
}

#[test]
fn a_mirror_pod_names_no_account_no_secret_and_no_token() {
    let metadata = json!({"name": "p", "annotations": {MIRROR: "a"}});
    let token = json!({"serviceAccountToken": {"path": "token"}});
    let table = [
        (json!({}), ""),
        (
            json!({"serviceAccountName": "default"}),
            "a mirror pod may not reference service accounts",
        ),
        (json!({"imagePullSecrets": [{"name": "s"}]}), "a mirror pod may not reference secrets"),
        (
            json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
            "a mirror pod may not reference secrets",
        ),
        (
            json!({"containers": [with_variables("c", "s")]}),
            "a mirror pod may not reference secrets",
        ),
        (
            json!({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]}),
            "a mirror pod may not reference secrets",
        ),
        (
            json!({"volumes": [{"name": "v", "projected": {"sources": [token]}}]}),
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ];
    for (mut spec, expected) in table {
        spec["nodeName"] = json!("n");
        assert_eq!(refusal(&metadata, spec.clone()), expected, "{spec}");
    }
}
