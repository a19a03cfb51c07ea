//! Tests of what becomes of pods.

use super::*;

#[test]
fn the_ip_of_a_pod_is_the_first_of_its_ips() {
    let table = [
        (json!({"podIPs": [{"ip": "1"}, {"ip": "2"}]}), "1", json!([{"ip": "1"}, {"ip": "2"}])),
        (json!({"podIP": "1"}), "1", json!([{"ip": "1"}])),
        (json!({"podIP": "3", "podIPs": [{"ip": "1"}, {"ip": "2"}]}), "3", json!([{"ip": "3"}])),
    ];
    for (status, single, many) in table {
        let mut pod = json!({"status": status});

        apply_defaults(&mut pod);

        assert_eq!((&pod["status"]["podIP"], &pod["status"]["podIPs"]), (&json!(single), &many));
    }
}

#[test]
fn a_new_pod_is_pending_and_names_its_account_twice() {
    let mut pod = pod();
    pod["spec"]["serviceAccountName"] = json!("robot");

    prepare_for_create(&mut pod);

    assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
    assert_eq!(pod["metadata"]["generation"], 1);
    assert_eq!(pod["spec"]["serviceAccount"], "robot");
    assert_eq!(validate(&pod), []);
}

#[test]
fn limits_are_requests_where_there_are_none() {
    let mut pod = pod();
    pod["spec"]["containers"][0]["resources"] =
        json!({"limits": {"cpu": "1000m", "memory": "1Gi"}});

    apply_defaults(&mut pod);

    let both = json!({"cpu": "1", "memory": "1Gi"});
    assert_eq!(
        pod["spec"]["containers"][0]["resources"],
        json!({"limits": both, "requests": both})
    );
}

#[test]
fn a_pod_of_the_host_network_has_the_hosts_ports() {
    let mut pod = pod();
    pod["spec"]["hostNetwork"] = json!(true);
    pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80}]);

    apply_defaults(&mut pod);

    assert_eq!(pod["spec"]["containers"][0]["ports"][0]["hostPort"], 80);
}

#[test]
fn a_change_of_the_spec_is_counted() {
    let old = created();
    let mut new = old.clone();
    new["spec"]["containers"][0]["image"] = json!("a:2");
    new["status"] = json!({});

    prepare_for_update(&mut new, &old);

    assert_eq!(new["metadata"]["generation"], 2);
    assert_eq!(new["status"], old["status"]);
    assert_eq!(validate_update(&new, &old), []);
}

#[test]
fn only_images_deadlines_and_tolerations_of_a_pod_change() {
    let mut old = created();
    old["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
    let table = [
        ("/spec/containers/0/image", json!("b:1"), ""),
        ("/spec/activeDeadlineSeconds", json!(5), ""),
        (
            "/spec/nodeName",
            json!("n"),
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,",
        ),
        ("/spec/containers/0/command", json!(["x"]), "spec: Forbidden: pod updates may not"),
        ("/spec/initContainers", json!([]), ""),
        (
            "/spec/tolerations",
            json!([]),
            "spec.tolerations: Forbidden: existing toleration can not",
        ),
        (
            "/spec/schedulingGates",
            json!([{"name": "a/b"}]),
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a/b'",
        ),
    ];
    for (path, value, prefix) in table {
        let mut new = old.clone();
        set(&mut new, path, value);
        let message = validate_update(&new, &old).first().map(ToString::to_string);
        let message = message.unwrap_or_default();
        assert_eq!(message.is_empty(), prefix.is_empty(), "{path}: {message}");
        assert!(message.starts_with(prefix), "{path}: {message}");
    }
}

#[test]
fn the_annotations_of_a_pod_are_looked_at() {
    let key = "controller.kubernetes.io/pod-deletion-cost";
    let mut pod = created();
    pod["metadata"]["annotations"] = json!({key: "much"});

    assert_eq!(validate(&pod)[0].field, format!("metadata.annotations[{key}]"));
    assert_eq!(validate_update(&pod, &pod), []);
}

#[test]
fn a_pod_keeps_its_number_of_containers() {
    let old = created();
    let mut new = old.clone();
    let container = new["spec"]["containers"][0].clone();
    new["spec"]["containers"] = json!([container, {
        "name": "d", "image": "a:1", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
    }]);

    assert_eq!(
        validate_update(&new, &old)[0].to_string(),
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    );
}

#[test]
fn a_status_update_changes_only_the_status() {
    let mut old = created();
    old["status"]["conditions"] = json!([{"type": "Ready", "observedGeneration": 1}]);
    let mut new = old.clone();
    new["spec"]["nodeName"] = json!("n");
    new["metadata"]["ownerReferences"] = json!([{}]);
    new["status"] =
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});

    prepare_for_status_update(&mut new, &old);

    assert_eq!(new["spec"], old["spec"]);
    assert_eq!(new["metadata"], old["metadata"]);
    assert_eq!(
        new["status"],
        json!({
            "phase": "Running", "qosClass": "BestEffort",
            "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}],
        })
    );
}

#[test]
fn a_status_update_is_held_to_what_it_says_of_claims() {
    let mut new = created();
    new["status"]["extendedResourceClaimStatus"] = json!({"resourceClaimName": "web"});

    let causes = validate_status_update(&new, &created());

    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].field, "status.extendedResourceClaimStatus.requestMappings");
}

#[test]
fn a_container_that_ended_for_good_does_not_run_again() {
    let status = |state: Value| json!({"containerStatuses": [{"name": "c", "state": state}]});
    let ended = |code: i64| status(json!({"terminated": {"exitCode": code}}));
    let runs = status(json!({"running": {}}));
    let table =
        [("Always", 0, true), ("OnFailure", 1, true), ("OnFailure", 0, false), ("Never", 1, false)];
    for (policy, code, allowed) in table {
        let pod = |status: &Value| {
            let mut pod = created();
            pod["spec"]["restartPolicy"] = json!(policy);
            pod["status"] = status.clone();
            pod
        };
        let causes = validate_status_update(&pod(&runs), &pod(&ended(code)));
        assert_eq!(causes.is_empty(), allowed, "{policy} {code}");
    }
}

#[test]
fn a_pod_that_runs_nowhere_is_deleted_at_once() {
    let table = [
        (json!({"spec": {"terminationGracePeriodSeconds": 30}}), 0),
        (json!({"spec": {"terminationGracePeriodSeconds": 30, "nodeName": "n"}}), 30),
        (json!({"spec": {"terminationGracePeriodSeconds": -1, "nodeName": "n"}}), 1),
        (
            json!({"spec": {"terminationGracePeriodSeconds": 30, "nodeName": "n"}, "status": {"phase": "Failed"}}),
            0,
        ),
    ];
    for (pod, seconds) in table {
        assert_eq!(graceful_delete_seconds(&pod), seconds, "{pod}");
    }
}

fn pod() -> Value {
    let mut pod = json!({
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "a:1"}]},
    });
    apply_defaults(&mut pod);
    pod
}

fn created() -> Value {
    let mut pod = pod();
    prepare_for_create(&mut pod);
    pod
}

fn set(object: &mut Value, path: &str, value: Value) {
    let (parent, field) = path.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().insert(field.to_owned(), value);
}
