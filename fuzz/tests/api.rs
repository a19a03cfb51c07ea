//! What clients send to an API server: paths, queries, bodies and patches that were right once.

use std::sync::Arc;

use api::quantity::Quantity;
use api::selector::{FieldSelector, Selector};
use api::{FeatureGates, Key, Timestamp};
use apiserver::token::NamedKeys;
use apiserver::{Call, Commit, Components, Context, Decision, User, decide};
use fuzz::{Mutator, runs};
use http::Method;
use serde_json::{Value, json};
use store::Store;

fn context() -> Context {
    Context {
        now: Timestamp::UNIX_EPOCH,
        uid: "0b8f0c5e-0000-4000-8000-000000000000".to_owned(),
        random: 7,
        default_toleration_seconds: 300,
        keys: Arc::new(NamedKeys("ours")),
        components: Components::default(),
        feature_gates: FeatureGates::default(),
    }
}

fn call(method: Method, path: &str, content_type: &str, body: &Value) -> Call {
    let user = User { name: "ada".to_owned(), groups: vec!["a".to_owned()], ..User::default() };
    let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
    let (path, content_type) = (path.to_owned(), content_type.to_owned());
    Call { method, path, content_type, body, user, ..Call::default() }
}

const JSON: &str = "application/json";
const CORE: &str = "/api/v1/namespaces/default";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment() -> Value {
    let container = json!({"name": "c", "image": "busybox:1.35", "ports": [{"containerPort": 80}],
        "env": [{"name": "A", "value": "b"}], "resources": {"limits": {"cpu": "100m", "memory": "1Gi"}}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web",
        "labels": {"app": "web"}}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container],
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]}}}})
}

