//! How the documents are sent: in the form that is accepted, with tags, and for good where a hash is asked for.
//!
//! Source: kube-openapi/pkg/handler/handler.go and handler3/handler.go, as of Kubernetes v1.36.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use api::Status;
use http::header::{CACHE_CONTROL, EXPIRES, LOCATION, VARY};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{document, roots, v2, v3};
use crate::accept::media_types;
use crate::call::{Call, Response};
use crate::entity_tag::{self, not_modified, tagged};

#[cfg(test)]
mod tests;

const JSON: &str = "application/json";

/// Version 2 in protobuf, as it is answered, and as clients of old ask for it.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const PROTOBUF_DEPRECATED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// Version 3 in protobuf, likewise.
const PROTOBUF_V3: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
const PROTOBUF_V3_DEPRECATED: &str = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";

/// `/openapi/v3`: where the document of each group and version is.
pub(crate) fn index(call: &Call) -> Response {
    let entries = tags()
        .iter()
        .map(|(root, tag)| (root.clone(), json!({"serverRelativeURL": address(root, tag)})));
    let response = Response::json(200, &json!({"paths": entries.collect::<Value>()}));
    let tag = entity_tag::of(&response.body);
    not_modified(call, &tag).unwrap_or_else(|| tagged(response, &tag))
}

/// `/openapi/v3/apis/apps/v1`: the document below that path.
pub(crate) fn version_3(root: &str, call: &Call, now: Timestamp) -> Result<Response, Status> {
    let tag = tags().get(root).ok_or_else(Status::no_such_path)?;
    let Some(form) = form(call, [JSON, PROTOBUF_V3, PROTOBUF_V3_DEPRECATED]) else {
        return Ok(not_acceptable());
    };
    let whole = || not_modified(call, tag).unwrap_or_else(|| whole(root, form, tag));
    match call.parameter("hash") {
        "" => Ok(whole()),
        hash if hash == tag => {
            let mut response = whole();
            let in_a_year = now + SignedDuration::from_hours(365 * 24);
            let expires = in_a_year.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
            let for_good = (CACHE_CONTROL, "public, immutable".to_owned());
            response.headers.extend([for_good, (EXPIRES, expires)]);
            Ok(response)
        }
        _ => {
            let mut response = tagged(Response::bytes(301, JSON, vec![]), tag);
            response.headers.push((LOCATION, address(root, tag)));
            Ok(response)
        }
    }
}

/// `/openapi/v2`: one document of everything.
pub(crate) fn version_2(call: &Call) -> Response {
    let form = form(call, [JSON, PROTOBUF_DEPRECATED, PROTOBUF]);
    let Some(form) = form else { return not_acceptable() };
    static TAG: OnceLock<String> = OnceLock::new();
    let tag = TAG.get_or_init(|| entity_tag::of(v2::document_v2().to_string().as_bytes()));
    if let Some(response) = not_modified(call, tag) {
        return response;
    }
    let document = v2::document_v2();
    let response = match form {
        JSON => Response::json(200, &document),
        _ => Response::bytes(200, PROTOBUF, v2::protobuf(&document)),
    };
    tagged(response, tag)
}

fn whole(root: &str, form: &str, tag: &str) -> Response {
    let document = document(root).unwrap_or_default();
    let response = match form {
        JSON => Response::json(200, &document),
        _ => Response::bytes(200, PROTOBUF_V3, v3::protobuf(&document)),
    };
    tagged(response, tag)
}

/// The first of these forms that is accepted.
fn form(call: &Call, forms: [&'static str; 3]) -> Option<&'static str> {
    media_types(call).find_map(|accepted| forms.into_iter().find(|form| is_like(accepted, form)))
}

fn address(root: &str, tag: &str) -> String {
    format!("/openapi/v3/{root}?hash={tag}")
}

/// The tags of the documents of version 3.
fn tags() -> &'static BTreeMap<String, String> {
    static TAGS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let tag = |root: String| {
        let text = document(&root).map(|document| document.to_string()).unwrap_or_default();
        (root, entity_tag::of(text.as_bytes()))
    };
    TAGS.get_or_init(|| roots().into_iter().map(tag).collect())
}

fn is_like(accepted: &str, media_type: &str) -> bool {
    accepted == media_type || ["*/*", "application/*"].contains(&accepted)
}

fn not_acceptable() -> Response {
    let mut response = Response::bytes(406, "", vec![]);
    response.headers.push((VARY, "Accept".to_owned()));
    response
}
