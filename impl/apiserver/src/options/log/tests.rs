//! Tests of logs that cannot be had, in the words of upstream's API server (v1.36).

use serde_json::json;

use crate::call::Decision;
use crate::testing::{Client, refusal};

const LOG: &str = "/api/v1/namespaces/default/pods/p/log";

#[test]
fn options_that_make_no_sense_are_refused() {
    let client = Client::new();
    let table = [
        ("sinceSeconds=0", "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ("limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0"),
        ("tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        (
            "sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z",
            "[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        ("stream=Stdout", "stream: Forbidden: may not be specified"),
        (
            "sinceSeconds=-1&limitBytes=-1",
            "[limitBytes: Invalid value: -1: must be greater than 0, sinceSeconds: Invalid value: -1: must be \
             greater than 0]",
        ),
    ];
    for (query, rule) in table {
        let expected = format!("PodLogOptions \"p\" is invalid: {rule}");
        assert_eq!(refusal(client.get(LOG, query)), (422, expected), "{query}");
    }
    let number = "strconv.ParseInt: parsing \"abc\": invalid syntax";
    for query in ["sinceSeconds=abc", "tailLines=abc", "limitBytes=abc"] {
        assert_eq!(refusal(client.get(LOG, query)), (400, number.to_owned()), "{query}");
    }
    let time =
        "parsing time \"abc\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"abc\" as \"2006\"";
    assert_eq!(refusal(client.get(LOG, "sinceTime=abc")), (400, time.to_owned()));
}

#[test]
fn a_pod_that_is_nowhere_has_no_log_yet() {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    client.created(accounts, &json!({"metadata": {"name": "default"}}));
    let containers = json!([{"name": "c", "image": "i"}]);
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": containers}});
    client.created("/api/v1/namespaces/default/pods", &pod);

    let Decision::Respond(response) = client.get(LOG, "tailLines=0") else { panic!("no answer") };

    assert_eq!((response.code, response.body.len()), (204, 0));
    let unknown = refusal(client.get(LOG, "container=d"));
    assert_eq!(unknown, (400, "container d is not valid for pod p".to_owned()));
}
