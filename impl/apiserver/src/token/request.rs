//! POST of `serviceaccounts/NAME/token`: a token for a service account.
//!
//! Source: pkg/registry/core/serviceaccount/storage/token.go, v1.36.

use api::object::{at, metadata_mut, text};
use api::status::Cause;
use api::{ApiResource, Status, resources};
use serde_json::{Value, json};

use super::{ISSUER, claims};
use crate::call::{Decision, Response};
use crate::write::Write;

/// What is asked for. Upstream names its kind where others name their plural.
pub(crate) const TOKEN_REQUEST: ApiResource = ApiResource {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
    plural: "TokenRequest",
    singular: "tokenrequest",
    short_names: &[],
    categories: &[],
    namespaced: true,
    subresources: &[],
    is_stored: false,
};

/// What is valid for as long as nothing else is asked for, in seconds.
const EXPIRATION_SECONDS: i64 = 3600;

/// Shorter is not allowed, and longer not.
const EXPIRATION_SECONDS_MIN: i64 = 600;
const EXPIRATION_SECONDS_MAX: i64 = 1 << 32;

/// What kubelets ask for on behalf of pods. Such a token is to be renewed after that time, and good for a
/// year, so that programs go on that read it once. Source: pkg/serviceaccount/claims.go, v1.36.
const POD_EXPIRATION_SECONDS: i64 = 3607;
const EXTENDED_EXPIRATION_SECONDS: i64 = 365 * 24 * 3600;

/// Decides about a TokenRequest; `request` is the body.
pub(crate) fn request(write: Write<'_>, mut request: Value) -> Result<Decision, Status> {
    let (account, _) = write.current()?;
    check_metadata(write, &request, &account)?;
    complete(write, &mut request, &account);
    let seconds = at(&request, &["spec", "expirationSeconds"]).and_then(Value::as_i64);
    let seconds = seconds.unwrap_or(EXPIRATION_SECONDS);
    check_expiration(seconds)?;
    let claims = claims_of(write, &request, &account, seconds)?;
    let token = write.context.keys.sign(&claims).map_err(Status::internal)?;
    let until = write.context.now + std::time::Duration::from_secs(seconds.unsigned_abs());
    request["status"] = json!({"token": token, "expirationTimestamp": api::time::text(until)});
    Ok(Decision::Respond(Response::json(201, &request)))
}

/// What is given twice must be the same.
fn check_metadata(write: Write<'_>, request: &Value, account: &Value) -> Result<(), Status> {
    let given = |field| text(request, &["metadata", field]);
    for (field, rule) in [
        ("name", "must match the service account name if specified"),
        ("namespace", "must match the service account namespace if specified"),
    ] {
        if !given(field).is_empty() && given(field) != text(account, &["metadata", field]) {
            let cause = Cause::invalid(format!("metadata.{field}"), &json!(given(field)), rule);
            return Err(invalid(write.target.name()?, cause));
        }
    }
    let uid = text(account, &["metadata", "uid"]);
    if !given("uid").is_empty() && given("uid") != uid {
        let why = format!(
            "the UID in the token request ({}) does not match the UID of the service account ({uid})",
            given("uid")
        );
        return Err(Status::conflict(&TOKEN_REQUEST, write.target.name()?, &why));
    }
    Ok(())
}

fn invalid(name: &str, cause: Cause) -> Status {
    Status::invalid(&TOKEN_REQUEST, name, vec![cause])
}

/// Fills in what the request leaves open.
fn complete(write: Write<'_>, request: &mut Value, account: &Value) {
    let metadata = metadata_mut(request);
    for field in ["name", "namespace", "uid"] {
        metadata.insert(field.to_owned(), json!(text(account, &["metadata", field])));
    }
    let now = api::time::text(write.context.now);
    metadata.insert("creationTimestamp".to_owned(), json!(now));
    let spec = api::object::object_at_mut(request, "spec");
    let has_audiences =
        spec.get("audiences").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if !has_audiences {
        spec.insert("audiences".to_owned(), json!([ISSUER]));
    }
    spec.entry("expirationSeconds").or_insert(json!(EXPIRATION_SECONDS));
    spec.entry("boundObjectRef").or_insert(Value::Null);
}

