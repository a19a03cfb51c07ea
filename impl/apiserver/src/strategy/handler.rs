//! Probes and lifecycle hooks: what they may ask for.
//!
//! Source: `validateProbe`, `validateHandler` and `validateLifecycle` (v1.36). Left out: signals to stop with,
//! which upstream drops while `ContainerStopSignals` is off.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, int, items};
use super::rules::{named, non_negative, one_of, port, port_or_name};

const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
const SCHEMES: [&str; 2] = ["HTTP", "HTTPS"];
const SECONDS_AND_THRESHOLDS: [&str; 5] = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
];

/// What the probes of a container break.
pub(super) fn probe_causes(path: &str, container: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = get(container, &[name]) else {
            continue;
        };
        let path = format!("{path}.{name}");
        causes.extend(one_probe_causes(&path, probe));
        let threshold = int(probe, &["successThreshold"]).unwrap_or_default();
        if name != "readinessProbe" && threshold != 1 {
            let field = format!("{path}.successThreshold");
            causes.push(Cause::invalid(field, &json!(threshold), "must be 1"));
        }
        let grace = get(probe, &["terminationGracePeriodSeconds"]);
        if let Some(grace) = grace.filter(|_| name == "readinessProbe") {
            let field = format!("{path}.terminationGracePeriodSeconds");
            causes.push(Cause::invalid(field, grace, "must not be set for readinessProbes"));
        }
    }
    causes
}

/// What the lifecycle hooks of a container break.
pub(super) fn lifecycle_causes(path: &str, container: &Value, spec: &Value) -> Vec<Cause> {
    let grace_period = int(spec, &["terminationGracePeriodSeconds"]);
    let mut causes = vec![];
    for hook in ["postStart", "preStop"] {
        if let Some(handler) = get(container, &["lifecycle", hook]) {
            let path = format!("{path}.lifecycle.{hook}");
            causes.extend(handler_causes(&path, handler));
            causes.extend(sleep_cause(&path, handler, grace_period));
        }
    }
    causes
}

/// A hook that only sleeps does so within the grace period of its pod.
fn sleep_cause(path: &str, handler: &Value, grace_period: Option<i64>) -> Option<Cause> {
    let is_first = HANDLERS.iter().find(|kind| get(handler, &[**kind]).is_some()) == Some(&"sleep");
    let (seconds, most) = (int(handler, &["sleep", "seconds"]).unwrap_or_default(), grace_period?);
    let rule = format!("must be non-negative and less than terminationGracePeriodSeconds ({most})");
    (is_first && !(0..=most).contains(&seconds))
        .then(|| Cause::invalid(format!("{path}.sleep"), &json!(seconds), &rule))
}

fn one_probe_causes(path: &str, probe: &Value) -> Vec<Cause> {
    let mut causes = handler_causes(path, probe);
    for field in SECONDS_AND_THRESHOLDS {
        causes.extend(non_negative(probe, path, field));
    }
    let grace = int(probe, &["terminationGracePeriodSeconds"]);
    if let Some(grace) = grace.filter(|seconds| *seconds <= 0) {
        let field = format!("{path}.terminationGracePeriodSeconds");
        causes.push(Cause::invalid(field, &json!(grace), "must be greater than 0"));
    }
    causes
}

fn handler_causes(path: &str, handler: &Value) -> Vec<Cause> {
    let given = |kind: &str| get(handler, &[kind]).map(|action| (kind.to_owned(), action));
    let mut actions = HANDLERS.into_iter().filter_map(given);
    let Some((kind, action)) = actions.next() else {
        return vec![Cause::required(path, "must specify a handler type")];
    };
    let mut causes = action_causes(&format!("{path}.{kind}"), &kind, action);
    let rule = "may not specify more than 1 handler type";
    causes.extend(actions.map(|(other, _)| Cause::forbidden(format!("{path}.{other}"), rule)));
    causes
}

fn action_causes(path: &str, kind: &str, action: &Value) -> Vec<Cause> {
    let port_field = format!("{path}.port");
    match kind {
        "exec" if items(action, &["command"]).is_empty() => {
            vec![Cause::required(format!("{path}.command"), "")]
        }
        "httpGet" => http_causes(path, action),
        "tcpSocket" => port_or_name(&port_field, get(action, &["port"])),
        "grpc" => {
            port(port_field, int(action, &["port"]).unwrap_or_default()).into_iter().collect()
        }
        _ => vec![],
    }
}

fn http_causes(path: &str, action: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if text(action, &["path"]).is_empty() {
        causes.push(Cause::required(format!("{path}.path"), ""));
    }
    causes.extend(port_or_name(&format!("{path}.port"), get(action, &["port"])));
    causes.extend(one_of(format!("{path}.scheme"), get(action, &["scheme"]), &SCHEMES, true));
    let field = format!("{path}.httpHeaders");
    for header in items(action, &["httpHeaders"]) {
        causes.extend(named(&field, text(header, &["name"]), names::http_header_name));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_say_what_they_break() {
        let table = [
            (json!({"readinessProbe": {"exec": {"command": ["true"]}}}), vec![]),
            (
                json!({"readinessProbe": {"exec": {}}}),
                vec!["c.readinessProbe.exec.command: Required value"],
            ),
            (
                json!({"readinessProbe": {"periodSeconds": -1, "tcpSocket": {"port": 80}}}),
                vec![
                    "c.readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
                ],
            ),
            (
                json!({"livenessProbe": {"successThreshold": 2, "tcpSocket": {"port": 80}}}),
                vec!["c.livenessProbe.successThreshold: Invalid value: 2: must be 1"],
            ),
            (
                json!({"readinessProbe": {}}),
                vec!["c.readinessProbe: Required value: must specify a handler type"],
            ),
            (
                json!({"readinessProbe": {"exec": {"command": ["a"]}, "grpc": {"port": 1}}}),
                vec!["c.readinessProbe.grpc: Forbidden: may not specify more than 1 handler type"],
            ),
            (
                json!({"readinessProbe": {"httpGet": {"path": "/", "scheme": "FTP", "port": 70000}}}),
                vec![
                    "c.readinessProbe.httpGet.port: Invalid value: 70000: must be between 1 and 65535, inclusive",
                    "c.readinessProbe.httpGet.scheme: Unsupported value: \"FTP\": supported values: \"HTTP\", \"HTTPS\"",
                ],
            ),
        ];
        for (container, expected) in table {
            let causes = probe_causes("c", &container);
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages, expected, "{container}");
        }
    }

    #[test]
    fn a_hook_sleeps_within_the_grace_period() {
        let spec = json!({"terminationGracePeriodSeconds": 30});
        let table = [(0, ""), (30, ""), (-1, "-1"), (31, "31")];
        for (seconds, shown) in table {
            let container = json!({"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}});
            let causes = lifecycle_causes("c", &container, &spec);
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            let rule = "must be non-negative and less than terminationGracePeriodSeconds (30)";
            let message = format!("c.lifecycle.preStop.sleep: Invalid value: {shown}: {rule}");
            assert_eq!(messages.is_empty(), shown.is_empty(), "{seconds}");
            assert!(messages.iter().all(|told| *told == message), "{messages:?}");
        }
    }
}
