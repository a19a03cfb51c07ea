//! Tests of lists: what is selected, and in which chunks.

use serde_json::json;

use super::*;
use crate::testing::Client;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn client(maps: usize) -> Client {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
    for number in 0..maps {
        let labels = json!({"odd": (number % 2 == 1).to_string()});
        let map = json!({"metadata": {"name": format!("map-{number}"), "labels": labels}});
        client.created(MAPS, &map);
    }
    client
}

/// What is answered to a list with this query.
fn listed(client: &Client, query: &[(&str, &str)]) -> Value {
    let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut call = Call::of_tests(http::Method::GET, MAPS, &Value::Null);
    call.body.clear();
    call.query = query.collect();
    let decision = crate::decide(&client.store, &call, &client.context);
    let crate::Decision::Respond(response) = decision else { panic!("no answer") };
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn fields_select_what_they_name_and_not_what_only_mentions_it() {
    let mut client = client(3);
    let mention = json!({"metadata": {"name": "other"}, "data": {"a": "map-1", "b": "\"map-1\""}});
    client.created(MAPS, &mention);
    let by = |field: &str| listed(&client, &[("fieldSelector", field)]);

    assert_eq!(names(&by("metadata.name=map-1")), ["map-1"]);
    assert_eq!(names(&by("metadata.name!=map-1")), ["map-0", "map-2", "other"]);
    assert_eq!(names(&by("metadata.name=a\"b")), [""; 0]);
}

#[test]
fn an_object_that_is_asked_for_by_its_name_is_looked_for_at_its_key() {
    let client = client(0);
    let range = |path: &str, fields: &str| {
        let mut call = Call::of_tests(http::Method::GET, path, &Value::Null);
        call.body.clear();
        let query = [("watch", "1"), ("fieldSelector", fields)];
        call.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let decision = crate::decide(&client.store, &call, &client.context);
        let crate::Decision::Watch(watch) = decision else { panic!("not watched") };
        String::from_utf8_lossy(watch.prefix()).into_owned()
    };
    let all = MAPS.replace("/namespaces/default", "");

    assert_eq!(range(MAPS, "metadata.name=a"), "/registry/configmaps/default/a");
    assert_eq!(range(MAPS, "metadata.name!=a"), "/registry/configmaps/default/");
    assert_eq!(range(&all, "metadata.name=a"), "/registry/configmaps/");
    assert_eq!(range("/api/v1/nodes", "metadata.name=a"), "/registry/minions/a");
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

/// Conformance: Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]
#[test]
fn a_list_whose_revision_is_compacted_away_goes_on_with_what_there_is() {
    let mut client = client(5);
    let first = listed(&client, &[("limit", "2")]);
    let token = first["metadata"]["continue"].as_str().unwrap();
    client.created(MAPS, &json!({"metadata": {"name": "map-9"}}));
    client.store.compact(client.store.revision()).unwrap();

    let expired = listed(&client, &[("limit", "2"), ("continue", token)]);
    let token = expired["metadata"]["continue"].as_str().unwrap();
    let second = listed(&client, &[("limit", "2"), ("continue", token)]);
    let token = second["metadata"]["continue"].as_str().unwrap();
    let third = listed(&client, &[("limit", "2"), ("continue", token)]);

    assert_eq!((&expired["code"], &expired["reason"]), (&json!(410), &json!("Expired")));
    assert_eq!(names(&first), ["map-0", "map-1"]);
    assert_eq!(names(&second), ["map-2", "map-3"]);
    assert_eq!(second["metadata"]["remainingItemCount"], 2);
    assert_eq!(names(&third), ["map-4", "map-9"]);
    assert_eq!(third["metadata"].get("continue"), None);
    let revision = &second["metadata"]["resourceVersion"];
    assert_eq!(revision, &third["metadata"]["resourceVersion"]);
}

#[test]
fn labels_select_what_is_listed() {
    let client = client(5);

    assert_eq!(names(&listed(&client, &[("labelSelector", "odd=true")])), ["map-1", "map-3"]);
    assert_eq!(names(&listed(&client, &[("labelSelector", "!odd")])), [""; 0]);
}
