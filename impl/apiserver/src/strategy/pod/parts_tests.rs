//! Tests of what can be changed of a pod that runs: containers are added, resources are others.

use super::*;

fn pod() -> Value {
    let mut pod = json!({"metadata": {"name": "p", "namespace": "n", "generation": 1}, "spec": {
        "containers": [{"name": "c", "image": "i",
            "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}]}});
    apply_defaults(&mut pod);
    pod
}

fn messages(causes: &[Cause]) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}

/// The pod with these ephemeral containers, and what they break.
fn debugged(old: &Value, containers: Value) -> (Value, Vec<String>) {
    let mut new = old.clone();
    new["spec"]["ephemeralContainers"] = containers;
    new["spec"]["containers"][0]["image"] = json!("other");
    apply_defaults(&mut new);
    ephemeral::prepare_for_update(&mut new, old);
    let causes = messages(&ephemeral::validate_update(&new, old));
    (new, causes)
}

#[test]
fn ephemeral_containers_are_added_and_nothing_else_changes() {
    let debugger = json!({"name": "d", "image": "busybox", "targetContainerName": "c"});

    let (new, causes) = debugged(&pod(), json!([debugger]));

    assert_eq!(causes, [""; 0]);
    assert_eq!(new["spec"]["containers"][0]["image"], "i");
    assert_eq!(new["spec"]["ephemeralContainers"][0]["imagePullPolicy"], "Always");
    assert_eq!(new["metadata"]["generation"], 2);
    let (_, causes) = debugged(&new, json!([]));
    assert_eq!(
        causes,
        [
            "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed\n"
        ]
    );
    let (_, causes) = debugged(&new, json!([{"name": "d", "image": "other"}]));
    assert!(causes[0].contains("existing ephemeral containers \"d\" may not be changed"));
}

#[test]
fn ephemeral_containers_offer_nothing() {
    let path = "spec.ephemeralContainers[0]";
    let table = [
        (json!({"name": "c"}), format!("{path}.name: Duplicate value: \"c\"")),
        (
            json!({"targetContainerName": "x"}),
            format!("{path}.targetContainerName: Not found: \"x\""),
        ),
        (
            json!({"ports": [{"containerPort": 80, "protocol": "TCP"}]}),
            format!("{path}.ports: Forbidden: cannot be set for an Ephemeral Container"),
        ),
        (
            json!({"resources": {"limits": {"cpu": "1"}}}),
            format!("{path}.resources: Forbidden: cannot be set for an Ephemeral Container"),
        ),
    ];
    for (change, expected) in table {
        let mut container = json!({"name": "d", "image": "busybox"});
        for (field, value) in change.as_object().into_iter().flatten() {
            container[field] = value.clone();
        }
        let (_, causes) = debugged(&pod(), json!([container]));
        assert_eq!(causes, [expected], "{change}");
    }
}

/// The pod with these resources, and what they break.
fn resized(resources: Value) -> (Value, Vec<String>) {
    let (old, mut new) = (pod(), pod());
    new["spec"]["containers"][0]["resources"] = resources;
    new["spec"]["containers"][0]["image"] = json!("other");
    resize::prepare_for_update(&mut new, &old);
    let causes = messages(&resize::validate_update(&new, &old));
    (new, causes)
}

#[test]
fn a_pod_gets_other_resources_and_keeps_the_rest() {
    let resources = json!({"requests": {"cpu": "500m"}, "limits": {"cpu": "3"}});

    let (new, causes) = resized(resources.clone());

    assert_eq!(causes, [""; 0]);
    let container = &new["spec"]["containers"][0];
    assert_eq!((&container["resources"], &container["image"]), (&resources, &json!("i")));
    assert_eq!(new["metadata"]["generation"], 2);
}

#[test]
fn resources_are_neither_taken_away_nor_of_other_sorts() {
    let table = [
        (
            json!({"requests": {"cpu": "1"}}),
            "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
        ),
        (
            json!({"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}}),
            "spec: Invalid value: null: Pod QOS Class may not change as a result of resizing",
        ),
        (
            json!({"requests": {"cpu": "1", "ephemeral-storage": "1Gi"}, "limits": {"cpu": "2"}}),
            "spec: Forbidden: only cpu and memory resources are mutable",
        ),
    ];
    for (resources, expected) in table {
        let (_, causes) = resized(resources.clone());
        assert_eq!(causes, [expected], "{resources}");
    }
}

#[test]
fn a_resize_is_of_the_same_containers() {
    let (old, mut new) = (pod(), pod());
    new["spec"]["containers"][0]["name"] = json!("d");

    resize::prepare_for_update(&mut new, &old);

    let causes = messages(&resize::validate_update(&new, &old));
    assert_eq!(
        causes,
        [
            "spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize"
        ]
    );
}
