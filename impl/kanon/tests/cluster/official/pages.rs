//! Lists in pages, and the forms in which they can be had.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection};
use super::crud::pod_template;
use super::official;
use crate::support::{Outcome, ensure};

/// How many objects there are, and how many a page has.
const OBJECTS: usize = 400;
const PAGE: usize = 40;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "Servers with support for API chunking should return chunks of results for list calls",
            in_pages,
        ),
        official(
            "Servers with support for Table transformation should return a 406 for a backend which does not \
             implement metadata",
            not_acceptable,
        ),
    ]
}

async fn fill(templates: &Collection) -> Outcome {
    for number in 0..OBJECTS {
        let mut template = pod_template();
        template["metadata"] = json!({"name": format!("template-{number:04}")});
        templates.create(&template).await?;
    }
    Ok(())
}

async fn page(templates: &Collection, token: &str) -> Result<Value, Failed> {
    let path = format!("{}?limit={PAGE}&continue={token}", templates.path);
    let (code, list) = templates.api.send(Method::GET, &path, &[], None).await?;
    ensure(code == 200, &list)?;
    Ok(list)
}

async fn in_pages(api: Api) -> Outcome {
    let templates = api.all("v1", "podtemplates");
    fill(&templates).await?;
    let first = page(&templates, "").await?;
    let version = first["metadata"]["resourceVersion"].clone();
    let (mut seen, mut list) = (0, first);
    loop {
        let items = list["items"].as_array().map_or(0, Vec::len);
        seen += items;
        ensure(items <= PAGE && list["metadata"]["resourceVersion"] == version, &list["metadata"])?;
        let remaining = list["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
        ensure(seen + remaining as usize == OBJECTS, &list["metadata"])?;
        match list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => list = page(&templates, token).await?,
            None => break,
        }
    }
    ensure(seen == OBJECTS, format!("{seen} are listed in pages"))?;
    let whole = templates.list("").await?.len();
    ensure(whole == OBJECTS, format!("{whole} are listed at once"))
}

/// A review is made and never listed, so there is no table of it.
async fn not_acceptable(api: Api) -> Outcome {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}});
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io"),
    ];
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (code, answer) = api.send(Method::POST, path, &headers, Some(&review)).await?;
    ensure(code == 406, format!("{code} {answer}"))
}