fn check_expiration(seconds: i64) -> Result<(), Status> {
    let rule = if seconds < EXPIRATION_SECONDS_MIN {
        "may not specify a duration less than 10 minutes"
    } else if seconds > EXPIRATION_SECONDS_MAX {
        "may not specify a duration larger than 2^32 seconds"
    } else {
        return Ok(());
    };
    Err(invalid("", Cause::invalid("spec.expirationSeconds", &json!(seconds), rule)))
}

fn claims_of(
    write: Write<'_>,
    request: &Value,
    account: &Value,
    seconds: i64,
) -> Result<Value, Status> {
    let (namespace, name) =
        (text(account, &["metadata", "namespace"]), text(account, &["metadata", "name"]));
    let mut private = json!({"namespace": namespace, "serviceaccount": claims::reference(account)});
    if let Some(reference) = at(request, &["spec", "boundObjectRef"]).filter(|it| it.is_object()) {
        bind(write, reference, name, &mut private)?;
    }
    let audiences = &request["spec"]["audiences"];
    let now = write.context.now.as_second();
    let is_extended = private.get("pod").is_some()
        && seconds == POD_EXPIRATION_SECONDS
        && *audiences == json!([ISSUER]);
    let mut valid = seconds;
    if is_extended {
        private["warnafter"] = json!(now + seconds);
        valid = EXTENDED_EXPIRATION_SECONDS;
    }
    Ok(json!({
        "iss": ISSUER, "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "aud": audiences, "iat": now, "nbf": now, "exp": now + valid, "jti": write.context.uid,
        "kubernetes.io": private,
    }))
}

/// Adds the object that the token is good for as long as it is there.
fn bind(
    write: Write<'_>,
    reference: &Value,
    account: &str,
    private: &mut Value,
) -> Result<(), Status> {
    let field = |name| text(reference, &[name]);
    let (group, version) =
        field("apiVersion").rsplit_once('/').unwrap_or(("", field("apiVersion")));
    let of_kind =
        |(_, resource): &&(&str, &ApiResource)| group.is_empty() && resource.kind == field("kind");
    let Some((claim, resource)) = claims::BOUND.iter().find(of_kind) else {
        let kind = format!("{group}/{version}, Kind={}", field("kind"));
        return Err(Status::bad_request(format!("cannot bind token to object of type {kind}")));
    };
    let namespace = write.target.namespace.as_deref().filter(|_| resource.namespaced);
    let bound = claims::find(write.store, resource, namespace, field("name"))
        .ok_or_else(|| Status::not_found(resource, field("name")))?;
    if *claim == "pod" {
        let runs_as = text(&bound, &["spec", "serviceAccountName"]);
        if runs_as != account {
            return Err(Status::bad_request(format!(
                "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
            )));
        }
        tell_node(write, &bound, private);
    }
    let uid = text(&bound, &["metadata", "uid"]);
    if !field("uid").is_empty() && field("uid") != uid {
        let why = format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted and then recreated",
            field("uid")
        );
        let named = ApiResource { group: "", plural: resource.kind, ..TOKEN_REQUEST };
        return Err(Status::conflict(&named, field("name"), &why));
    }
    private[*claim] = claims::reference(&bound);
    Ok(())
}

/// A pod's token tells where the pod runs.
fn tell_node(write: Write<'_>, pod: &Value, private: &mut Value) {
    let node = text(pod, &["spec", "nodeName"]);
    if node.is_empty() {
        return;
    }
    let found = claims::find(write.store, &resources::NODES, None, node);
    private["node"] = found.map_or_else(|| json!({"name": node}), |node| claims::reference(&node));
}
