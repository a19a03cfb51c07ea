//! The paths that tell of the API itself: which groups, versions and resources there are, the version of the server, and
//! who signs tokens.
//!
//! Source: endpoints/discovery of apiserver and server/routes/{version.go,openidmetadata.go}, v1.36. Leaves out CBOR,
//! which is not served.

use std::collections::BTreeSet;

use api::{ApiResource, resources};
use serde_json::{Value, json};

use super::paths::{content, group, group_name, tag, version_name};
use super::root;
use super::schemas::reference;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
const VERSION: &str = "io.k8s.apimachinery.pkg.version.Info";

const TYPES: &[&str] =
    &["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];

/// What is at one path: who asks for it, in whose name, and what is answered.
struct Page<'a> {
    id: String,
    tag: &'a str,
    description: &'a str,
    /// The definition of the answer; `None` for a text.
    answer: Option<String>,
    media_types: &'a [&'a str],
}

/// Where there is a document beside those of groups with their versions, without the first slash.
pub(super) fn roots() -> BTreeSet<String> {
    let alone = ["api", "apis", "version", "openid/v1/jwks", ".well-known/openid-configuration"];
    let groups = resources::served().map(|resource| resource.group);
    let groups = groups.filter(|group| !group.is_empty()).map(|group| format!("apis/{group}"));
    groups.chain(alone.map(str::to_owned)).collect()
}

/// The one path of such a document.
pub(super) fn paths(root: &str) -> Option<Value> {
    let meta = |name: &str| Some(format!("{META}.{name}"));
    let page = match root {
        "api" => Page {
            id: "getCoreAPIVersions".to_owned(),
            tag: "core",
            description: "get available API versions",
            answer: meta("APIVersions"),
            media_types: TYPES,
        },
        "apis" => Page {
            id: "getAPIVersions".to_owned(),
            tag: "apis",
            description: "get available API versions",
            answer: meta("APIGroupList"),
            media_types: TYPES,
        },
        "version" => Page {
            id: "getCodeVersion".to_owned(),
            tag: "version",
            description: "get the version information for this server",
            answer: Some(VERSION.to_owned()),
            media_types: &["application/json"],
        },
        "openid/v1/jwks" => Page {
            id: "getServiceAccountIssuerOpenIDKeyset".to_owned(),
            tag: "openid",
            description: "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
            answer: None,
            media_types: &["application/jwk-set+json"],
        },
        ".well-known/openid-configuration" => Page {
            id: "getServiceAccountIssuerOpenIDConfiguration".to_owned(),
            tag: "WellKnown",
            description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
            answer: None,
            media_types: &["application/json"],
        },
        _ => return of_group(root),
    };
    Some(json!({format!("/{root}/"): page.item()}))
}

fn of_group(root: &str) -> Option<Value> {
    let name = root.strip_prefix("apis/")?;
    let resource = resources::served().find(|resource| resource.group == name)?;
    let page = Page {
        id: format!("get{}APIGroup", group_name(resource)),
        tag: &group(resource),
        description: "get information of a group",
        answer: Some(format!("{META}.APIGroup")),
        media_types: TYPES,
    };
    Some(json!({format!("/{root}/"): page.item()}))
}

/// The path that tells which resources a group has in a version, of which this is one.
pub(super) fn resources_of(resource: &ApiResource) -> (String, Value) {
    let page = Page {
        id: format!("get{}{}APIResources", group_name(resource), version_name(resource)),
        tag: &tag(resource),
        description: "get available resources",
        answer: Some(format!("{META}.APIResourceList")),
        media_types: TYPES,
    };
    (format!("/{}/", root(resource)), page.item())
}

impl Page<'_> {
    fn item(self) -> Value {
        let schema = match &self.answer {
            Some(definition) => reference(definition),
            None => json!({"type": "string"}),
        };
        let answer = json!({"description": "OK", "content": content(self.media_types, &schema)});
        json!({"get": {
            "operationId": self.id,
            "description": self.description,
            "tags": [self.tag],
            "responses": {"200": answer, "401": {"description": "Unauthorized"}},
        }})
    }
}
