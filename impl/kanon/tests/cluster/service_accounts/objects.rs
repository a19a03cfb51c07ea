//! Service accounts in the API.

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::{WatchEvent, WatchParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::{ACCOUNTS, acting_as, who};
use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_service_account_is_watched_patched_listed_and_deleted", lifecycle),
        trial("a_service_account_is_updated", update),
        trial("a_token_of_a_service_account_is_known_by_a_review", review),
        trial("every_namespace_knows_the_authority_of_the_cluster", root_ca),
        trial("a_token_is_mounted_unless_pod_or_account_opts_out", automount),
        trial("what_is_said_of_a_service_account_is_what_it_may_do", access),
    ]
}

async fn raw(cluster: &Cluster) -> Result<Raw, Failed> {
    Ok(Raw(cluster.client().await?))
}

/// Conformance: ServiceAccounts should run through the lifecycle of a ServiceAccount
async fn lifecycle() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = raw(&cluster).await?;
    let start = raw.get(ACCOUNTS).await?["metadata"]["resourceVersion"].clone();
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client().await?, "default");
    let params = WatchParams::default().labels("static=true");
    let mut events = accounts.watch(&params, start.as_str().unwrap_or_default()).await?.boxed();

    let account = json!({"metadata": {"name": "robot", "labels": {"static": "true"}}});
    raw.post(ACCOUNTS, &account).await?;
    let path = format!("{ACCOUNTS}/robot");
    let patch = json!({"automountServiceAccountToken": false});
    let patched = raw.patch(&path, &patch).await?;
    ensure(patched["automountServiceAccountToken"] == false, &patched)?;
    let list = raw.get("/api/v1/serviceaccounts?labelSelector=static%3Dtrue").await?;
    let found = list["items"].as_array().into_iter().flatten();
    let found: Vec<_> = found.map(|it| &it["automountServiceAccountToken"]).collect();
    ensure(found == [&json!(false)], format!("{found:?}"))?;
    raw.delete(&path).await?;

    let mut seen = vec![];
    while seen.len() < 3 {
        seen.push(match events.try_next().await?.ok_or("the watch ended")? {
            WatchEvent::Added(account) => ("ADDED", account.metadata.name),
            WatchEvent::Modified(account) => ("MODIFIED", account.metadata.name),
            WatchEvent::Deleted(account) => ("DELETED", account.metadata.name),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(error) => return Err(error.to_string().into()),
        });
    }
    let expected = ["ADDED", "MODIFIED", "DELETED"].map(|event| (event, Some("robot".to_owned())));
    ensure(seen == expected, format!("{seen:?}"))
}

/// Conformance: ServiceAccounts should update a ServiceAccount
async fn update() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = raw(&cluster).await?;
    let mut account = raw.post(ACCOUNTS, &json!({"metadata": {"name": "robot"}})).await?;

    account["automountServiceAccountToken"] = json!(true);
    raw.put(&format!("{ACCOUNTS}/robot"), &account).await?;

    let account = raw.get(&format!("{ACCOUNTS}/robot")).await?;
    ensure(account["automountServiceAccountToken"] == true, account)
}

/// A token of an account that is made for it.
async fn token(raw: &Raw, account: &str) -> Result<String, Failed> {
    raw.post(ACCOUNTS, &json!({"metadata": {"name": account}})).await?;
    let path = format!("{ACCOUNTS}/{account}/token");
    let answer = raw.post(&path, &json!({"spec": {}})).await?;
    Ok(answer["status"]["token"].as_str().unwrap_or_default().to_owned())
}

/// Conformance: ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview
async fn review() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = raw(&cluster).await?;
    let token = token(&raw, "robot").await?;
    ensure(!token.is_empty(), "the token is empty")?;

    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let review = raw.post(path, &json!({"spec": {"token": token}})).await?;

    let status = &review["status"];
    let is_known = status["authenticated"] == true
        && status.get("error").is_none()
        && status["user"]["username"] == "system:serviceaccount:default:robot";
    ensure(is_known, &review)
}

/// Conformance: ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace
async fn root_ca() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = raw(&cluster).await?;
    raw.post("/api/v1/namespaces", &json!({"metadata": {"name": "new"}})).await?;
    let path = "/api/v1/namespaces/new/configmaps/kube-root-ca.crt";
    let certificate = || async {
        let map = raw.get(path).await?;
        let text = map["data"]["ca.crt"].as_str().unwrap_or_default();
        Ok(text.starts_with("-----BEGIN CERTIFICATE-----").then(|| map.clone()))
    };

    let map = eventually("it is made", certificate).await?;
    raw.delete(path).await?;
    let again = eventually("it is made again", certificate).await?;
    raw.patch(path, &json!({"data": {"ca.crt": null, "other": "a"}})).await?;
    let reconciled = eventually("it is as it was", certificate).await?;

    let is_other = again["metadata"]["uid"] != map["metadata"]["uid"];
    ensure(is_other && reconciled["data"] == map["data"], &reconciled)
}

/// Conformance: ServiceAccounts should allow opting out of API token automount
async fn automount() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let raw = raw(&cluster).await?;
    let ways = [("default", Value::Null), ("mount", json!(true)), ("nomount", json!(false))];
    for (name, automount) in &ways {
        let account = json!({"metadata": {"name": format!("{name}-account")},
            "automountServiceAccountToken": automount});
        raw.post(ACCOUNTS, &account).await?;
    }
    let pods = "/api/v1/namespaces/default/pods";
    for (account, of_account) in &ways {
        for (name, of_pod) in &ways {
            let pod = json!({"metadata": {"name": format!("{account}-{name}")}, "spec": {
                "serviceAccountName": format!("{account}-account"),
                "automountServiceAccountToken": of_pod,
                "containers": [{"name": "c", "image": "busybox:1.35"}]}});

            let pod = raw.post(pods, &pod).await?;

            let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array();
            let is_mounted = mounts
                .into_iter()
                .flatten()
                .any(|mount| mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount");
            let said = of_pod.as_bool().or(of_account.as_bool());
            ensure(is_mounted == said.unwrap_or(true), &pod)?;
        }
    }
    Ok(())
}

/// Conformance: SubjectReview should support SubjectReview API operations
async fn access() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = raw(&cluster).await?;
    raw.post(ACCOUNTS, &json!({"metadata": {"name": "robot"}})).await?;
    let robot = acting_as(&cluster, "system:serviceaccount:default:robot").await?;
    let user = who(&robot).await?;
    let attributes =
        json!({"verb": "list", "resource": "configmaps", "namespace": "default", "version": "v1"});
    let spec = json!({"resourceAttributes": attributes, "user": user["username"],
        "groups": user["groups"], "uid": user["uid"]});

    let is_allowed = robot.get("/api/v1/namespaces/default/configmaps").await.is_ok();

    let group = "/apis/authorization.k8s.io/v1";
    for (path, metadata) in [
        ("subjectaccessreviews", json!({})),
        ("namespaces/default/localsubjectaccessreviews", json!({"namespace": "default"})),
    ] {
        let review = json!({"metadata": metadata, "spec": spec});
        let review = raw.post(&format!("{group}/{path}"), &review).await?;
        ensure(review["status"]["allowed"] == is_allowed, &review)?;
    }
    ensure(user["username"] == "system:serviceaccount:default:robot", user)
}
