//! Requests for certificates: every verb, the approval and the status. The official conformance test.

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::Api;
use kube::api::{WatchEvent, WatchParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("a_certificate_signing_request_is_all_that_it_says_in_discovery", operations)]
}

const GROUP: &str = "/apis/certificates.k8s.io";
const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const OF_TRIAL: &str = "labelSelector=of%3Dtrial";

/// Conformance: Certificates API [Privileged:ClusterAdmin] should support CSR API operations
async fn operations() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    discovery(&raw).await?;
    let mut made = vec![];
    for _ in 0..3 {
        made.push(raw.post(REQUESTS, &request()?).await?);
    }
    let name = made[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let path = format!("{REQUESTS}/{name}");
    let found = raw.get(&path).await?;
    let is_it = found["metadata"]["uid"] == made[0]["metadata"]["uid"]
        && found["spec"]["expirationSeconds"] == 3600;
    ensure(is_it, &found)?;
    ensure(count(&raw).await? == 3, "three are there")?;

    watch(&cluster, &raw, &path).await?;
    approval(&raw, &path).await?;
    status(&raw, &path).await?;

    raw.delete(&path).await?;
    let (code, why) = raw.refused("GET", &path, &Value::Null).await?;
    ensure(code == 404 && count(&raw).await? == 2, why)?;
    raw.delete(&format!("{REQUESTS}?{OF_TRIAL}")).await?;
    ensure(count(&raw).await? == 0, "all are gone")
}

async fn count(raw: &Raw) -> Result<usize, Failed> {
    let list = raw.get(&format!("{REQUESTS}?{OF_TRIAL}")).await?;
    Ok(list["items"].as_array().map_or(0, Vec::len))
}

fn request() -> Result<Value, Failed> {
    let key = rcgen::KeyPair::generate()?;
    let params = rcgen::CertificateParams::new(vec!["trial".to_owned()])?;
    let pem = params.serialize_request(&key)?.pem()?;
    let pem = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    let spec = json!({"request": pem, "signerName": "example.com/trial", "expirationSeconds": 3600,
        "usages": ["digital signature", "key encipherment", "server auth"]});
    Ok(json!({"metadata": {"generateName": "trial-", "labels": {"of": "trial"}}, "spec": spec}))
}

async fn discovery(raw: &Raw) -> Outcome {
    let groups = raw.get("/apis").await?;
    let mut names = groups["groups"].as_array().into_iter().flatten();
    ensure(names.any(|group| group["name"] == "certificates.k8s.io"), &groups)?;
    let group = raw.get(GROUP).await?;
    let mut versions = group["versions"].as_array().into_iter().flatten();
    ensure(versions.any(|it| it["groupVersion"] == "certificates.k8s.io/v1"), &group)?;
    let resources = raw.get(&format!("{GROUP}/v1")).await?;
    let whole =
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let part = &["get", "patch", "update"];
    for (name, verbs) in [("", &whole[..]), ("/approval", part), ("/status", part)] {
        let name = format!("certificatesigningrequests{name}");
        let mut served = resources["resources"].as_array().into_iter().flatten();
        let served = served.find(|resource| resource["name"] == name);
        let served = served.and_then(|resource| resource["verbs"].as_array());
        let has = |verb: &&str| served.into_iter().flatten().any(|found| found == verb);
        ensure(verbs.iter().all(has), format!("{name}: {served:?}"))?;
    }
    Ok(())
}

/// Changes are seen by who watches.
async fn watch(cluster: &Cluster, raw: &Raw, path: &str) -> Outcome {
    let list = raw.get(&format!("{REQUESTS}?{OF_TRIAL}")).await?;
    let start = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let requests: Api<CertificateSigningRequest> = Api::all(cluster.client().await?);
    let mut events =
        requests.watch(&WatchParams::default().labels("of=trial"), start).await?.boxed();

    let patch = json!({"metadata": {"annotations": {"patched": "true"}}});
    let mut patched = raw.patch(path, &patch).await?;
    ensure(patched["metadata"]["annotations"]["patched"] == "true", &patched)?;
    patched["metadata"]["annotations"]["updated"] = json!("true");
    raw.put(path, &patched).await?;

    loop {
        match events.try_next().await?.ok_or("the watch ended")? {
            WatchEvent::Modified(request) => {
                let annotations = request.metadata.annotations.unwrap_or_default();
                if annotations.get("updated").is_some_and(|value| value == "true") {
                    return Ok(());
                }
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Added(_) | WatchEvent::Deleted(_) | WatchEvent::Error(_) => {
                return Err("nothing is added or deleted".into());
            }
        }
    }
}

async fn approval(raw: &Raw, path: &str) -> Outcome {
    let path = &format!("{path}/approval");
    let read = raw.get(path).await?;
    ensure(read["kind"] == "CertificateSigningRequest", &read)?;
    let condition = json!({"type": "ApprovalPatch", "status": "True", "reason": "trial"});
    let patch = json!({"metadata": {"annotations": {"patchedapproval": "true"}},
        "status": {"conditions": [condition]}});
    let mut patched = raw.patch(path, &patch).await?;
    let is_patched = patched["status"]["conditions"][0]["type"] == "ApprovalPatch"
        && patched["metadata"]["annotations"]["patchedapproval"] == "true";
    ensure(is_patched, &patched)?;
    add_condition(&mut patched, "Approved");
    let updated = raw.put(path, &patched).await?;
    ensure(updated["status"]["conditions"][1]["type"] == "Approved", &updated)
}

async fn status(raw: &Raw, path: &str) -> Outcome {
    let path = &format!("{path}/status");
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec!["trial".to_owned()])?.self_signed(&key)?;
    let engine = base64::engine::general_purpose::STANDARD;
    let certificate = base64::Engine::encode(&engine, certificate.pem());
    let read = raw.get(path).await?;
    ensure(read["kind"] == "CertificateSigningRequest", &read)?;
    let patch = json!({"metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"certificate": certificate}});
    let mut patched = raw.patch(path, &patch).await?;
    let is_patched = patched["status"]["certificate"] == certificate
        && patched["metadata"]["annotations"]["patchedstatus"] == "true";
    ensure(is_patched, &patched)?;
    add_condition(&mut patched, "StatusUpdate");
    let updated = raw.put(path, &patched).await?;
    let conditions = updated["status"]["conditions"].as_array().into_iter().flatten();
    let types: Vec<_> = conditions.map(|condition| condition["type"].clone()).collect();
    ensure(types == ["ApprovalPatch", "Approved", "StatusUpdate"], &updated)
}

fn add_condition(request: &mut Value, name: &str) {
    let conditions = request["status"]["conditions"].as_array_mut();
    let condition = json!({"type": name, "status": "True", "reason": "trial", "message": "trial"});
    conditions.into_iter().for_each(|conditions| conditions.push(condition.clone()));
}
