//! DELETE: at once, gracefully, or once finalizers are done.
//!
//! Source: apiserver/pkg/registry/rest/delete.go and registry/generic/registry/store.go, v1.36.

use api::object::{at, metadata_mut, text};
use api::{ApiResource, Status, Timestamp, resources};
use serde_json::{Value, json};
use store::{Revision, Transaction};

use crate::call::{Call, Decision, Instead, Response};
use crate::options::delete::DeleteOptions;
use crate::write::beside::Beside;
use crate::write::{Ready, Write, body, propagation, update};
use crate::{admission, negotiate, object, read, strategy};

/// Decides about the deletion of one object.
pub(crate) fn delete(write: Write<'_>) -> Result<Decision, Status> {
    let options = options(write.call)?;
    admission::admit_delete(write.target, write.target.name()?)?;
    let (old, revision) = write.current()?;
    delete_found(write, &options, old, revision)
}

/// The same of an object that is already read, and may be other by a little.
pub(super) fn delete_found(
    write: Write<'_>,
    options: &DeleteOptions,
    old: Value,
    revision: Revision,
) -> Result<Decision, Status> {
    let call = with_dry_run(write.call, options);
    let write = Write { call: &call, ..write };
    check_preconditions(write, options, &old, revision)?;
    let grace = grace_seconds(write, options, &old);
    let finalizers = propagation::finalizers(write.target.resource, options, &old);
    let waits = !finalizers.is_empty() || grace > 0 || has_namespace_finalizers(write, &old);
    if waits {
        // Who wants the dependents to go is told that they, and the object, are not gone yet.
        let code = if options.orphan_dependents == Some(false) { 202 } else { 200 };
        mark_deleted(write, (old, revision), grace, &finalizers, code)
    } else {
        remove(write, old, revision)
    }
}

/// `DeleteOptions`, from the body or else from the query.
fn options(call: &Call) -> Result<DeleteOptions, Status> {
    DeleteOptions::of(call, body::options(call)?)
}

/// The request as if its query named the `dryRun` of its options, and no other.
fn with_dry_run(call: &Call, options: &DeleteOptions) -> Call {
    let mut call = call.without_body();
    call.query.retain(|(name, _)| name != "dryRun");
    call.query.extend(options.dry_run.iter().map(|value| ("dryRun".to_owned(), value.clone())));
    call
}

/// Source: `BeforeDelete` of apiserver/pkg/registry/rest/delete.go, v1.36, which names the kind.
fn check_preconditions(
    write: Write<'_>,
    options: &DeleteOptions,
    old: &Value,
    revision: Revision,
) -> Result<(), Status> {
    let (resource, name) = (write.target.resource, write.target.name()?);
    let refused = |what: &str, asked: &str, found: &str, why: &str| {
        let kind = ApiResource { plural: resource.kind, ..*resource };
        let rule =
            format!("the {what} in the precondition ({asked}) does not match the {what} in record");
        Err(Status::conflict(
            &kind,
            name,
            &format!("{rule} ({found}). The object might have been {why}"),
        ))
    };
    match &options.uid {
        Some(uid) if uid != read::uid(old) => {
            return refused("UID", uid, read::uid(old), "deleted and then recreated");
        }
        Some(_) | None => {}
    }
    match &options.resource_version {
        Some(asked) if *asked != revision.to_string() => {
            refused("ResourceVersion", asked, &revision.to_string(), "modified")
        }
        Some(_) | None => Ok(()),
    }
}

