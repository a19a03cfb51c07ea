//! What becomes of the claims of pods.

use super::*;

/// A set with a claim for each pod, which goes or stays as said.
fn with_claims(replicas: i32, (when_deleted, when_scaled): (&str, &str)) -> Value {
    let template = json!({"metadata": {"name": "data", "labels": {"disk": "big"}},
        "spec": {"accessModes": ["ReadWriteOnce"]}});
    let policy = json!({"whenDeleted": when_deleted, "whenScaled": when_scaled});
    set(
        replicas,
        "one",
        &json!({"spec": {"volumeClaimTemplates": [template],
            "persistentVolumeClaimRetentionPolicy": policy}}),
    )
}

const RETAIN: (&str, &str) = ("Retain", "Retain");

fn claim(ordinal: i64, changes: &Value) -> Value {
    let name = format!("data-web-{ordinal}");
    let mut claim = json!({"metadata": {"name": name, "namespace": "default"}});
    merge(&mut claim, changes);
    claim
}

/// A pod that uses its claim.
fn claiming(ordinal: i64, revision: &str, changes: &Value) -> Value {
    let source = json!({"claimName": format!("data-web-{ordinal}")});
    let mut pod = pod(ordinal, revision, changes);
    pod["spec"]["volumes"] = json!([{"name": "data", "persistentVolumeClaim": source}]);
    pod
}

fn owner(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"metadata": {"ownerReferences": owned_by(api_version, kind, name)}})
}

#[test]
fn claims_are_made_before_their_pod() {
    let (mut world, _) = world(&with_claims(1, RETAIN));

    let first = world.reconcile(&key(), now());
    let waits = world.reconcile(&key(), now());
    world.put(CLAIMS, claim(0, &json!({})));
    let second = world.reconcile(&key(), now());

    let made = only(&first, Verb::Create, CLAIMS).body.unwrap();
    assert_eq!(made["metadata"]["name"], "data-web-0");
    assert_eq!(made["metadata"]["labels"], json!({"disk": "big", "app": "web"}));
    assert_eq!(created(&first, PODS), Vec::<String>::new());
    assert_eq!(waits.requests, []);
    let pod = only(&second, Verb::Create, PODS).body.unwrap();
    let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}});
    assert_eq!(pod["spec"]["volumes"], json!([volume]));
}

#[test]
fn a_claim_that_was_made_is_told() {
    let (mut world, _) = world(&with_claims(1, RETAIN));
    let plan = world.reconcile(&key(), now());
    world.grant(&key(), &only(&plan, Verb::Create, CLAIMS), Value::Null);
    world.put(CLAIMS, claim(0, &json!({})));

    let plan = world.reconcile(&key(), now());

    let message = "Create Claim data-web-0 Pod web-0 in StatefulSet web success";
    assert_eq!(events(&plan), [event("SuccessfulCreate", message)]);
}

#[test]
fn a_claim_that_is_refused_is_told_and_so_is_its_pod() {
    let (mut world, _) = world(&with_claims(1, RETAIN));
    let plan = world.reconcile(&key(), now());
    world.refuse(&key(), &only(&plan, Verb::Create, CLAIMS), Reason::Forbidden);

    let plan = world.reconcile(&key(), now());

    let claim = "Create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: refused";
    let pod = "Create Pod web-0 in StatefulSet web failed error: failed to create PVC data-web-0: \
               refused";
    assert_eq!(events(&plan), [event("FailedCreate", claim), event("FailedCreate", pod)]);
    assert_eq!(created(&plan, CLAIMS), ["data-web-0"]);
}

#[test]
fn a_pod_is_not_made_while_its_claim_is_being_deleted() {
    let (mut world, _) = world(&with_claims(1, RETAIN));
    let due = world.put(CLAIMS, claim(0, &terminating()));

    let plan = world.reconcile(&key(), now());

    assert_eq!(due, [key()]);
    assert_eq!(created(&plan, PODS), Vec::<String>::new());
    let message =
        "Create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted";
    assert_eq!(events(&plan), [event("FailedCreate", message)]);
}

#[test]
fn a_pending_pod_gets_a_claim_that_it_lacks() {
    let (mut world, revision) = world(&with_claims(1, RETAIN));
    let pending = json!({"status": {"phase": "Pending", "conditions": []}});
    world.put(PODS, claiming(0, &revision, &pending));

    let plan = world.reconcile(&key(), now());

    assert_eq!(created(&plan, CLAIMS), ["data-web-0"]);
}

