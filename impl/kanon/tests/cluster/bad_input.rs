//! Garbage in, a clear refusal out, in Kubernetes' form; nothing is stored.

use http::Request;
use kube::Client;
use kube::error::Error;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("bad_requests_are_refused_as_kubernetes_refuses_them", table),
        trial("unknown_fields_are_refused_warned_of_or_ignored_as_asked", field_validation),
        trial("a_revision_that_is_garbage_or_in_the_future_is_refused", revisions),
    ]
}

struct Case {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    body: Vec<u8>,
    code: u16,
    reason: &'static str,
    message: &'static str,
}

fn case(
    (what, method, path): (&'static str, &'static str, &'static str),
    body: impl Into<Vec<u8>>,
    (code, reason, message): (u16, &'static str, &'static str),
) -> Case {
    Case { what, method, path, body: body.into(), code, reason, message }
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment(replicas: i64, label: &str) -> Vec<u8> {
    json!({"metadata": {"name": "web"}, "spec": {"replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": label}},
            "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
    .to_string()
    .into_bytes()
}

fn cases() -> Vec<Case> {
    vec![
        case(
            ("malformed JSON", "POST", MAPS),
            "{\"metadata\": ",
            (400, "BadRequest", "json parse error: unexpected end of JSON input ({\"metadata\": )"),
        ),
        case(
            ("another kind", "POST", MAPS),
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}"#,
            (400, "BadRequest", "Pod in version"),
        ),
        case(
            ("another version", "POST", MAPS),
            r#"{"kind":"ConfigMap","apiVersion":"v2","metadata":{"name":"a"}}"#,
            (400, "BadRequest", "does not match the expected API version"),
        ),
        case(
            ("another namespace", "POST", MAPS),
            r#"{"metadata":{"name":"a","namespace":"b"}}"#,
            (400, "BadRequest", "the namespace of the provided object does not match"),
        ),
        case(
            ("no such namespace", "POST", "/api/v1/namespaces/nope/configmaps"),
            r#"{"metadata":{"name":"a"}}"#,
            (404, "NotFound", "namespaces \"nope\" not found"),
        ),
        case(
            ("a name that is none", "POST", MAPS),
            r#"{"metadata":{"name":"No_Name"}}"#,
            (422, "Invalid", "a lowercase RFC 1123 subdomain must consist of"),
        ),
        case(
            ("no name", "POST", MAPS),
            r#"{"metadata":{}}"#,
            (422, "Invalid", "name or generateName is required"),
        ),
        case(
            ("a huge body", "POST", MAPS),
            vec![b' '; 4 * 1024 * 1024],
            (413, "RequestEntityTooLarge", "limit is 3145728"),
        ),
        case(
            ("a huge ConfigMap", "POST", MAPS),
            json!({"metadata": {"name": "a"}, "data": {"a": "x".repeat(1_100_000)}}).to_string(),
            (422, "Invalid", "Too long"),
        ),
        case(
            ("negative replicas", "POST", DEPLOYMENTS),
            deployment(-1, "web"),
            (422, "Invalid", "must be greater than or equal to 0"),
        ),
        case(
            ("a selector that does not match", "POST", DEPLOYMENTS),
            deployment(1, "other"),
            (422, "Invalid", "`selector` does not match template `labels`"),
        ),
        case(
            ("a text for a number", "POST", DEPLOYMENTS),
            r#"{"metadata":{"name":"a"},"spec":{"replicas":"three"}}"#,
            (400, "BadRequest", "cannot unmarshal string"),
        ),
        case(
            ("no containers", "POST", "/api/v1/namespaces/default/pods"),
            r#"{"metadata":{"name":"a"},"spec":{}}"#,
            (422, "Invalid", "spec.containers: Required value"),
        ),
        case(
            ("no such object", "GET", "/api/v1/namespaces/default/pods/nope"),
            "",
            (404, "NotFound", "pods \"nope\" not found"),
        ),
        case(
            ("no such path", "GET", "/api/v1/nope"),
            "",
            (404, "NotFound", "could not find the requested resource"),
        ),
        case(
            ("no such verb", "PUT", MAPS),
            "{}",
            (405, "MethodNotAllowed", "does not allow this method"),
        ),
        case(
            ("a broken continue token", "GET", "/api/v1/pods?continue=garbage"),
            "",
            (400, "BadRequest", "continue key is not valid"),
        ),
        case(
            ("a broken label selector", "GET", "/api/v1/pods?labelSelector=a%20in%20("),
            "",
            (400, "BadRequest", "unable to parse"),
        ),
        case(
            ("an unknown field selector", "GET", "/api/v1/pods?fieldSelector=spec.foo%3Dbar"),
            "",
            (400, "BadRequest", "field label not supported: spec.foo"),
        ),
        case(
            ("a broken revision", "GET", "/api/v1/pods?resourceVersion=x"),
            "",
            (400, "BadRequest", "resourceVersion"),
        ),
        case(
            ("a namespace that must stay", "DELETE", "/api/v1/namespaces/default"),
            "",
            (403, "Forbidden", "may not be deleted"),
        ),
    ]
}

async fn table() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let client = cluster.client().await?;

    for case in cases() {
        let request = Request::builder()
            .method(case.method)
            .uri(case.path)
            .header("content-type", "application/json")
            .body(case.body)?;
        let status =
            refusal(&client, request).await.map_err(|error| format!("{}: {error:?}", case.what))?;
        let right = status["code"] == case.code
            && status["reason"] == case.reason
            && status["message"].as_str().is_some_and(|message| message.contains(case.message));
        ensure(right, format!("{}: {status}", case.what))?;
    }

    let maps = send(&client, Request::get(MAPS).body(vec![])?).await?;
    let stored: Vec<&Value> = maps["items"].as_array().into_iter().flatten().collect();
    let foreign = stored.iter().filter(|map| map["metadata"]["name"] != "kube-root-ca.crt").count();
    ensure(foreign == 0, format!("something was stored: {stored:?}"))
}

async fn send(client: &Client, request: Request<Vec<u8>>) -> Result<Value, Error> {
    client.request(request).await
}

/// The `Status` that refuses a request.
async fn refusal(client: &Client, request: Request<Vec<u8>>) -> Result<Value, Failed> {
    match send(client, request).await {
        Ok(answer) => Err(format!("it was accepted: {answer}").into()),
        Err(Error::Api(status)) => {
            Ok(json!({"code": status.code, "reason": status.reason, "message": status.message}))
        }
        Err(error) => Err(error.into()),
    }
}

async fn field_validation() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let client = cluster.client().await?;
    let post = |name: &str, validation: &str| {
        let body = format!(
            r#"{{"metadata":{{"name":"{name}"}},"foo":1,"data":{{"a":"1"}},"data":{{"a":"2"}}}}"#
        );
        Request::post(format!("{MAPS}?fieldValidation={validation}"))
            .header("content-type", "application/json")
            .body(body.into_bytes())
    };

    let strict = refusal(&client, post("strict", "Strict")?).await?;
    let warned = send(&client, post("warned", "Warn")?).await?;
    let ignored = send(&client, post("ignored", "Ignore")?).await?;
    let unknown = refusal(&client, post("unknown", "Sometimes")?).await?;

    let message = strict["message"].as_str().unwrap_or_default();
    ensure(
        message.contains(r#"strict decoding error: unknown field "foo", duplicate field "data""#),
        message,
    )?;
    ensure(warned["data"]["a"] == "2" && warned.get("foo").is_none(), &warned)?;
    ensure(ignored["data"]["a"] == "2" && ignored.get("foo").is_none(), &ignored)?;
    ensure(unknown["code"] == 422, unknown)
}

async fn revisions() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let client = cluster.client().await?;

    let request = Request::get("/api/v1/pods?resourceVersion=999999999").body(vec![])?;
    let too_new = refusal(&client, request).await?;
    let request = Request::get("/api/v1/pods?watch=1&resourceVersion=x").body(vec![])?;
    let garbage = refusal(&client, request).await?;

    let message = too_new["message"].as_str().unwrap_or_default();
    ensure(message.contains("Too large resource version: 999999999"), message)?;
    // Upstream takes this for its own fault.
    ensure(garbage["code"] == 500, garbage)
}
