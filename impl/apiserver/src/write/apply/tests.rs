//! Tests of who owns what, as requests make it.

use std::time::Duration;

use api::Timestamp;
use http::Method;
use store::{Store, Transaction};

use super::*;
use crate::call::Context;
use crate::options::write::APPLY;
use crate::{keys, object};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// An API server with the namespace `default`, asked by one program after another, one each second.
struct Server {
    store: Store,
    now: Timestamp,
}

impl Server {
    fn new() -> Self {
        let mut store = Store::default();
        let namespace = json!({"metadata": {"name": "default"}});
        let namespace = object::encode(&api::resources::NAMESPACES, &namespace);
        let key = keys::key(&api::resources::NAMESPACES, None, "default");
        store.commit(&Transaction::create(key, namespace)).expect("it makes sense");
        Self { store, now: Timestamp::UNIX_EPOCH }
    }

    fn ask(&mut self, call: &Call) -> (u16, Value) {
        let context = Context { now: self.now, ..Context::of_tests() };
        self.now += Duration::from_secs(1);
        let response = match crate::decide(&self.store, call, &context) {
            Decision::Commit(commit) => {
                let committed = self.store.commit(&commit.transaction);
                let revision = committed.expect("it makes sense").revision;
                commit.respond(revision, context.now)
            }
            Decision::Respond(response) => response,
            Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) | Decision::Proxy(_) => {
                panic!("no answer")
            }
        };
        (response.code, serde_json::from_slice(&response.body).expect("an answer is JSON"))
    }

    fn send(&mut self, method: Method, path: &str, body: &Value, agent: &str) -> (u16, Value) {
        let content_type = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        self.ask(&Call {
            user_agent: agent.to_owned(),
            content_type: content_type.to_owned(),
            ..Call::of_tests(method, path, body)
        })
    }

    /// Applies with these parameters, `fieldManager=a&force=true`.
    fn apply(&mut self, path: &str, config: &Value, query: &str) -> (u16, Value) {
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        self.ask(&Call {
            content_type: APPLY.to_owned(),
            query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..Call::of_tests(Method::PATCH, path, config)
        })
    }

    fn create_map(&mut self, agent: &str) -> Value {
        let map = map(json!({"a": "1"}));
        self.send(Method::POST, MAPS, &map, agent).1
    }
}

fn map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data})
}

fn deployment(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
}

/// Managers of an object with the subresource that they write, in order.
fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let entry = |entry: &Value| {
        let text = |field| text(entry, &[field]);
        format!("{} {} {}", text("manager"), text("operation"), text("subresource"))
            .trim()
            .to_owned()
    };
    entries.map(entry).collect()
}

fn message(answer: &(u16, Value)) -> &str {
    text(&answer.1, &["message"])
}

#[test]
fn the_manager_of_a_write_is_the_program_or_what_the_request_says() {
    let mut server = Server::new();
    let made = server.create_map("kubectl/v1.33.1 (linux/amd64)");

    let path = format!("{MAPS}/m");
    let named = Call {
        content_type: "application/merge-patch+json".to_owned(),
        query: vec![("fieldManager".to_owned(), "named".to_owned())],
        ..Call::of_tests(Method::PATCH, path.as_str(), &json!({"data": {"b": "1"}}))
    };
    let named = server.ask(&named).1;
    let nobody = server.send(Method::PATCH, &path, &json!({"data": {"c": "1"}}), "").1;

    assert_eq!(managers(&made), ["kubectl Update"]);
    assert_eq!(managers(&named), ["kubectl Update", "named Update"]);
    assert_eq!(managers(&nobody), ["kubectl Update", "named Update", "unknown Update"]);
    let entry = &made["metadata"]["managedFields"][0];
    assert_eq!(entry["fieldsV1"], json!({"f:data": {".": {}, "f:a": {}}}));
    assert_eq!(
        (&entry["apiVersion"], &entry["time"]),
        (&json!("v1"), &json!("1970-01-01T00:00:00Z"))
    );
}

