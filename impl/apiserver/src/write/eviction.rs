//! POST of `pods/NAME/eviction`: a deletion that a disruption budget may refuse.
//!
//! Source: `pkg/registry/core/pod/storage/eviction.go` (v1.36).

use api::object::{object_at_mut, text};
use api::{ApiResource, Status};
use serde_json::{Value, json};

use crate::admission;
use crate::call::{Decision, Instead, Response};
use crate::options::delete::DeleteOptions;
use crate::write::{Write, body, create, delete, disruption};

/// What is sent.
const EVICTION: ApiResource = ApiResource {
    group: "policy",
    version: "v1",
    kind: "Eviction",
    plural: "evictions",
    singular: "eviction",
    short_names: &[],
    categories: &[],
    namespaced: true,
    subresources: &[],
    is_stored: false,
};

/// Decides about an eviction.
pub(crate) fn evict(write: Write<'_>) -> Result<Decision, Status> {
    let body::Body { object: mut eviction, warnings } = body::of_kind(write.call, &EVICTION)?;
    create::set_namespace(write, &mut eviction)?;
    admission::admit_subresource(write)?;
    let named = text(&eviction, &["metadata", "name"]);
    if named != write.target.name()? {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut options = DeleteOptions::read(&eviction["deleteOptions"]);
    options.dry_run.extend(write.call.parameters("dryRun").map(str::to_owned));
    let options = options.checked()?;
    let (mut pod, revision) = write.current()?;
    let namespace = write.target.namespace.as_deref().unwrap_or_default();
    let taken = disruption::take(write.store, namespace, &pod, write.context.now)?;
    add_disruption_target(&mut pod, &api::time::text(write.context.now));
    let decision = delete::delete_found(write, &options, pod, revision)?;
    let Decision::Commit(mut commit) = decision else {
        return Ok(Decision::Respond(Response { warnings, ..Response::json(201, &granted()) }));
    };
    let beside = taken.join(&mut commit.transaction);
    commit.beside.extend(beside);
    commit.answer.code = 201;
    commit.answer.warnings.extend(warnings);
    commit.answer.instead = Some(Instead::Value(granted()));
    Ok(Decision::Commit(commit))
}

/// Says on the pod why it goes.
fn add_disruption_target(pod: &mut Value, now: &str) {
    let status = object_at_mut(pod, "status");
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    let Some(conditions) = conditions.as_array_mut() else { return };
    if conditions.iter().any(|condition| condition["type"] == "DisruptionTarget") {
        return;
    }
    conditions
        .push(json!({"type": "DisruptionTarget", "status": "True", "lastTransitionTime": now,
        "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}));
}

fn granted() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}

#[cfg(test)]
mod tests {
    use api::resources;
    use http::Method;
    use store::{Store, Transaction};

    use super::*;
    use crate::call::{Call, Context};
    use crate::{keys, object};

    fn store(pod_ready: &str, budget_status: &Value) -> Store {
        let namespace = json!({"metadata": {"name": "default"}});
        let pod = json!({"metadata": {"name": "p", "namespace": "default", "labels": {"app": "web"}},
            "spec": {"terminationGracePeriodSeconds": 30, "nodeName": "n"},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": pod_ready}]}});
        let budget = json!({"metadata": {"name": "b", "namespace": "default", "generation": 1},
            "spec": {"selector": {"matchLabels": {"app": "web"}}}, "status": budget_status});
        let mut store = Store::default();
        for (resource, name, value) in [
            (&resources::NAMESPACES, "default", &namespace),
            (&resources::PODS, "p", &pod),
            (&resources::POD_DISRUPTION_BUDGETS, "b", &budget),
        ] {
            let key = keys::key(resource, resource.namespaced.then_some("default"), name);
            let created = Transaction::create(key, object::encode(resource, value));
            store.commit(&created).expect("there is no such key");
        }
        store
    }

    fn evict(store: &Store, name: &str) -> Decision {
        let path = "/api/v1/namespaces/default/pods/p/eviction";
        let call = Call::of_tests(Method::POST, path, &json!({"metadata": {"name": name}}));
        crate::decide(store, &call, &Context::of_tests())
    }

    fn refusal(decision: Decision) -> Value {
        let Decision::Respond(response) = decision else { panic!("it is granted") };
        serde_json::from_slice(&response.body).expect("an answer is JSON")
    }

    fn status(allowed: i64, current: i64) -> Value {
        json!({"observedGeneration": 1, "disruptionsAllowed": allowed,
            "currentHealthy": current, "desiredHealthy": 2, "expectedPods": 3})
    }

    #[test]
    fn an_eviction_takes_the_last_disruption_with_the_pod() {
        let mut store = store("True", &status(1, 3));
        let Decision::Commit(commit) = evict(&store, "p") else { panic!("it is granted") };

        assert!(store.commit(&commit.transaction).expect("it makes sense").succeeded);

        let key = keys::key(&resources::POD_DISRUPTION_BUDGETS, Some("default"), "b");
        let budget = object::decode(store.get(&key).expect("it is there"));
        assert_eq!(budget["status"]["disruptionsAllowed"], 0);
        assert_eq!(budget["status"]["disruptedPods"], json!({"p": "1970-01-01T00:00:00Z"}));
        assert_eq!(budget["status"]["conditions"][0]["reason"], "InsufficientPods");
        assert_eq!(commit.object["status"]["conditions"][1]["type"], "DisruptionTarget");
        let again = refusal(evict(&store, "p"));
        assert_eq!(again["status"], "Success", "a pod that is on its way out is not counted twice");
    }

    #[test]
    fn a_budget_that_changed_since_makes_the_eviction_be_decided_again() {
        let mut store = store("True", &status(1, 3));
        let Decision::Commit(commit) = evict(&store, "p") else { panic!("it is granted") };
        let key = keys::key(&resources::POD_DISRUPTION_BUDGETS, Some("default"), "b");
        let found = store.get(&key).expect("it is there");
        let touched = Transaction::update(key, found.mod_revision, found.value.clone());
        store.commit(&touched).expect("it makes sense");

        assert!(!store.commit(&commit.transaction).expect("it makes sense").succeeded);
    }

    #[test]
    fn a_budget_says_why_it_refuses() {
        let unseen = json!({"observedGeneration": 0, "disruptionsAllowed": 1});
        let table = [
            (status(0, 2), 429, "The disruption budget b needs 2 healthy pods and has 2 currently"),
            (unseen, 429, "The disruption budget b is still being processed by the server."),
            (status(-1, 3), 403, "pdb disruptions allowed is negative"),
        ];
        for (status, code, why) in table {
            let refusal = refusal(evict(&store("True", &status), "p"));
            assert_eq!(refusal["code"], code, "{refusal}");
            assert!(refusal.to_string().contains(why), "{refusal}");
        }
    }

    #[test]
    fn a_pod_that_is_not_ready_goes_when_enough_others_are() {
        let enough = evict(&store("False", &status(0, 2)), "p");
        let too_few = evict(&store("False", &status(0, 1)), "p");

        assert!(matches!(enough, Decision::Commit(_)));
        assert_eq!(refusal(too_few)["code"], 429);
    }

    #[test]
    fn an_eviction_warns_of_what_it_does_not_know() {
        let path = "/api/v1/namespaces/default/pods/p/eviction";
        let body = json!({"metadata": {"name": "p"}, "nope": 1});
        let call = Call::of_tests(Method::POST, path, &body);
        let store = store("True", &status(1, 3));

        let decision = crate::decide(&store, &call, &Context::of_tests());

        let Decision::Commit(commit) = decision else { panic!("it is granted") };
        assert_eq!(commit.answer.warnings, ["unknown field \"nope\""]);
    }

    #[test]
    fn an_eviction_of_another_name_is_refused() {
        assert_eq!(refusal(evict(&store("True", &status(1, 3)), "q"))["code"], 400);
    }
}
