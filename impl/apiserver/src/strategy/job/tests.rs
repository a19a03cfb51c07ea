//! Tests of the defaults and rules of Jobs.

use super::*;

#[test]
fn a_job_is_filled_in() {
    let job = job(json!({}));

    let mut spec = job["spec"].clone();
    spec["template"].take();
    assert_eq!(
        spec,
        json!({
            "completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed",
            "suspend": false, "podReplacementPolicy": "TerminatingOrFailed", "manualSelector": false,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "1"}}, "template": null,
        })
    );
    assert_eq!(validate(&job), []);
}

#[test]
fn a_job_selects_its_own_pods() {
    let job = job(json!({}));

    let labels = json!({
        "job-name": "j", "batch.kubernetes.io/job-name": "j",
        "controller-uid": "1", "batch.kubernetes.io/controller-uid": "1",
    });
    assert_eq!(job["spec"]["template"]["metadata"]["labels"], labels);
    assert_eq!(job["metadata"]["labels"], labels);
}

#[test]
fn a_job_keeps_labels_of_its_own() {
    let mut job = json!({
        "metadata": {"labels": {"a": "b"}},
        "spec": {"template": {"metadata": {"labels": {"c": "d"}}}},
    });

    apply_defaults(&mut job);
    prepare_for_create(&mut job);

    assert_eq!(job["metadata"]["labels"], json!({"a": "b"}));
}

#[test]
fn a_failure_policy_and_a_limit_per_index_change_the_defaults() {
    let policy = json!({"rules": [{"action": "Ignore", "onPodConditions": [{"type": "A"}]}]});
    let job = job(json!({"podFailurePolicy": policy, "backoffLimitPerIndex": 1, "parallelism": 2}));

    let spec = &job["spec"];
    assert_eq!(spec["podReplacementPolicy"], "Failed");
    assert_eq!(spec["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"], "True");
    assert_eq!(spec["backoffLimit"], i32::MAX);
    assert_eq!(spec.get("completions"), None);
}

#[test]
fn a_job_says_what_it_breaks() {
    let table = [
        (
            json!({"parallelism": -1}),
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"completionMode": "Some"}),
            "spec.completionMode: Unsupported value: \"Some\": supported values: \"NonIndexed\", \"Indexed\"",
        ),
        (
            json!({"completionMode": "Indexed", "completions": null}),
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            json!({"completionMode": "Indexed", "parallelism": 100_001}),
            "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed",
        ),
        (
            json!({"completionMode": "Indexed", "backoffLimitPerIndex": 1, "maxFailedIndexes": 2}),
            "spec.maxFailedIndexes: Invalid value: 2: must be less than or equal to completions",
        ),
        (
            json!({"completionMode": "Indexed", "backoffLimitPerIndex": 1, "completions": 100_001, "maxFailedIndexes": 10_001}),
            "spec.maxFailedIndexes: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index",
        ),
        (
            json!({"backoffLimitPerIndex": 1}),
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
        ),
        (
            json!({"completionMode": "Indexed", "maxFailedIndexes": 1}),
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        ),
        (
            json!({"managedBy": "me"}),
            "spec.managedBy: Invalid value: \"me\": must be a domain-prefixed path (such as \"acme.io/foo\")",
        ),
        (
            json!({"managedBy": "example.com/a b"}),
            "spec.managedBy: Invalid value: \"a b\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ),
        (
            json!({"podReplacementPolicy": "Some"}),
            "spec.podReplacementPolicy: Unsupported value: \"Some\": supported values: \"Failed\", \"TerminatingOrFailed\"",
        ),
        (
            json!({"successPolicy": {}}),
            "spec.successPolicy: Invalid value: {}: requires indexed completion mode",
        ),
        (
            json!({"manualSelector": true, "selector": null}),
            "spec.selector: Required value\nspec.template.metadata.labels: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"1\",\"batch.kubernetes.io/job-name\":\"j\",\"controller-uid\":\"1\",\"job-name\":\"j\"}: `selector` does not match template `labels`",
        ),
    ];
    for (change, message) in table {
        let job = changed(&job(json!({})), change);
        assert_eq!(messages(validate(&job)), message);
    }
}

#[test]
fn the_pods_of_a_job_end() {
    let table = [
        ("Always", "Required value: valid values: \"OnFailure\", \"Never\""),
        (
            "OnFailure",
            "Invalid value: \"OnFailure\": only \"Never\" is supported when podFailurePolicy is specified",
        ),
    ];
    for (policy, message) in table {
        let mut job = job(json!({"podFailurePolicy": {}}));
        job["spec"]["template"]["spec"]["restartPolicy"] = json!(policy);
        let message = format!("spec.template.spec.restartPolicy: {message}");
        assert_eq!(messages(validate(&job)), message);
    }
}

#[test]
fn labels_that_contradict_the_selector_are_refused() {
    let mut job = job(json!({}));
    job["spec"]["template"]["metadata"]["labels"] =
        json!({"job-name": "x", "controller-uid": "1", "batch.kubernetes.io/controller-uid": "1"});

    assert_eq!(
        messages(validate(&job)),
        "spec.template.metadata.labels[job-name]: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"1\",\"controller-uid\":\"1\",\"job-name\":\"x\"}: must be 'j'\n\
         spec.template.metadata.labels[batch.kubernetes.io/job-name]: Required value: must be 'j'"
    );
}