/// Seconds that the object is given; a second deletion may shorten them, never lengthen.
fn grace_seconds(write: Write<'_>, options: &DeleteOptions, old: &Value) -> i64 {
    let Some(default) = strategy::graceful_delete_seconds(write.target.resource, old) else {
        return 0;
    };
    let asked = options.grace_period_seconds;
    // A pod that nobody runs yet, or that has ended, needs no grace whatever the client says.
    let wanted = match (default, asked) {
        (0, _) => 0,
        (default, None) => default,
        // Upstream: a negative period means one second (ValidateDeleteOptions, BeforeDelete).
        (_, Some(asked)) => {
            if asked < 0 {
                1
            } else {
                asked
            }
        }
    };
    match at(old, &["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_i64) {
        Some(before) => before.min(wanted),
        None => wanted,
    }
}

fn has_namespace_finalizers(write: Write<'_>, old: &Value) -> bool {
    write.target.resource == &resources::NAMESPACES
        && at(old, &["spec", "finalizers"])
            .and_then(Value::as_array)
            .is_some_and(|finalizers| !finalizers.is_empty())
}

fn mark_deleted(
    write: Write<'_>,
    (old, revision): (Value, Revision),
    grace: i64,
    finalizers: &[String],
    code: u16,
) -> Result<Decision, Status> {
    let resource = write.target.resource;
    let mut new = old.clone();
    set_deletion(&mut new, write.context.now, grace);
    if !finalizers.is_empty() {
        metadata_mut(&mut new).insert("finalizers".to_owned(), json!(finalizers));
    }
    if resource == &resources::NAMESPACES {
        // Upstream marks a namespace in its own way (pkg/registry/core/namespace/storage, v1.36).
        metadata_mut(&mut new).remove("deletionGracePeriodSeconds");
        new["status"]["phase"] = json!("Terminating");
    }
    let after = object::encode(resource, &new);
    if after == object::encode(resource, &old) {
        let format = negotiate::format(write.call, write.target)?;
        return Ok(write.unchanged(&new, code, format, vec![]));
    }
    let transaction = Transaction::update(write.key(write.target.name()?), revision, after);
    write.finish(Ready {
        transaction,
        beside: Beside::default(),
        object: new,
        action: "delete-gracefully",
        code,
        warnings: vec![],
    })
}

fn set_deletion(new: &mut Value, now: Timestamp, grace: i64) {
    let generation = at(new, &["metadata", "generation"]).and_then(Value::as_i64).unwrap_or(0);
    let metadata = metadata_mut(new);
    let is_first = !metadata.contains_key("deletionTimestamp");
    let before = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
    if is_first && generation > 0 {
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
    if is_first || before != Some(grace) {
        let when = now + std::time::Duration::from_secs(grace.unsigned_abs());
        metadata.insert("deletionTimestamp".to_owned(), json!(api::time::text(when)));
        metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    }
}

fn remove(write: Write<'_>, mut old: Value, revision: Revision) -> Result<Decision, Status> {
    let resource = write.target.resource;
    let transaction = Transaction::delete(write.key(write.target.name()?), revision);
    let beside = update::release(write, &old);
    let returns_object = strategy::returns_deleted_object(resource);
    let instead = (!returns_object).then(|| success(write, &old));
    if resource == &resources::PODS {
        set_deletion(&mut old, write.context.now, 0);
    }
    let (action, code, warnings) = ("delete", 200, vec![]);
    let ready = Ready { transaction, beside, object: old, action, code, warnings };
    let mut decision = write.finish(ready)?;
    match (&mut decision, instead) {
        (Decision::Commit(commit), instead) => commit.answer.instead = instead.map(Instead::Value),
        (Decision::Respond(response), Some(status)) => *response = Response::json(200, &status),
        (
            Decision::Respond(_)
            | Decision::Each(..)
            | Decision::Watch(_)
            | Decision::Node(_)
            | Decision::Proxy(_),
            _,
        ) => {}
    }
    Ok(decision)
}

fn success(write: Write<'_>, old: &Value) -> Value {
    let resource = write.target.resource;
    let mut details = json!({"name": text(old, &["metadata", "name"]), "kind": resource.plural,
        "uid": read::uid(old)});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// DELETE of a list: each object that matches, one after another.
pub(crate) fn delete_collection(write: Write<'_>) -> Result<Decision, Status> {
    let Write { store, call, target, context } = write;
    let body = options(call)?.to_value().to_string().into_bytes();
    let format = negotiate::format(call, target)?;
    let objects = read::matching(store, call, target)?;
    let calls = objects.iter().map(|object| {
        let namespace = at(object, &["metadata", "namespace"]).and_then(Value::as_str);
        let name = text(object, &["metadata", "name"]);
        Call {
            path: format!("{}/{name}", target.resource.path(namespace)),
            query: vec![],
            content_type: "application/json".to_owned(),
            body: body.clone(),
            ..call.without_body()
        }
    });
    let metadata = json!({"resourceVersion": store.revision().to_string()});
    let list = format.list(target.resource, metadata, &objects, context.now);
    Ok(Decision::Each(calls.collect(), Response::json(200, &list)))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::testing::Client;

    #[test]
    fn what_deletes_a_collection_is_not_copied_for_each_object() {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
        let maps = "/api/v1/namespaces/default/configmaps";
        for name in ["a", "b"] {
            client.created(maps, &json!({"metadata": {"name": name}}));
        }
        let options = json!({"gracePeriodSeconds": 3, "propagationPolicy": "Foreground",
            "preconditions": {"uid": "u", "resourceVersion": "7"}, "dryRun": ["All"]});
        let mut call = Call::of_tests(Method::DELETE, maps, &options);
        call.body.extend([b' '; 10_000]);
        call.query.push(("gracePeriodSeconds".to_owned(), "9".to_owned()));

        let decision = crate::decide(&client.store, &call, &client.context);

        let Decision::Each(calls, _) = decision else { panic!("{decision:?}") };
        assert_eq!(calls.len(), 2);
        for one in calls {
            assert!(one.body.len() < 300, "{}", one.body.len());
            assert_eq!(super::options(&one).unwrap(), super::options(&call).unwrap());
        }
    }

    #[test]
    fn a_deleted_namespace_is_given_no_grace_and_keeps_its_status() {
        let mut client = Client::new();
        let path = "/api/v1/namespaces";
        client.created(path, &json!({"metadata": {"name": "old"}}));
        let condition = json!({"type": "A", "status": "True", "reason": "B", "message": "C",
            "lastTransitionTime": "1970-01-01T00:00:00Z"});
        let status = json!({"status": {"conditions": [condition]}});
        client.send(&Method::PATCH, &format!("{path}/old/status"), &status).unwrap();

        let deleted = client.send(&Method::DELETE, &format!("{path}/old"), &Value::Null).unwrap();

        assert_eq!(deleted["metadata"]["deletionTimestamp"], "1970-01-01T00:00:00Z");
        assert_eq!(deleted["metadata"].get("deletionGracePeriodSeconds"), None);
        assert_eq!(deleted["status"]["phase"], "Terminating");
        assert_eq!(deleted["status"]["conditions"], json!([condition]));
    }
}