#[test]
fn a_client_that_sends_no_managed_fields_keeps_them_and_an_empty_list_resets_them() {
    let mut server = Server::new();
    server.create_map("kubectl");
    let path = format!("{MAPS}/m");

    let kept = server.send(Method::PUT, &path, &map(json!({"a": "1"})), "other").1;
    let mut reset = map(json!({"a": "1"}));
    reset["metadata"]["managedFields"] = json!([]);
    let reset = server.send(Method::PUT, &path, &reset, "other").1;
    let after = server.send(Method::PUT, &path, &map(json!({"a": "2"})), "other").1;

    assert_eq!(managers(&kept), ["kubectl Update"]);
    assert_eq!(managers(&reset), [""; 0]);
    assert_eq!(managers(&after), [""; 0], "nobody is recorded until somebody applies");
}

#[test]
fn a_write_without_effect_keeps_the_revision() {
    let mut server = Server::new();
    let made = server.create_map("kubectl");

    let again = server.send(Method::PUT, &format!("{MAPS}/m"), &map(json!({"a": "1"})), "other").1;
    let applied = server.apply(&format!("{MAPS}/m"), &map(json!({"a": "1"})), "fieldManager=a").1;
    let twice = server.apply(&format!("{MAPS}/m"), &map(json!({"a": "1"})), "fieldManager=a").1;
    let mut ours = map(json!({"a": "1"}));
    ours["metadata"]["generation"] = json!(7);
    let reset = server.apply(&format!("{MAPS}/m"), &ours, "fieldManager=a").1;

    assert_eq!(reset, applied, "what an apply changes in vain changes no time");
    assert_eq!(made, again);
    assert_eq!(managers(&applied), ["a Apply", "kubectl Update"]);
    assert_eq!(applied, twice);
}

#[test]
fn what_is_sent_empty_is_what_was_stored_as_none() {
    let mut server = Server::new();
    let path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let slice = json!({"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": []});

    let made = server.send(Method::POST, path, &slice, "kubectl").1;
    let again = server.send(Method::PUT, &format!("{path}/s"), &slice, "kubectl").1;

    assert_eq!((&made["endpoints"], &made["metadata"]["generation"]), (&Value::Null, &json!(1)));
    assert_eq!(made, again);
}

#[test]
fn the_status_is_owned_by_those_who_write_the_status() {
    let mut server = Server::new();
    let mut object = deployment(1);
    object["status"] = json!({"replicas": 7});
    let made = server.send(Method::POST, DEPLOYMENTS, &object, "kubectl").1;

    let status = json!({"metadata": {"managedFields": []}, "spec": {"replicas": 7}, "status": {"replicas": 2}});
    let written =
        server.send(Method::PATCH, &format!("{DEPLOYMENTS}/d/status"), &status, "controller").1;

    assert_eq!(managers(&written), ["kubectl Update", "controller Update status"]);
    assert_eq!(made["metadata"]["managedFields"][0]["fieldsV1"].get("f:status"), None);
    let entries = &written["metadata"]["managedFields"];
    assert_eq!(entries[1]["fieldsV1"], json!({"f:status": {"f:replicas": {}}}));
    assert!(entries[0]["fieldsV1"]["f:spec"].get("f:replicas").is_some());
}

#[test]
fn a_status_that_comes_with_the_old_metadata_is_owned_all_the_same() {
    let mut server = Server::new();
    let path = "/apis/networking.k8s.io/v1/servicecidrs";
    let cidr = json!({"metadata": {"name": "c"}, "spec": {"cidrs": ["10.0.0.0/16"]}});
    server.send(Method::POST, path, &cidr, "kubectl");

    let status = json!({"metadata": {"labels": {"a": "b"}},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "r",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "message": ""}]}});
    let written = server.send(Method::PATCH, &format!("{path}/c/status"), &status, "controller").1;

    assert_eq!(managers(&written), ["kubectl Update", "controller Update status"], "{written}");
    assert_eq!(written["metadata"].get("labels"), None);
}

