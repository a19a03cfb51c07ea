//! PATCH: JSON patch, merge patch and strategic merge patch, decided on the newest object.

use api::decode::Parsed;
use api::object::text;
use api::patch::{self, PatchKind};
use api::{ApiResource, Reason, Status, resources};
use serde_json::{Map, Value};

use crate::call::{Call, Decision};
use crate::negotiate::go_type;
use crate::options::write::APPLY;
use crate::write::body::{self, FieldValidation};
use crate::write::owners::Owners;
use crate::write::{Write, apply, create, update};

/// Decides about a patch of an object or of its status.
pub(crate) fn patch(write: Write<'_>) -> Result<Decision, Status> {
    if write.call.media_type() == APPLY {
        return apply::apply(write);
    }
    let (resource, version) = (write.target.served(), write.target.version);
    let kind = kind(write.call)?;
    let parsed = document(write.call, kind)?;
    let (old, revision) = write.current()?;
    let served = version.map_or_else(|| old.clone(), |version| version.serve(&old));
    let patched = patch::apply(kind, resource, &served, &parsed.value)?;
    let body = judged(write, resource, (kind, parsed), patched)?.stored(write.target);
    let body::Body { object: mut new, warnings } = body;
    create::set_namespace(write, &mut new)?;
    update::check_name(write.target, &new)?;
    update::check_patched(write.target, &new, &old, revision)?;
    let owners = Owners::Writer;
    update::replace(write, update::Replacement { new, old, revision, owners, warnings })
}

/// What a patch makes of an object, if it makes sense, and what validation says of it and of the patch.
pub(super) fn judged(
    write: Write<'_>,
    resource: &ApiResource,
    (kind, patch): (PatchKind, Parsed),
    patched: Value,
) -> Result<body::Body, Status> {
    check_type(kind, resource, &patched, write.target.name()?)?;
    let shown = match kind {
        PatchKind::StrategicMerge => go_text(&patch.value),
        PatchKind::Merge | PatchKind::Json => patched.to_string(),
    };
    let decoded = api::decode::object(resource, patched)
        .map_err(|error| Status::invalid_patch(&shown, &error.to_string()))?;
    let of_patch = strict_errors(kind, &patch.value, patch.duplicates);
    FieldValidation::of(write.call).judge_patched(of_patch, decoded, &shown)
}

/// What a patch makes of an object must still be of its kind. A strategic merge is made to the object that its
/// type is known of, and cannot change it.
fn check_type(
    kind: PatchKind,
    served: &ApiResource,
    patched: &Value,
    name: &str,
) -> Result<(), Status> {
    if kind == PatchKind::StrategicMerge {
        return Ok(());
    }
    let refused = |why: &str| Err(Status::invalid_patch(&patched.to_string(), why));
    for field in ["apiVersion", "kind"] {
        if let Some(value) =
            patched.get(field).filter(|value| !value.is_string() && !value.is_null())
        {
            let what = api::decode::go_name(value);
            return refused(&format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go struct field \
                 .{field} of type string"
            ));
        }
    }
    match (text(patched, &["apiVersion"]), text(patched, &["kind"])) {
        // To upstream it is no object of any kind then, and has no name.
        ("", _) => Err(update::nameless(name)),
        (_, "") => Ok(()),
        (version, kind) if is_of_kind(served, version, kind) => Ok(()),
        (version, kind) if is_known(version, kind) => {
            let from = format!("{}.{kind}", version.rsplit('/').next().unwrap_or_default());
            let to = go_type(served);
            refused(&format!("converting ({from}) to ({to}): unknown conversion"))
        }
        (version, kind) => refused(&format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \
             \"pkg/api/legacyscheme/scheme.go:30\""
        )),
    }
}

/// Whether it is the same kind, of whichever version.
fn is_of_kind(served: &ApiResource, api_version: &str, kind: &str) -> bool {
    let is_itself = api_version == served.api_version() && kind == served.kind;
    let same = |other: &&ApiResource| other.group == served.group && other.kind == served.kind;
    let mut versions = resources::served().filter(same);
    is_itself || (kind == served.kind && versions.any(|other| other.api_version() == api_version))
}

fn is_known(api_version: &str, kind: &str) -> bool {
    resources::served().any(|known| known.kind == kind && known.api_version() == api_version)
}

