//! Faults of the API server: what it decides, and on what.

use api::object::{at, text};
use api::{Key, resources};
use apiserver::accept::Encoding;
use apiserver::negotiate::Format;
use apiserver::{Answer, Call, Commit, Context, Decision, keys, object};
use serde_json::{Value, json};
use store::{Revision, Store, Transaction};

use super::Plant;

/// How many revisions old the namespace is by which a late API server admits.
const LATE_REVISIONS: u64 = 12;

/// What the API server decides, with the fault in it.
pub(crate) fn decided(
    plant: Plant,
    (store, call, context): (&Store, &Call, &Context),
    decision: Decision,
) -> Decision {
    let is_refused = matches!(&decision, Decision::Respond(response) if response.code >= 400);
    let is_apply = call.content_type == "application/apply-patch+yaml";
    let instead = match (plant, is_refused) {
        (Plant::BindingOverwritesNodeName, _) if call.path.ends_with("/binding") => {
            rebind(store, call)
        }
        (Plant::CreationIsAdmittedLate, true) => late(store, call, context, "create"),
        (Plant::ApplyIsAdmittedLate, true) if is_apply => late(store, call, context, "update"),
        _ => None,
    };
    instead.unwrap_or(decision)
}

/// What would have been decided some time ago, if that was this action on an object that is not there now: the
/// object is created.
fn late(store: &Store, call: &Call, context: &Context, action: &str) -> Option<Decision> {
    let past = store.at(Revision(store.revision().0.checked_sub(LATE_REVISIONS)?)).ok()?;
    let Decision::Commit(commit) = apiserver::decide(&past, call, context) else { return None };
    if commit.action != action {
        return None;
    }
    let field = |name: &str| text(&commit.object, &["metadata", name]);
    let named = Key::new(field("namespace"), field("name"));
    let key = keys::key(commit.resource, named.namespace(), &named.name);
    if store.get(&key).is_some() {
        return None;
    }
    let mut created = commit.object.clone();
    created["metadata"]["uid"] = json!(context.uid);
    let value = object::encode(commit.resource, &created);
    let transaction = Transaction::create(key, value);
    let commit = Commit { transaction, object: created, action: "create", ..*commit };
    Some(Decision::Commit(Box::new(commit)))
}

/// The Binding of a pod that is bound already.
fn rebind(store: &Store, call: &Call) -> Option<Decision> {
    let binding: Value = serde_json::from_slice(&call.body).ok()?;
    let name = |field: &str| text(&binding, &["metadata", field]).to_owned();
    let pod = Key::new(&name("namespace"), &name("name"));
    let key = keys::key(&resources::PODS, pod.namespace(), &pod.name);
    let found = store.get(&key)?;
    let mut bound = object::decode(found);
    at(&bound, &["spec", "nodeName"])?;
    bound["spec"]["nodeName"] = binding["target"]["name"].clone();
    let value = object::encode(&resources::PODS, &bound);
    Some(Decision::Commit(Box::new(Commit {
        transaction: Transaction::update(key, found.mod_revision, value),
        resource: &resources::PODS,
        action: "bind",
        object: bound,
        beside: vec![],
        answer: Answer {
            code: 201,
            format: Format::Object,
            encoding: Encoding::Json,
            warnings: vec![],
            instead: None,
        },
    })))
}