#[test]
fn claims_are_owned_as_the_policy_says() {
    let (by_set, by_pod) = (owner("apps/v1", "StatefulSet", "web"), owner("v1", "Pod", "web-0"));
    let nobody = json!({"metadata": {"ownerReferences": []}});
    for (replicas, policy, before, after) in [
        (1, ("Delete", "Retain"), json!({}), &by_set),
        (1, ("Delete", "Delete"), by_pod.clone(), &by_set),
        (1, ("Retain", "Delete"), by_set.clone(), &nobody),
        (1, ("Retain", "Retain"), by_set.clone(), &nobody),
        (0, ("Delete", "Delete"), by_set.clone(), &by_pod),
        (0, ("Retain", "Delete"), json!({}), &by_pod),
        (0, ("Delete", "Retain"), json!({}), &by_set),
    ] {
        let (mut world, revision) = world(&with_claims(replicas, policy));
        world.put(CLAIMS, claim(0, &before));
        world.put(PODS, claiming(0, &revision, &json!({})));

        let plan = world.reconcile(&key(), now());

        let patch = only(&plan, Verb::MergePatch, CLAIMS).body.unwrap();
        let owners = &patch["metadata"]["ownerReferences"];
        assert_eq!(*owners, after["metadata"]["ownerReferences"], "{replicas} {policy:?}");
        assert_eq!(patch["metadata"]["resourceVersion"], "1");
    }
}

#[test]
fn claims_with_the_right_owners_are_left_alone() {
    for (replicas, policy, owners) in [
        (1, ("Retain", "Retain"), json!({})),
        (1, ("Delete", "Retain"), owner("apps/v1", "StatefulSet", "web")),
        (1, ("Retain", "Delete"), json!({})),
        (0, ("Delete", "Delete"), owner("v1", "Pod", "web-0")),
        // The owner was another object of the same name: the garbage collector sees to it.
        (1, ("Delete", "Retain"), {
            let mut stale = owner("apps/v1", "StatefulSet", "web");
            stale["metadata"]["ownerReferences"][0]["uid"] = json!("before");
            stale
        }),
    ] {
        let (mut world, revision) = world(&with_claims(replicas, policy));
        world.put(CLAIMS, claim(0, &owners));
        world.put(PODS, claiming(0, &revision, &json!({})));

        let plan = world.reconcile(&key(), now());

        assert_eq!(requests(&plan, Verb::MergePatch, CLAIMS).len(), 0, "{replicas} {policy:?}");
        assert_eq!(requests(&plan, Verb::Update, PODS).len(), 0);
    }
}

#[test]
fn a_claim_that_somebody_else_manages_is_told_and_kept_from_the_policy() {
    let (mut world, revision) = world(&with_claims(1, ("Delete", "Retain")));
    let pending = json!({"status": {"phase": "Pending", "conditions": []}});
    world.put(CLAIMS, claim(0, &owner("example.com/v1", "Database", "db")));
    world.put(PODS, claiming(0, &revision, &pending));

    let plan = world.reconcile(&key(), now());

    assert_eq!(requests(&plan, Verb::MergePatch, CLAIMS).len(), 0);
    assert!(events(&plan)[0].starts_with("ConflictingController: "));
}

#[test]
fn owners_of_a_claim_that_are_refused_are_told() {
    let (mut world, revision) = world(&with_claims(1, ("Delete", "Retain")));
    world.put(CLAIMS, claim(0, &json!({})));
    world.put(PODS, claiming(0, &revision, &json!({})));
    let plan = world.reconcile(&key(), now());
    world.refuse(&key(), &only(&plan, Verb::MergePatch, CLAIMS), Reason::Forbidden);

    let plan = world.reconcile(&key(), now());

    let message = "Update Pod web-0 in StatefulSet web failed error: could not update claim data-web-0 \
                   for delete policy ownerRefs: refused";
    assert_eq!(events(&plan), [event("FailedUpdate", message)]);
}

#[test]
fn a_pod_waits_for_a_claim_that_goes_with_the_pod_before_it() {
    let (mut world, _) = world(&with_claims(1, ("Retain", "Delete")));
    world.put(CLAIMS, claim(0, &owner("v1", "Pod", "web-0")));

    let waits = world.reconcile(&key(), now());
    world.remove(CLAIMS, &Key::new("default", "data-web-0"));
    let goes_on = world.reconcile(&key(), now());

    assert_eq!(created(&waits, PODS), Vec::<String>::new());
    assert_eq!(created(&goes_on, CLAIMS), ["data-web-0"]);
}