/// The kind of patch in the body.
pub(super) fn kind(call: &Call) -> Result<PatchKind, Status> {
    match call.media_type() {
        "application/json-patch+json" => Ok(PatchKind::Json),
        "application/merge-patch+json" => Ok(PatchKind::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchKind::StrategicMerge),
        _ => Err(Status::new(Reason::UnsupportedMediaType, "415: Unsupported Media Type")),
    }
}

/// The patch itself, and what is not right about its keys.
pub(super) fn document(call: &Call, kind: PatchKind) -> Result<Parsed, Status> {
    let parsed = api::decode::parse_json(&call.body).map_err(|error| {
        let error = error.to_string();
        undecoded(kind, error.strip_prefix("json parse error: ").unwrap_or(&error))
    })?;
    let (is_right, target) = match kind {
        PatchKind::Json => (parsed.value.is_array(), "[]handlers.jsonPatchOp"),
        PatchKind::Merge | PatchKind::StrategicMerge => {
            (parsed.value.is_object(), "map[string]interface {}")
        }
    };
    if is_right || parsed.value.is_null() || FieldValidation::of(call) == FieldValidation::Ignore {
        return Ok(parsed);
    }
    let found = api::decode::go_name(&parsed.value);
    Err(undecoded(kind, &format!("json: cannot unmarshal {found} into Go value of type {target}")))
}

/// Source: apiserver/pkg/endpoints/handlers/patch.go, v1.36 (`applyJSPatch`, `strategicPatchObject`).
fn undecoded(kind: PatchKind, words: &str) -> Status {
    Status::bad_request(match kind {
        PatchKind::Json | PatchKind::Merge => format!("error decoding patch: {words}"),
        PatchKind::StrategicMerge => words.to_owned(),
    })
}

/// What strict validation has to say of a patch. Only the operations of a JSON patch have fields of their own.
fn strict_errors(kind: PatchKind, patch: &Value, duplicates: Vec<String>) -> Vec<String> {
    if kind != PatchKind::Json {
        return duplicates;
    }
    let operations = patch.as_array().into_iter().flatten().enumerate();
    let unknown = operations.flat_map(|(place, operation)| {
        let fields = operation.as_object().into_iter().flat_map(Map::keys);
        let unknown = fields.filter(|field| !OPERATION_FIELDS.contains(&field.as_str()));
        unknown.map(move |field| format!("unknown field \"[{place}].{field}\""))
    });
    duplicates.into_iter().chain(unknown).map(|error| format!("json patch {error}")).collect()
}

/// What an operation of a JSON patch says. Source: RFC 6902.
const OPERATION_FIELDS: [&str; 4] = ["from", "op", "path", "value"];

