//! How much a watch tells at once.

use api::resources;
use http::Method;
use serde_json::{Value, json};
use store::{Operation, Put, Transaction};

use super::*;
use crate::testing::Client;
use crate::{Decision, keys};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn client(maps: &[&str]) -> Client {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
    for name in maps {
        client.created(MAPS, &json!({"metadata": {"name": name}}));
    }
    client
}

fn watch(client: &Client, query: &[(&str, &str)]) -> Watch {
    let mut call = Call::of_tests(Method::GET, MAPS, &Value::Null);
    call.body.clear();
    let query = [("watch", "1")].iter().chain(query);
    call.query = query.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let decision = crate::decide(&client.store, &call, &client.context);
    let Decision::Watch(watch) = decision else { panic!("not watched: {decision:?}") };
    *watch
}

/// `TYPE NAME` of each line that is told at once, part by part until nothing is left.
fn parts(watch: &mut Watch, client: &Client, bytes_max: usize) -> Vec<Vec<String>> {
    let text = |line: &Vec<u8>| {
        let event: Value = serde_json::from_slice(line).expect("it is JSON");
        let name = event["object"]["metadata"]["name"].as_str().unwrap_or_default();
        format!("{} {name}", event["type"].as_str().unwrap_or_default())
    };
    let part = || {
        let lines =
            watch.lines(&client.store, client.context.now, bytes_max).expect("all is there");
        (!lines.is_empty()).then(|| lines.iter().map(text).collect())
    };
    std::iter::from_fn(part).collect()
}

#[test]
fn what_is_there_is_told_in_parts_and_then_that_it_was_all() {
    let client = client(&["a", "b"]);
    let list = [
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("allowWatchBookmarks", "true"),
    ];

    let mut small = watch(&client, &list);
    let mut large = watch(&client, &list);

    assert_eq!(parts(&mut small, &client, 1), [vec!["ADDED a"], vec!["ADDED b", "BOOKMARK "]]);
    assert_eq!(parts(&mut large, &client, usize::MAX), [vec!["ADDED a", "ADDED b", "BOOKMARK "]]);
}

#[test]
fn what_happens_while_the_first_part_is_read_comes_after_it() {
    let mut client = client(&["a"]);
    let mut watch = watch(&client, &[]);
    client.created(MAPS, &json!({"metadata": {"name": "b"}}));
    client.created(MAPS, &json!({"metadata": {"name": "c"}}));

    assert_eq!(parts(&mut watch, &client, 1), [["ADDED a"], ["ADDED b"], ["ADDED c"]]);
    assert_eq!(watch.after, client.store.revision());
}

#[test]
fn a_reader_that_stops_between_parts_goes_on_after_a_whole_revision() {
    let mut client = client(&[]);
    let mut watch = watch(&client, &[]);
    let put = |name: &str| {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let key = keys::key(&resources::CONFIG_MAPS, Some("default"), name);
        Operation::Put(Put::new(key, object::encode(&resources::CONFIG_MAPS, &map)))
    };
    client.commit(&Transaction::of(vec![put("a"), put("b")]));
    client.commit(&Transaction::of(vec![put("c")]));

    assert_eq!(parts(&mut watch, &client, 1), [vec!["ADDED a", "ADDED b"], vec!["ADDED c"]]);
}

#[test]
fn a_watch_that_begins_where_nothing_is_yet_is_told_so_as_an_event() {
    let client = client(&["a"]);
    let list = [
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("resourceVersion", "1000"),
    ];
    let mut watch = watch(&client, &list);

    let line = watch.lines(&client.store, client.context.now, usize::MAX).unwrap_err();

    let event: Value = serde_json::from_slice(&line).expect("it is JSON");
    let (kind, status) = (&event["type"], &event["object"]);
    assert_eq!([kind, &status["reason"], &status["kind"]], ["ERROR", "Timeout", "Status"]);
    assert_eq!(status["code"], 504);
    assert_eq!(status["details"]["retryAfterSeconds"], 1);
    let message = "Timeout: Too large resource version: 1000, current: 3";
    assert_eq!(status["message"], message);
}
