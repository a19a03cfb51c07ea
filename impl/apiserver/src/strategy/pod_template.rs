//! What a pod spec says when its author left it out.
//!
//! Source: `SetDefaults_PodSpec` and its neighbours in `pkg/apis/core/v1/defaults.go` (v1.36).

use serde_json::{Value, json};

use super::fields::{Fields, below, default, default_int, each, is_unset, made};
use super::{resources, volume};

const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

/// Fills in the pod template of a workload.
pub(super) fn apply_defaults(spec: &mut Fields) {
    let template = made(spec, "template");
    apply_spec_defaults(made(template, "spec"));
}

/// Fills in the spec of a pod or of a template.
pub(super) fn apply_spec_defaults(spec: &mut Fields) {
    default(spec, "restartPolicy", "Always");
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "securityContext", json!({}));
    alias_service_account(spec);
    resources::canonicalize(spec, "overhead");
    if let Some(resources) = below(spec, "resources") {
        resources::canonicalize_requirements(resources);
    }
    each(spec, "volumes", volume::apply_defaults);
    for list in CONTAINER_LISTS {
        each(spec, list, container_defaults);
    }
}

/// `serviceAccount` is the deprecated name of `serviceAccountName`, which wins.
pub(super) fn alias_service_account(spec: &mut Fields) {
    if is_unset(spec.get("serviceAccountName")) && !is_unset(spec.get("serviceAccount")) {
        let name = spec.get("serviceAccount").cloned().unwrap_or_default();
        spec.insert("serviceAccountName".to_owned(), name);
    }
    match spec.get("serviceAccountName").cloned() {
        Some(name) if !is_unset(Some(&name)) => spec.insert("serviceAccount".to_owned(), name),
        Some(_) | None => spec.remove("serviceAccount"),
    };
}

/// `Always` when the image's tag is `latest`, written or not.
pub(super) fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = match image.split_once('@') {
        Some((name, _)) => (name, true),
        None => (image, false),
    };
    let last = name.rsplit('/').next().unwrap_or(name);
    let latest = match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => !digest && !image.is_empty(),
    };
    if latest { "Always" } else { "IfNotPresent" }
}

fn container_defaults(container: &mut Fields) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = pull_policy(image);
    default(container, "imagePullPolicy", policy);
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    resources::canonicalize_requirements(made(container, "resources"));
    each(container, "ports", |port| default(port, "protocol", "TCP"));
    each(container, "env", env_defaults);
    for probe in PROBES {
        if let Some(probe) = below(container, probe) {
            probe_defaults(probe);
        }
    }
    for handler in ["postStart", "preStop"] {
        if let Some(handler) = below(container, "lifecycle").and_then(|all| below(all, handler)) {
            handler_defaults(handler);
        }
    }
}

fn env_defaults(variable: &mut Fields) {
    let Some(source) = below(variable, "valueFrom") else {
        return;
    };
    if let Some(reference) = below(source, "fieldRef") {
        default(reference, "apiVersion", "v1");
    }
    if let Some(reference) = below(source, "resourceFieldRef") {
        default(reference, "divisor", "0");
    }
}

fn probe_defaults(probe: &mut Fields) {
    default_int(probe, "timeoutSeconds", 1);
    default_int(probe, "periodSeconds", 10);
    default_int(probe, "successThreshold", 1);
    default_int(probe, "failureThreshold", 3);
    handler_defaults(probe);
}

fn handler_defaults(handler: &mut Fields) {
    if let Some(get) = below(handler, "httpGet") {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
    if let Some(call) = below(handler, "grpc") {
        default(call, "service", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_policy_follows_the_tag() {
        let table = [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry:5000/nginx", "Always"),
            ("registry:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0", "IfNotPresent"),
            ("nginx:latest@sha256:0", "Always"),
            ("", "IfNotPresent"),
        ];
        for (image, expected) in table {
            assert_eq!(pull_policy(image), expected, "{image}");
        }
    }

    #[test]
    fn a_spec_with_one_container_is_filled_in() {
        let mut spec = json!({"containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}]});

        apply_spec_defaults(spec.as_object_mut().unwrap());

        let expected = json!({
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "terminationGracePeriodSeconds": 30, "securityContext": {},
            "containers": [{
                "name": "c", "image": "nginx", "imagePullPolicy": "Always",
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "resources": {}, "ports": [{"containerPort": 80, "protocol": "TCP"}],
            }],
        });
        assert_eq!(spec, expected);
    }

    #[test]
    fn probes_and_environment_are_filled_in() {
        let mut container = json!({
            "image": "a:1",
            "livenessProbe": {"httpGet": {"port": 80}, "periodSeconds": 5},
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
        });

        container_defaults(container.as_object_mut().unwrap());

        let probe = json!({
            "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
            "timeoutSeconds": 1, "periodSeconds": 5, "successThreshold": 1, "failureThreshold": 3,
        });
        assert_eq!(container["livenessProbe"], probe);
        assert_eq!(container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"], "v1");
        assert_eq!(container["lifecycle"]["preStop"]["httpGet"]["scheme"], "HTTP");
    }

    #[test]
    fn the_old_name_of_the_service_account_still_works() {
        let mut spec = json!({"serviceAccount": "robot"});

        alias_service_account(spec.as_object_mut().unwrap());

        assert_eq!(spec, json!({"serviceAccount": "robot", "serviceAccountName": "robot"}));
    }
}
