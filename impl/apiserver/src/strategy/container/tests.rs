//! Tests of what containers break.

use super::*;

#[test]
fn containers_say_what_they_break() {
    let table = [
        (json!({}), vec![]),
        (json!({"name": ""}), vec!["c[0].name: Required value"]),
        (json!({"name": "a.b"}), vec!["c[0].name: Invalid value: \"a.b\": must not contain dots"]),
        (json!({"image": null}), vec!["c[0].image: Required value"]),
        (
            json!({"imagePullPolicy": "Sometimes"}),
            vec![
                "c[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            ],
        ),
        (
            json!({"ports": [{"containerPort": 0, "protocol": "TCP"}]}),
            vec!["c[0].ports[0].containerPort: Required value"],
        ),
        (
            json!({"ports": [{"containerPort": 65536, "protocol": "TCP"}]}),
            vec![
                "c[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
            ],
        ),
        (
            json!({"ports": [
                {"name": "a", "containerPort": 1, "protocol": "TCP"},
                {"name": "a", "containerPort": 2, "protocol": "TCP"},
            ]}),
            vec!["c[0].ports[1].name: Duplicate value: \"a\""],
        ),
        (
            json!({"ports": [
                {"containerPort": 1, "hostPort": 9, "protocol": "TCP"},
                {"containerPort": 2, "hostPort": 9, "protocol": "TCP"},
            ]}),
            vec!["c[0].ports[1].hostPort: Duplicate value: \"TCP//9\""],
        ),
        (
            json!({"env": [{"name": "A=B"}]}),
            vec![
                "c[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='",
            ],
        ),
        (
            json!({"env": [{"name": "A", "value": "1", "valueFrom": {"fileKeyRef": {}}}]}),
            vec![
                "c[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
            ],
        ),
        (
            json!({"envFrom": [{"secretRef": {}}]}),
            vec!["c[0].envFrom[0].secretRef.name: Required value"],
        ),
        (
            json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}),
            vec!["c[0].volumeMounts[0].name: Not found: \"v\""],
        ),
    ];
    for (change, expected) in table {
        let spec = json!({"containers": [container(change.clone())]});
        assert_eq!(told(&spec), expected, "{change}");
    }
}

#[test]
fn a_pod_has_containers_with_names_of_their_own() {
    let one = || container(json!({}));

    assert_eq!(told(&json!({})), ["c: Required value"]);
    assert_eq!(told(&json!({"containers": [one(), one()]})), ["c[1].name: Duplicate value: \"c\""]);
    assert_eq!(
        told(&json!({"containers": [one()], "initContainers": [one()]})),
        ["i[0].name: Duplicate value: \"c\""]
    );
}

#[test]
fn only_sidecars_among_init_containers_have_probes() {
    let probe = json!({"successThreshold": 1, "exec": {"command": ["true"]}});
    let sidecar = container(json!({"restartPolicy": "Always", "livenessProbe": probe}));
    let init = container(json!({"livenessProbe": probe}));

    assert_eq!(told(&with_init(&sidecar)), [""; 0]);
    assert_eq!(
        told(&with_init(&init)),
        [
            "i[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"
        ]
    );
}

fn container(change: Value) -> Value {
    let mut container = json!({
        "name": "c", "image": "a:1", "imagePullPolicy": "IfNotPresent",
        "terminationMessagePolicy": "File",
    });
    let change = change.as_object().cloned().unwrap();
    container.as_object_mut().unwrap().extend(change);
    container
}

fn with_init(init: &Value) -> Value {
    let mut other = container(json!({}));
    other["name"] = json!("other");
    json!({"containers": [other], "initContainers": [init]})
}

/// What the containers of a pod break, those that run and those that come before them.
fn told(spec: &Value) -> Vec<String> {
    let (draft, volumes) = (Draft { spec, old: &Value::Null, is_pod: true }, BTreeSet::new());
    let pod = Surroundings { draft, volumes: &volumes };
    let mut causes = validate("c", pod);
    causes.extend(validate_init("i", pod));
    causes.iter().map(ToString::to_string).collect()
}