/// `map[spec:map[replicas:2]]`, as Go prints a document.
fn go_text(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(" ");
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{name}:{}", go_text(value));
            format!("map[{}]", joined(fields.iter().map(field).collect()))
        }
        Value::Array(items) => format!("[{}]", joined(items.iter().map(go_text).collect())),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::testing::Client;

    const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/web";

    fn client() -> Client {
        let mut client = Client::new();
        let namespace = json!({"metadata": {"name": "default"}});
        client.created("/api/v1/namespaces", &namespace);
        let web = json!({"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers":
                [{"name": "c", "image": "i"}]}}}});
        client.created("/apis/apps/v1/namespaces/default/deployments", &web);
        client
    }

    /// What is decided about a patch of the deployment with some field validation.
    fn patched(kind: &str, patch: &str, validation: &str) -> Decision {
        let client = client();
        let mut call = Call::of_tests(Method::PATCH, DEPLOYMENT, &Value::Null);
        call.content_type = format!("application/{kind}+json");
        call.body = patch.as_bytes().to_vec();
        call.query = vec![("fieldValidation".to_owned(), validation.to_owned())];
        crate::decide(&client.store, &call, &client.context)
    }

    /// The code of a refusal, and its words behind the object that it shows.
    fn refused(kind: &str, patch: &str) -> (u16, String) {
        let Decision::Respond(response) = patched(kind, patch, "Strict") else {
            panic!("it is taken")
        };
        let status: Value = serde_json::from_slice(&response.body).expect("it is JSON");
        let message = status["message"].as_str().unwrap_or_default();
        let errors = message.split("strict decoding error: ").nth(1).unwrap_or(message);
        (response.code, errors.to_owned())
    }

    #[test]
    fn a_strict_patch_says_nothing_twice_and_nothing_unknown() {
        let twice = r#"{"spec": {"unknown": "x", "replicas": 1, "replicas": 2}}"#;
        let errors = "duplicate field \"spec.replicas\", unknown field \"spec.unknown\"";
        assert_eq!(refused("merge-patch", twice), (422, errors.to_owned()));
        assert_eq!(refused("strategic-merge-patch", twice), (422, errors.to_owned()));

        let operations =
            r#"[{"op": "add", "path": "/spec/unknown", "value": 1, "value": 2, "foo": 3}]"#;
        let errors = "json patch duplicate field \"[0].value\", json patch unknown field \"[0].foo\", \
                      unknown field \"spec.unknown\"";
        assert_eq!(refused("json-patch", operations), (422, errors.to_owned()));
    }

    #[test]
    fn what_is_no_patch_is_refused_in_the_words_of_go() {
        let end = "unexpected end of JSON input";
        let (list, map) = ("[]handlers.jsonPatchOp", "map[string]interface {}");
        let of_type = |found: &str, target: &str| {
            format!("json: cannot unmarshal {found} into Go value of type {target}")
        };
        for (kind, patch, words) in [
            ("json-patch", "[{", format!("error decoding patch: {end}")),
            ("json-patch", "{}", format!("error decoding patch: {}", of_type("object", list))),
            ("merge-patch", "{\"a\":", format!("error decoding patch: {end}")),
            ("merge-patch", "[]", format!("error decoding patch: {}", of_type("array", map))),
            ("strategic-merge-patch", "", end.to_owned()),
            ("strategic-merge-patch", "1", of_type("number", map)),
        ] {
            assert_eq!(refused(kind, patch), (400, words), "{kind} {patch}");
        }
    }

    #[test]
    fn a_strategic_merge_patch_is_shown_as_go_prints_it() {
        let Decision::Respond(response) =
            patched("strategic-merge-patch", r#"{"spec": {"foo": [1, null]}}"#, "Strict")
        else {
            panic!("it is taken")
        };

        let status: Value = serde_json::from_slice(&response.body).expect("it is JSON");
        assert_eq!(
            status["message"],
            " \"\" is invalid: patch: Invalid value: \"map[spec:map[foo:[1 <nil>]]]\": strict decoding \
             error: unknown field \"spec.foo\""
        );
    }

    #[test]
    fn a_patch_makes_no_other_kind_of_an_object() {
        let unregistered = |kind: &str, version: &str| {
            let scheme = "pkg/api/legacyscheme/scheme.go:30";
            format!(
                "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"{scheme}\""
            )
        };
        let converted =
            |from: &str| format!("converting ({from}) to (apps.Deployment): unknown conversion");
        let table = [
            (json!({"kind": "StatefulSet"}), converted("v1.StatefulSet")),
            (json!({"kind": "Foo"}), unregistered("Foo", "apps/v1")),
            (json!({"apiVersion": "v1"}), unregistered("Deployment", "v1")),
            (json!({"apiVersion": "v1", "kind": "Pod"}), converted("v1.Pod")),
        ];
        for (change, why) in table {
            let fields = change.as_object().unwrap().iter();
            let operations: Vec<Value> = fields
                .map(|(field, value)| json!({"op": "replace", "path": format!("/{field}"), "value": value}))
                .collect();
            for (kind, patch) in
                [("merge-patch", change.clone()), ("json-patch", json!(operations))]
            {
                let (code, message) = refused(kind, &patch.to_string());
                assert_eq!(code, 422, "{patch}");
                assert!(
                    message.starts_with(" \"\" is invalid: patch: Invalid value: "),
                    "{message}"
                );
                assert!(message.ends_with(&why), "{message}");
            }
            let ignored = patched("strategic-merge-patch", &change.to_string(), "Strict");
            assert!(matches!(ignored, Decision::Respond(_)), "it changes nothing: {ignored:?}");
        }
        let nameless =
            "the name of the object (web based on URL) was undeterminable: name must be provided";
        let none = refused("merge-patch", r#"{"apiVersion": null}"#);
        assert_eq!(none, (400, nameless.to_owned()));
        let other = refused("merge-patch", r#"{"metadata": {"name": "other"}}"#);
        assert_eq!(other.0, 400);
    }

    #[test]
    fn otherwise_there_is_a_warning() {
        let twice = r#"{"spec": {"replicas": 1, "replicas": 2}}"#;

        let Decision::Commit(commit) = patched("merge-patch", twice, "Warn") else {
            panic!("it is refused")
        };

        assert_eq!(commit.object["spec"]["replicas"], 2);
        assert_eq!(commit.answer.warnings, ["duplicate field \"spec.replicas\""]);
    }
}