#[test]
fn the_name_of_an_indexed_job_leaves_room_for_the_index() {
    let mut job =
        job(json!({"completionMode": "Indexed", "completions": 11, "manualSelector": true}));
    let name = "x".repeat(61);
    job["metadata"]["name"] = json!(name);
    job["spec"]["selector"] = json!({"matchLabels": {"a": "b"}});
    job["spec"]["template"]["metadata"]["labels"] = json!({"a": "b"});

    assert_eq!(
        messages(validate(&job)),
        format!(
            "metadata.name: Invalid value: \"{name}\": will not able to create pod with invalid DNS label: {name}-10"
        )
    );
}

#[test]
fn policies_say_what_they_break() {
    let exit_codes = |values: Value| {
        json!({"podFailurePolicy": {"rules": [
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": values}},
        ]}})
    };
    let rule = |rule: Value| json!({"podFailurePolicy": {"rules": [rule]}});
    let success = |rule: Value| json!({"completionMode": "Indexed", "completions": 5, "successPolicy": {"rules": [rule]}});
    let (failure, path) = ("spec.podFailurePolicy.rules[0]", "spec.successPolicy.rules[0]");
    let table = [
        (exit_codes(json!([0])), format!("{failure}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator")),
        (exit_codes(json!([])), format!("{failure}.onExitCodes.values: Invalid value: []: at least one value is required")),
        (exit_codes(json!([1, 1])), format!("{failure}.onExitCodes.values[1]: Duplicate value: 1")),
        (exit_codes(json!([2, 1])), format!("{failure}.onExitCodes.values: Invalid value: [2,1]: must be ordered")),
        (rule(json!({"action": "Count"})), format!("{failure}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required")),
        (
            rule(json!({"onPodConditions": [{"type": "A", "status": "True"}]})),
            format!("{failure}.action: Required value: valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"),
        ),
        (
            rule(json!({"action": "FailIndex", "onPodConditions": [{"type": "A", "status": "Yes"}]})),
            format!(
                "{failure}.action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set\n\
                 {failure}.onPodConditions[0].status: Unsupported value: \"Yes\": supported values: \"False\", \"True\", \"Unknown\""
            ),
        ),
        (
            rule(json!({"action": "Count", "onExitCodes": {"operator": "In", "values": [1], "containerName": "x"}})),
            format!("{failure}.onExitCodes.containerName: Invalid value: \"x\": must be one of the container or initContainer names in the pod template"),
        ),
        (success(json!({})), format!("{path}: Required value: at least one of succeededCount or succeededIndexes must be specified")),
        (success(json!({"succeededCount": 6})), format!("{path}.succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)")),
        (
            success(json!({"succeededCount": 3, "succeededIndexes": "0-1"})),
            format!("{path}.succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"),
        ),
        (
            success(json!({"succeededIndexes": "7"})),
            format!("{path}.succeededIndexes: Invalid value: \"7\": error parsing succeededIndexes: too large index: \"7\""),
        ),
        (
            json!({"completionMode": "Indexed", "successPolicy": {"rules": []}}),
            "spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified".to_owned(),
        ),
    ];
    for (spec, message) in table {
        assert_eq!(messages(validate(&job(spec))), message);
    }
}

#[test]
fn a_job_stays_the_task_it_is() {
    let old = job(json!({}));
    let table = [
        (json!({"completions": 2}), "spec.completions: Invalid value: 2: field is immutable"),
        (
            json!({"managedBy": "example.com/me"}),
            "spec.managedBy: Invalid value: \"example.com/me\": field is immutable",
        ),
        (json!({"parallelism": 2}), ""),
        (json!({"suspend": true}), ""),
    ];
    for (change, message) in table {
        assert_eq!(messages(validate_update(&changed(&old, change), &old)), message);
    }
}

#[test]
fn an_indexed_job_grows_as_a_whole() {
    let old = job(json!({"completionMode": "Indexed", "completions": 2, "parallelism": 2}));

    let apart = validate_update(&changed(&old, json!({"completions": 3})), &old);
    let together =
        validate_update(&changed(&old, json!({"completions": 3, "parallelism": 3})), &old);

    assert_eq!(
        messages(apart),
        "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"
    );
    assert_eq!(together, []);
}

#[test]
fn the_template_changes_only_while_nothing_runs() {
    let suspended = job(json!({"suspend": true}));
    let mut started = suspended.clone();
    started["status"] = json!({"startTime": "t"});
    let update = |old: &Value, path: &str, value: Value| {
        let mut new = old.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        new["spec"]["template"].pointer_mut(parent).unwrap()[field] = value;
        validate_update(&new, old).iter().map(|cause| cause.field.clone()).collect::<Vec<_>>()
    };
    let affinity = json!({"nodeAffinity": {"a": "b"}});

    assert!(update(&suspended, "/spec/nodeSelector", json!({"a": "b"})).is_empty());
    assert!(update(&suspended, "/spec/affinity", affinity).is_empty());
    assert!(
        update(&suspended, "/spec/containers/0/resources", json!({"limits": {"cpu": "1"}}))
            .is_empty()
    );
    assert_eq!(update(&suspended, "/spec/containers/0/image", json!("b")), ["spec.template.spec"]);
    assert_eq!(
        update(&suspended, "/spec/affinity", json!({"podAffinity": {}})),
        ["spec.template.spec"]
    );
    assert_eq!(update(&started, "/spec/nodeSelector", json!({"a": "b"})), ["spec.template"]);
}

fn messages(causes: Vec<Cause>) -> String {
    causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn changed(job: &Value, change: Value) -> Value {
    let mut job = job.clone();
    job["spec"].as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    job
}

fn job(spec: Value) -> Value {
    let template =
        json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "a"}]}});
    let job = json!({
        "metadata": {"name": "j", "namespace": "default", "uid": "1"}, "spec": {"template": template},
    });
    let mut job = changed(&job, spec);
    apply_defaults(&mut job);
    prepare_for_create(&mut job);
    job
}