/// Objects, each with the path where it is created.
fn objects() -> Vec<(String, Value)> {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": {
        "serviceAccountName": "default", "containers": [{"name": "c", "image": "busybox:1.35",
            "livenessProbe": {"httpGet": {"port": 80, "path": "/"}, "periodSeconds": 3},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
        "volumes": [{"name": "v", "configMap": {"name": "map", "items": [{"key": "a", "path": "b"}]}}]}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "x"}]}});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"},
        "data": {"a": "b"}, "binaryData": {"c": "AAAA"}});
    let account = json!({"metadata": {"name": "default"}});
    let scaler = json!({"metadata": {"name": "web"}, "spec": {"maxReplicas": 3, "scaleTargetRef":
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "metrics": [{"type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}});
    vec![
        ("/api/v1/namespaces".to_owned(), json!({"metadata": {"name": "default"}})),
        (format!("{CORE}/serviceaccounts"), account),
        (format!("{CORE}/configmaps"), map),
        (format!("{CORE}/services"), service),
        (format!("{CORE}/pods"), pod),
        (DEPLOYMENTS.to_owned(), deployment()),
        ("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers".to_owned(), scaler),
    ]
}

/// A decision, as a failure shows it.
fn told(decision: Decision) -> String {
    match decision {
        Decision::Respond(response) => String::from_utf8_lossy(&response.body).into_owned(),
        other @ (Decision::Commit(_)
        | Decision::Each(..)
        | Decision::Watch(_)
        | Decision::Node(_)
        | Decision::Proxy(_)) => format!("{other:?}"),
    }
}

/// A store that holds the objects.
fn store() -> Store {
    let mut store = Store::default();
    for (path, object) in objects() {
        let decision = decide(&store, &call(Method::POST, &path, JSON, &object), &context());
        let Decision::Commit(commit) = decision else { panic!("{path}: {}", told(decision)) };
        store.commit(&commit.transaction).expect("it is sound");
    }
    store
}

/// Requests that are right.
fn requests() -> Vec<Call> {
    let web = format!("{DEPLOYMENTS}/web");
    let mut requests: Vec<Call> =
        objects().iter().map(|(path, object)| call(Method::POST, path, JSON, object)).collect();
    let mut other = deployment();
    other["metadata"]["name"] = json!("other");
    requests.push(call(Method::POST, DEPLOYMENTS, JSON, &other));
    requests.push(call(Method::PUT, &web, JSON, &deployment()));
    let merge =
        json!({"spec": {"replicas": 3, "template": {"metadata": {"annotations": {"a": "b"}}}}});
    let strategic = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "c"}],
        "containers": [{"name": "c", "image": "i", "env": [{"name": "A", "$patch": "delete"}]}]}}}});
    let operations = json!([{"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 3}, {"op": "remove", "path": "/metadata/labels"}]);
    for (kind, patch) in [
        ("merge-patch+json", &merge),
        ("strategic-merge-patch+json", &strategic),
        ("json-patch+json", &operations),
    ] {
        requests.push(call(Method::PATCH, &web, &format!("application/{kind}"), patch));
    }
    let mut apply = call(Method::PATCH, &web, "application/apply-patch+yaml", &deployment());
    apply.query = vec![
        ("fieldManager".to_owned(), "fuzz".to_owned()),
        ("force".to_owned(), "true".to_owned()),
    ];
    requests.push(apply);
    let mut list = call(Method::GET, &format!("{CORE}/pods"), "", &Value::Null);
    list.query = [
        ("labelSelector", "app in (web,other),!gone"),
        ("fieldSelector", "spec.nodeName=,metadata.name!=two"),
        ("limit", "1"),
        ("resourceVersion", "3"),
        ("resourceVersionMatch", "NotOlderThan"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    list.accept = "application/json;as=Table;g=meta.k8s.io;v=v1,application/yaml;q=0.8".to_owned();
    requests.push(list);
    for path in ["/openapi/v3/apis/apps/v1", "/apis/apps/v1", "/readyz/etcd", "/version", "/api"] {
        requests.push(call(Method::GET, path, "", &Value::Null));
    }
    let options = json!({"propagationPolicy": "Foreground", "gracePeriodSeconds": 3,
        "preconditions": {"resourceVersion": "7"}});
    requests.push(call(Method::DELETE, &format!("{CORE}/pods/one"), JSON, &options));
    requests.extend(of_options());
    requests
}

/// A method, a path, the pairs of a query and a body.
type Asked<'a> = (Method, String, &'a [(&'a str, &'a str)], Value);

/// Requests that say most of what they want in their query, and those of subresources of pods.
fn of_options() -> Vec<Call> {
    let one = format!("{CORE}/pods/one");
    let binding = json!({"target": {"kind": "Node", "name": "node-1"}});
    let eviction = json!({"metadata": {"name": "one"}, "deleteOptions": {"gracePeriodSeconds": 1}});
    let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mywic3RhcnQiOiJvbmUifQ";
    let table: [Asked<'_>; 7] = [
        (Method::GET, format!("{CORE}/pods"), &[("continue", token), ("limit", "1")], Value::Null),
        (
            Method::GET,
            format!("{CORE}/pods"),
            &[
                ("watch", "1"),
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
                ("resourceVersion", "3"),
                ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", "7"),
            ],
            Value::Null,
        ),
        (
            Method::GET,
            CORE.replace("/api/v1", "/api/v1/watch") + "/pods/one",
            &[("resourceVersion", "3"), ("fieldSelector", "metadata.name=one")],
            Value::Null,
        ),
        (
            Method::DELETE,
            one.clone(),
            &[
                ("gracePeriodSeconds", "3"),
                ("propagationPolicy", "Orphan"),
                ("dryRun", "All"),
                ("orphanDependents", "true"),
            ],
            Value::Null,
        ),
        (
            Method::GET,
            format!("{one}/log"),
            &[
                ("container", "c"),
                ("sinceTime", "2026-01-02T03:04:05Z"),
                ("tailLines", "7"),
                ("limitBytes", "9"),
                ("stream", "Stdout"),
            ],
            Value::Null,
        ),
        (Method::POST, format!("{one}/binding"), &[("fieldValidation", "Strict")], binding),
        (Method::POST, format!("{one}/eviction"), &[("dryRun", "All")], eviction),
    ];
    let asked = |(method, path, query, body): Asked<'_>| {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Call { query: query.collect(), ..call(method, &path, JSON, &body) }
    };
    table.into_iter().map(asked).collect()
}

/// The same request with something wrong in one or two of its parts.
fn mutated(request: &Call, mutator: &mut Mutator) -> Call {
    let mut request = request.clone();
    let text = |mutator: &mut Mutator, text: &str| {
        String::from_utf8_lossy(&mutator.mutated(text.as_bytes())).into_owned()
    };
    for _ in 0..=mutator.below(2) {
        match mutator.below(6) {
            0 => request.path = text(mutator, &request.path),
            1 if !request.query.is_empty() => {
                let at = mutator.below(request.query.len());
                request.query[at].1 = text(mutator, &request.query[at].1);
            }
            2 => request.content_type = text(mutator, &request.content_type),
            3 => request.accept = text(mutator, &request.accept),
            _ => request.body = mutator.mutated(&request.body),
        }
    }
    request
}

/// What is stored after a write can be read, and written again as it is read.
fn check_sound(store: &Store, commit: &Commit, why: &str) {
    let mut store = store.clone();
    assert!(store.commit(&commit.transaction).expect(why).succeeded, "{why}");
    let text = |field: &str| commit.object["metadata"][field].as_str().unwrap_or_default();
    let key = Key::new(text("namespace"), text("name"));
    let path = format!("{}/{}", commit.resource.path(key.namespace()), key.name);
    let read = decide(&store, &call(Method::GET, &path, "", &Value::Null), &context());
    let Decision::Respond(read) = read else { panic!("{why}: {path} is not read") };
    if read.code == 404 && commit.action.contains("delete") {
        return;
    }
    assert_eq!(read.code, 200, "{why}: {path}: {}", String::from_utf8_lossy(&read.body));
    let again = Call { body: read.body, ..call(Method::PUT, &path, JSON, &Value::Null) };
    let decision = decide(&store, &again, &context());
    let is_taken = match &decision {
        Decision::Commit(_) => true,
        Decision::Respond(response) => response.code == 200,
        Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) | Decision::Proxy(_) => false,
    };
    assert!(is_taken, "{why}: {path} cannot be written as it is: {}", told(decision));
}

#[test]
fn a_request_is_refused_in_the_words_of_a_status_or_what_it_leaves_is_sound() {
    let (store, requests, context) = (store(), requests(), context());

    for run in 0..runs(5_000) {
        let mut mutator = Mutator::new(run);
        let request = &requests[mutator.below(requests.len())];
        let request = mutated(request, &mut mutator);
        let why = format!("run {run}: {} {}", request.method, request.path);

        match decide(&store, &request, &context) {
            Decision::Commit(commit) => check_sound(&store, &commit, &why),
            Decision::Respond(response) if response.code >= 400 => {
                let body = String::from_utf8_lossy(&response.body);
                // Upstream answers so where what is applied is of no schema, and where a watch begins at what is no
                // number; the other is a timeout.
                let is_known =
                    ["failed to create typed", "strconv.ParseUint", "Too large resource version"];
                let is_known = is_known.iter().any(|known| body.contains(known));
                assert!(response.code < 500 || is_known, "{why}: {body}");
            }
            Decision::Respond(_)
            | Decision::Each(..)
            | Decision::Watch(_)
            | Decision::Node(_)
            | Decision::Proxy(_) => {}
        }
    }
}

#[test]
fn protobuf_is_read_as_it_would_be_written_or_not_at_all() {
    let sound: Vec<Vec<u8>> = objects()
        .iter()
        .filter(|(_, object)| object["kind"].is_string())
        .map(|(_, object)| api::protobuf::encode(object).expect("it has a form in protobuf"))
        .collect();

    for run in 0..runs(20_000) {
        let mut mutator = Mutator::new(run);
        let bytes = mutator.mutated(&sound[run as usize % sound.len()]);

        if let Ok(object) = api::protobuf::decode_any(&bytes)
            && let Ok(written) = api::protobuf::encode(&object)
        {
            let read = api::protobuf::decode_any(&written);
            assert_eq!(read.expect("it was just written"), object, "run {run}");
        }
    }
}

#[test]
fn a_selector_is_read_as_it_is_written() {
    let labels = ["a in (b,c),!d,e!=f,g,h notin (i)", "app.kubernetes.io/name=web", "a==b, c = d"];
    let fields = ["metadata.name=a,status.phase!=Running", r"a=b\,c,d==e\=f"];

    for run in 0..runs(50_000) {
        let mut mutator = Mutator::new(run);
        let text = |mutator: &mut Mutator, sound: &str| {
            String::from_utf8_lossy(&mutator.mutated(sound.as_bytes())).into_owned()
        };
        let label = text(&mut mutator, labels[run as usize % labels.len()]);
        if let Ok(selector) = Selector::parse(&label) {
            let written = selector.to_string();
            assert_eq!(
                Selector::parse(&written).map(|read| read.to_string()),
                Ok(written),
                "{label}"
            );
        }
        drop(FieldSelector::parse(&text(&mut mutator, fields[run as usize % fields.len()])));
    }
}

#[test]
fn a_quantity_is_worth_what_it_is_written_as() {
    let sound = ["100m", "1.5Gi", "12e6", "-3", "0.5", "9223372036854775807", "1Ki", "+1E"];

    for run in 0..runs(50_000) {
        let mut mutator = Mutator::new(run);
        let bytes = mutator.mutated(sound[run as usize % sound.len()].as_bytes());
        let text = String::from_utf8_lossy(&bytes);

        if let Ok(quantity) = Quantity::parse(&text) {
            let written = quantity.to_string();
            let read = Quantity::parse(&written).unwrap_or_else(|_| panic!("{text}: {written}"));
            assert_eq!((read, read.to_string()), (quantity, written.clone()), "{text}: {written}");
        }
    }
}

#[test]
fn yaml_is_read_or_refused() {
    let sound = "a: &x {b: [1, 2.5, true, null]}\nc: *x\nd: |\n  text\ne: 'f'\n";

    for run in 0..runs(20_000) {
        let bytes = Mutator::new(run).mutated(sound.as_bytes());

        if let Ok(parsed) = api::decode::parse_yaml(&bytes) {
            let written = api::yaml::encode(&parsed.value);
            let read =
                written.map(|text| api::decode::parse_yaml(text.as_bytes()).map(|read| read.value));
            assert!(read.is_none_or(|read| read == Ok(parsed.value)), "run {run}");
        }
    }
}
