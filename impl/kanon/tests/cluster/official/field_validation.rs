//! Fields that are not known or are there twice.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use super::client::{APPLY, Api, MERGE};
use super::official;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "FieldValidation should detect unknown and duplicate fields of a typed object",
            typed,
        ),
        official(
            "FieldValidation should detect unknown metadata fields of a typed object",
            metadata,
        ),
    ]
}

const STRICT: &str = "fieldValidation=Strict";

fn deployment(more: &str, replicas: &str, metadata: &str) -> String {
    format!(
        r#"{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{"name": "tried", {metadata}
        "labels": {{"app": "a"}}}}, "spec": {{{more} {replicas} "selector": {{"matchLabels": {{"app": "a"}}}},
        "template": {{"metadata": {{"labels": {{"app": "a"}}}}, "spec": {{"containers":
        [{{"name": "c", "image": "busybox:1.35"}}]}}}}}}}}"#
    )
}

/// Sends text as it is, so that it can say things twice.
async fn send(
    api: &Api,
    method: Method,
    path: &str,
    kind: &str,
    body: &str,
) -> Result<(u16, String), Failed> {
    use http_body_util::BodyExt;
    let root = api.all("apps/v1", "deployments").path;
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{root}{path}"))
        .header("content-type", kind)
        .body(kube::client::Body::from(body.as_bytes().to_vec()))?;
    let response = api.client.send(request).await?;
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    let answer: Value = serde_json::from_slice(&bytes)?;
    Ok((code, answer["message"].as_str().unwrap_or_default().to_owned()))
}

async fn typed(api: Api) -> Outcome {
    let wrong = deployment(r#""unknown": "x","#, r#""replicas": 1, "replicas": 2,"#, "");
    let json = "application/json";
    let (code, told) = send(&api, Method::POST, &format!("?{STRICT}"), json, &wrong).await?;
    let names_both = |told: &str| told.contains("spec.unknown") && told.contains("spec.replicas");
    ensure(code == 400 && names_both(&told), format!("{code} {told}"))?;

    let (code, told) = send(&api, Method::POST, "", json, &deployment("", "", "")).await?;
    ensure(code == 201, told)?;
    let (code, told) = send(&api, Method::PUT, &format!("/tried?{STRICT}"), json, &wrong).await?;
    ensure(code == 400 && names_both(&told), format!("{code} {told}"))?;
    let patch = r#"{"spec": {"unknown": "x", "replicas": 1, "replicas": 2}}"#;
    for kind in [MERGE, super::client::STRATEGIC] {
        let (code, told) =
            send(&api, Method::PATCH, &format!("/tried?{STRICT}"), kind, patch).await?;
        ensure(matches!(code, 400 | 422) && names_both(&told), format!("{kind}: {code} {told}"))?;
    }
    let path = format!("/tried?{STRICT}&fieldManager=a-trial");
    let (code, told) = send(&api, Method::PATCH, &path, APPLY, &wrong).await?;
    ensure(matches!(code, 400 | 500), format!("apply: {code} {told}"))
}

async fn metadata(api: Api) -> Outcome {
    let wrong = deployment("", "", r#""unknown": "x","#);
    let json = "application/json";
    let (code, told) = send(&api, Method::POST, &format!("?{STRICT}"), json, &wrong).await?;
    ensure(code == 400 && told.contains("metadata.unknown"), format!("{code} {told}"))?;
    let path = format!("/tried?{STRICT}&fieldManager=a-trial");
    let (code, told) = send(&api, Method::PATCH, &path, APPLY, &wrong).await?;
    ensure(matches!(code, 400 | 500) && told.contains("unknown"), format!("apply: {code} {told}"))
}
