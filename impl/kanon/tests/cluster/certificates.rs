//! Requests for certificates: every verb, the approval and the status, as the official conformance test asks
//! for them; and what the cluster's own signers make of them.

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::Api;
use kube::api::{WatchEvent, WatchParams};
use kube::config::Kubeconfig;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::components::components_of;
use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_certificate_signing_request_is_all_that_it_says_in_discovery", operations),
        trial("an_approved_request_is_signed_and_its_certificate_is_who_it_says", client_signer),
        trial("a_kubelet_is_approved_and_signed_without_anybodys_help", kubelet_signer),
        trial("what_a_signer_does_not_sign_has_failed", refused_by_signer),
        trial("a_kubelet_of_another_cluster_is_approved_and_signed_there", approved_elsewhere),
    ]
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

/// A request for a certificate of this user in this group, with the key that it is for.
fn request_of(
    (user, group): (&str, &str),
    (signer, usages): (&str, &[&str]),
) -> Result<(Value, String), Failed> {
    let mut params = rcgen::CertificateParams::default();
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::OrganizationName, group);
    name.push(rcgen::DnType::CommonName, user);
    params.distinguished_name = name;
    let key = rcgen::KeyPair::generate()?;
    let pem = params.serialize_request(&key)?.pem()?;
    let spec = json!({"request": base64_of(&pem), "usages": usages,
        "signerName": format!("kubernetes.io/{signer}")});
    Ok((json!({"metadata": {"name": user.replace(':', "-")}, "spec": spec}), key.serialize_pem()))
}

fn base64_of(text: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
}

async fn approve(raw: &Raw, path: &str) -> Outcome {
    let mut found = raw.get(path).await?;
    found["status"] = json!({"conditions": []});
    add_condition(&mut found, "Approved");
    raw.put(&format!("{path}/approval"), &found).await?;
    Ok(())
}

/// The certificate that a request gets, as base64 of its PEM.
async fn signed(raw: &Raw, path: &str) -> Result<String, Failed> {
    eventually("a certificate", || async {
        let found = raw.get(path).await?;
        Ok(found["status"]["certificate"].as_str().map(str::to_owned))
    })
    .await
}

/// Who the API server says that the bearer of a certificate is.
async fn whoami(cluster: &Cluster, certificate: &str, key: &str) -> Result<Value, Failed> {
    let mut kubeconfig = Kubeconfig::read_from(cluster.kubeconfig())?;
    for named in &mut kubeconfig.auth_infos {
        let info = named.auth_info.get_or_insert_default();
        info.client_certificate_data = Some(certificate.to_owned());
        info.client_key_data = Some(base64_of(key).into());
    }
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let raw = Raw(kube::Client::try_from(config)?);
    let review = raw.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await?;
    Ok(review["status"]["userInfo"].clone())
}

async fn client_signer() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    let usages = ["client auth", "digital signature"];
    let (request, key) = request_of(("ada", "authors"), ("kube-apiserver-client", &usages))?;
    raw.post(REQUESTS, &request).await?;
    let path = format!("{REQUESTS}/ada");

    approve(&raw, &path).await?;
    let certificate = signed(&raw, &path).await?;

    let user = whoami(&cluster, &certificate, &key).await?;
    let groups = user["groups"].as_array().into_iter().flatten();
    let is_author = groups.into_iter().any(|group| group == "authors");
    ensure(user["username"] == "ada" && is_author, user)
}

async fn kubelet_signer() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    let who = ("system:node:machine", "system:nodes");
    let usages = ["client auth", "digital signature"];
    let (request, key) = request_of(who, ("kube-apiserver-client-kubelet", &usages))?;
    raw.post(REQUESTS, &request).await?;
    let path = format!("{REQUESTS}/system-node-machine");

    let certificate = signed(&raw, &path).await?;

    let found = raw.get(&path).await?;
    let condition = &found["status"]["conditions"][0];
    ensure(condition["type"] == "Approved" && condition["reason"] == "AutoApproved", condition)?;
    let user = whoami(&cluster, &certificate, &key).await?;
    ensure(user["username"] == "system:node:machine", user)
}

/// Controllers of somebody else's API server have no key to sign with.
async fn approved_elsewhere() -> Outcome {
    let cluster = Cluster::simulated(&["--components", "api-server"])?;
    let _components = components_of(&cluster)?;
    let raw = Raw(cluster.client().await?);
    let usages = ["client auth", "digital signature"];
    let signer = ("kube-apiserver-client-kubelet", &usages[..]);
    let (request, _) = request_of(("system:node:machine", "system:nodes"), signer)?;
    raw.post(REQUESTS, &request).await?;

    let found = eventually("an approval", || async {
        let found = raw.get(&format!("{REQUESTS}/system-node-machine")).await?;
        let is_approved = found["status"]["conditions"][0]["type"] == "Approved";
        Ok(is_approved.then_some(found))
    })
    .await?;

    ensure(found["status"]["conditions"][0]["reason"] == "AutoApproved", &found)?;
    ensure(found["status"].get("certificate").is_none(), &found)
}

async fn refused_by_signer() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    let (request, _) = request_of(("ada", "authors"), ("kube-apiserver-client", &["server auth"]))?;
    raw.post(REQUESTS, &request).await?;
    let path = format!("{REQUESTS}/ada");

    approve(&raw, &path).await?;
    let failed = eventually("the condition Failed", || async {
        let found = raw.get(&path).await?;
        let mut conditions = found["status"]["conditions"].as_array().into_iter().flatten();
        Ok(conditions.find(|condition| condition["type"] == "Failed").cloned())
    })
    .await?;

    let why = "invalid usage for client certificate: server auth";
    let is_told = failed["reason"] == "SignerValidationFailure" && failed["message"] == why;
    ensure(is_told, &failed)?;
    ensure(raw.get(&path).await?["status"].get("certificate").is_none(), "nothing is signed")
}