#[test]
fn who_scales_owns_the_replicas() {
    let mut server = Server::new();
    server.apply(&format!("{DEPLOYMENTS}/d"), &deployment(1), "fieldManager=a");

    let scale = json!({"spec": {"replicas": 3}});
    server.send(Method::PATCH, &format!("{DEPLOYMENTS}/d/scale"), &scale, "autoscaler");
    let refused = server.apply(&format!("{DEPLOYMENTS}/d"), &deployment(1), "fieldManager=a");
    let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"},
        "spec": {"replicas": 4}});
    let path = format!("{DEPLOYMENTS}/d/scale");
    server.apply(&path, &scale, "fieldManager=b&force=true");
    server.apply(&path, &scale, "fieldManager=b");
    let object = server.send(Method::GET, &format!("{DEPLOYMENTS}/d"), &Value::Null, "").1;

    let why = "Apply failed with 1 conflict: conflict with \"autoscaler\" with subresource \"scale\" using apps/v1: .spec.replicas";
    assert_eq!((refused.0, message(&refused)), (409, why));
    assert_eq!(managers(&object), ["b Apply scale", "a Apply"]);
    assert_eq!(object["spec"]["replicas"], 4);
}

#[test]
fn fields_are_known_by_the_names_of_each_version_of_a_group() {
    let path = |version| {
        format!("/apis/autoscaling/{version}/namespaces/default/horizontalpodautoscalers/h")
    };
    let autoscaler = |version: &str, field: &str, value: Value| {
        json!({"apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h"}, "spec": {"maxReplicas": 3, field: value,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}})
    };
    let first = autoscaler("v1", "targetCPUUtilizationPercentage", json!(50));
    let metric = |utilization: i64| {
        json!([{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": utilization}}}])
    };
    let second = autoscaler("v2", "metrics", metric(60));
    let same = autoscaler("v2", "metrics", metric(50));
    let less = autoscaler("v2", "minReplicas", json!(1));
    let mut server = Server::new();

    server.apply(&path("v1"), &first, "fieldManager=a");
    let refused = server.apply(&path("v2"), &second, "fieldManager=b");
    let shared = server.apply(&path("v2"), &same, "fieldManager=b").1;
    let given_up = server.apply(&path("v2"), &less, "fieldManager=b").1;

    let why =
        "Apply failed with 1 conflict: conflict with \"a\": .spec.targetCPUUtilizationPercentage";
    assert_eq!((refused.0, message(&refused)), (409, why));
    // Who changes nothing has no time, and comes first.
    let entries = shared["metadata"]["managedFields"].as_array().unwrap();
    let versions: Vec<&str> = entries.iter().map(|entry| text(entry, &["apiVersion"])).collect();
    assert_eq!(managers(&shared), ["b Apply", "a Apply"]);
    assert_eq!(versions, ["autoscaling/v2", "autoscaling/v1"]);
    assert_eq!(given_up["spec"]["metrics"], metric(50), "a says it in its version");
}

#[test]
fn an_apply_makes_the_object_if_there_is_none() {
    let mut server = Server::new();

    let dry =
        server.apply(&format!("{MAPS}/m"), &map(json!({"a": "1"})), "fieldManager=a&dryRun=All");
    let none = server.send(Method::GET, &format!("{MAPS}/m"), &Value::Null, "");
    let mut config = map(json!({"a": "1"}));
    config["metadata"]["resourceVersion"] = json!("9");
    let made = server.apply(&format!("{MAPS}/m"), &config, "fieldManager=a");
    let status = server.apply(&format!("{DEPLOYMENTS}/d/status"), &deployment(1), "fieldManager=a");

    assert_eq!((dry.0, none.0, made.0, status.0), (201, 404, 201, 404));
    assert_eq!(managers(&made.1), ["a Apply"]);
}

#[test]
fn what_is_applied_may_be_yaml() {
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: one\n  a: two\n";
    let call = |validation: &str| Call {
        content_type: APPLY.to_owned(),
        query: [("fieldManager", "a"), ("fieldValidation", validation)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body: yaml.as_bytes().to_vec(),
        ..Call::of_tests(Method::PATCH, format!("{MAPS}/m"), &Value::Null)
    };

    let refused = Server::new().ask(&call("Strict"));
    let made = Server::new().ask(&call("Ignore"));

    assert!(message(&refused).contains("error strict decoding YAML"), "{refused:?}");
    assert_eq!((refused.0, made.0), (400, 201));
    assert_eq!(made.1["data"], json!({"a": "two"}));
}

#[test]
fn an_apply_says_what_it_lacks() {
    let with = |field: &str, value: Value| {
        let mut map = map(json!({"a": "1"}));
        match field {
            "apiVersion" | "kind" | "data" | "unknown" => map[field] = value,
            _ => map["metadata"][field] = value,
        }
        map
    };
    let table = [
        (
            with("name", json!("m")),
            "",
            422,
            "fieldManager: Required value: is required for apply patch",
        ),
        (
            with("kind", json!("Secret")),
            "fieldManager=a",
            400,
            "invalid object type: /v1, Kind=Secret",
        ),
        (
            with("apiVersion", json!("")),
            "fieldManager=a",
            400,
            "invalid object type: /, Kind=ConfigMap",
        ),
        (
            with("managedFields", json!([])),
            "fieldManager=a",
            400,
            "metadata.managedFields must be nil",
        ),
        (
            with("name", json!("n")),
            "fieldManager=a",
            400,
            "the name of the object (n) does not match",
        ),
        (
            with("uid", json!("1")),
            "fieldManager=a",
            409,
            "uid mismatch: the provided object specified uid 1",
        ),
        (
            with("unknown", json!(1)),
            "fieldManager=a",
            500,
            ".unknown: field not declared in schema",
        ),
        (with("data", json!({"a": 1})), "fieldManager=a", 500, ".data.a: expected string, got"),
    ];
    for (config, query, code, why) in table {
        let refused = Server::new().apply(&format!("{MAPS}/m"), &config, query);
        assert_eq!(refused.0, code, "{refused:?}");
        assert!(message(&refused).contains(why), "{refused:?}");
    }
}

#[test]
fn only_an_apply_can_be_forced() {
    let mut server = Server::new();
    server.create_map("kubectl");
    let forced = Call {
        content_type: "application/merge-patch+json".to_owned(),
        query: vec![("force".to_owned(), "true".to_owned())],
        ..Call::of_tests(Method::PATCH, format!("{MAPS}/m"), &json!({}))
    };

    let refused = server.ask(&forced);

    let why = "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch";
    assert_eq!((refused.0, message(&refused)), (422, why));
}

#[test]
fn an_old_revision_is_a_conflict_and_a_uid_cannot_be_applied() {
    for (field, code) in [("resourceVersion", 409), ("uid", 422)] {
        let mut server = Server::new();
        server.create_map("kubectl");
        let mut config = map(json!({"b": "1"}));
        config["metadata"][field] = json!("9");

        let refused = server.apply(&format!("{MAPS}/m"), &config, "fieldManager=a");

        assert_eq!(refused.0, code, "{refused:?}");
    }
}

#[test]
fn done_with_the_contents_of_a_namespace_is_a_write_like_others() {
    let mut server = Server::new();
    let namespace = json!({"metadata": {"name": "n"}});
    server.send(Method::POST, "/api/v1/namespaces", &namespace, "kubectl");

    let mut asked =
        json!({"metadata": {"name": "n", "labels": {"a": "b"}}, "spec": {"finalizers": ["x/y"]}});
    let path = "/api/v1/namespaces/n/finalize";
    let kept = server.send(Method::PUT, path, &asked, "finalizer").1;
    asked["spec"] = json!({});
    let done = server.send(Method::PUT, path, &asked, "finalizer").1;

    assert_eq!(kept["spec"]["finalizers"], json!(["x/y"]));
    assert_eq!(managers(&kept), ["kubectl Update", "finalizer Update finalize"]);
    assert_eq!(done["spec"], json!({}));
}
