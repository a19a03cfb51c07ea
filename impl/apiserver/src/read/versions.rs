//! Which version is answered: the tables of Kubernetes API concepts, "Resource versions", row by row.
//!
//! Source: "Semantics for get and list" and "Semantics for watch" of that page, v1.36.

use http::Method;
use serde_json::{Value, json};

use crate::call::Decision;
use crate::testing::{Client, refusal};
use crate::watch::Watch;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// These objects, of this revision, and whether there are more.
    List(&'static str, u64, bool),
    /// A refusal.
    Refused(u16),
}
use Answer::{List, Refused};

/// Three ConfigMaps: `a` at 3, `b` at 4, `c` at 5; `b` goes at 6. What was before 3 is compacted away.
fn client() -> Client {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
    for name in ["a", "b", "c"] {
        client.created(MAPS, &json!({"metadata": {"name": name}}));
    }
    client.send(&Method::DELETE, &format!("{MAPS}/b"), &Value::Null).unwrap();
    assert_eq!(client.store.revision().0, 6);
    client.store.compact(store::Revision(3)).unwrap();
    client
}

fn list(client: &Client, query: &str) -> Answer {
    let Decision::Respond(response) = client.get(MAPS, query) else { panic!("{query}: no list") };
    let list: Value = serde_json::from_slice(&response.body).unwrap();
    if response.code != 200 {
        return Refused(response.code);
    }
    let items = list["items"].as_array().unwrap().iter();
    let names: String = items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
    let names = ["", "a", "b", "c", "ab", "ac", "abc"].into_iter().find(|known| *known == names);
    let metadata = &list["metadata"];
    let revision = metadata["resourceVersion"].as_str().unwrap().parse().unwrap();
    List(names.unwrap(), revision, metadata.get("continue").is_some())
}

#[test]
fn a_get_is_of_the_newest_or_of_one_not_older() {
    let client = client();
    let one = format!("{MAPS}/a");
    for query in ["", "resourceVersion=0", "resourceVersion=1", "resourceVersion=6"] {
        let Decision::Respond(response) = client.get(&one, query) else { panic!("{query}") };
        assert_eq!(response.code, 200, "{query}");
    }
    let (code, message) = refusal(client.get(&one, "resourceVersion=7"));
    assert_eq!((code, &*message), (504, "Timeout: Too large resource version: 7, current: 6"));
}

#[test]
fn a_list_is_of_the_version_that_the_tables_say() {
    let client = client();
    let newest = || List("ac", 6, false);
    // Without a limit: unset, 0, one that was, one that is compacted away, one that is not yet.
    let table = [
        ("", "", [newest(), newest(), newest(), newest(), Refused(504)]),
        (
            "",
            "Exact",
            [Refused(422), Refused(422), List("ab", 4, false), Refused(410), Refused(504)],
        ),
        ("", "NotOlderThan", [Refused(422), newest(), newest(), newest(), Refused(504)]),
        (
            "1",
            "",
            [
                List("a", 6, true),
                List("a", 6, true),
                List("a", 4, true),
                Refused(410),
                Refused(504),
            ],
        ),
        (
            "1",
            "Exact",
            [Refused(422), Refused(422), List("a", 4, true), Refused(410), Refused(504)],
        ),
        (
            "1",
            "NotOlderThan",
            [
                Refused(422),
                List("a", 6, true),
                List("a", 6, true),
                List("a", 6, true),
                Refused(504),
            ],
        ),
    ];
    for (limit, matched, answers) in table {
        let versions = ["", "resourceVersion=0", "resourceVersion=4", "resourceVersion=2"];
        for (version, expected) in versions.into_iter().chain(["resourceVersion=7"]).zip(answers) {
            let mut query = version.to_owned();
            for (name, value) in [("limit", limit), ("resourceVersionMatch", matched)] {
                if !value.is_empty() {
                    query += &format!("&{name}={value}");
                }
            }
            assert_eq!(list(&client, &query), expected, "{query}");
        }
    }
}

#[test]
fn a_list_of_a_version_that_is_gone_is_refused_in_the_words_of_the_store() {
    let query = "resourceVersion=2&resourceVersionMatch=Exact";

    let refused = refusal(client().get(MAPS, query));

    let words = "The resourceVersion for the provided list is too old.";
    assert_eq!(refused, (410, words.to_owned()));
}

/// The token in a list of two.
fn token(client: &Client, query: &str) -> String {
    let Decision::Respond(response) = client.get(MAPS, query) else { panic!("{query}: no list") };
    let list: Value = serde_json::from_slice(&response.body).unwrap();
    list["metadata"]["continue"].as_str().unwrap().to_owned()
}

#[test]
fn a_list_that_goes_on_is_of_the_version_of_its_beginning() {
    let client = client();
    let newest = token(&client, "limit=1");
    let past = token(&client, "limit=1&resourceVersion=4");

    assert_eq!(list(&client, &format!("continue={newest}")), List("c", 6, false));
    assert_eq!(list(&client, &format!("continue={past}")), List("b", 4, false));
    let zero = format!("continue={past}&resourceVersion=0");
    assert_eq!(list(&client, &zero), List("b", 4, false));
    let one = format!("continue={past}&limit=1&fieldSelector=metadata.name!=a");
    assert_eq!(list(&client, &one), List("b", 4, false));
    let refused = refusal(client.get(MAPS, &format!("continue={past}&resourceVersion=4")));
    let why = "specifying resource version is not allowed when using continue";
    assert_eq!(refused, (400, why.to_owned()));
    let matched = format!("continue={past}&resourceVersion=4&resourceVersionMatch=Exact");
    assert_eq!(refusal(client.get(MAPS, &matched)).0, 422);
}

#[test]
fn a_watch_begins_where_the_tables_say() {
    let client = client();
    let (all, wanted) = ("ADDED a, ADDED c", "resourceVersionMatch=NotOlderThan");
    let end = format!("{all}, BOOKMARK end");
    let table = [
        // Synthetic ADDED events of what is there, and then what happens.
        ("", all),
        ("resourceVersion=0", all),
        ("allowWatchBookmarks=1", &end),
        ("resourceVersion=0&allowWatchBookmarks=true", &end),
        // What happened since.
        ("resourceVersion=4", "ADDED c, DELETED b"),
        ("resourceVersion=4&allowWatchBookmarks=1", "ADDED c, DELETED b"),
        ("resourceVersion=6", ""),
        ("resourceVersion=7", ""),
        // With sendInitialEvents, and without bookmarks nobody says where they end.
        (&format!("sendInitialEvents=true&{wanted}"), all),
        (&format!("sendInitialEvents=true&allowWatchBookmarks=1&{wanted}"), &end),
        (&format!("sendInitialEvents=true&allowWatchBookmarks=1&{wanted}&resourceVersion=0"), &end),
        (&format!("sendInitialEvents=true&allowWatchBookmarks=1&{wanted}&resourceVersion=4"), &end),
        (&format!("sendInitialEvents=true&{wanted}&resourceVersion=2"), all),
        (&format!("sendInitialEvents=false&{wanted}"), ""),
        (&format!("sendInitialEvents=false&{wanted}&resourceVersion=0"), ""),
        (&format!("sendInitialEvents=false&allowWatchBookmarks=1&{wanted}"), ""),
        (&format!("sendInitialEvents=false&{wanted}&resourceVersion=4"), "ADDED c, DELETED b"),
    ];
    for (query, expected) in table {
        assert_eq!(events(&client, query), expected, "{query}");
    }
    for (query, code) in [
        ("resourceVersion=2", 410),
        (&format!("sendInitialEvents=false&{wanted}&resourceVersion=2"), 410),
    ] {
        assert_eq!(refusal(client.get(MAPS, &format!("watch=1&{query}"))).0, code, "{query}");
    }
}

/// All that a watch has to tell.
fn all_lines(client: &Client, watch: &mut Watch) -> Vec<Vec<u8>> {
    let mut part = || watch.lines(&client.store, client.context.now, usize::MAX).unwrap();
    std::iter::from_fn(|| Some(part()).filter(|part| !part.is_empty())).flatten().collect()
}

/// What a watch tells at once.
fn events(client: &Client, query: &str) -> String {
    let Decision::Watch(mut watch) = client.get(MAPS, &format!("watch=1&{query}")) else {
        panic!("{query}: no watch")
    };
    let lines = all_lines(client, &mut watch);
    let told = lines.iter().map(|line| {
        let event: Value = serde_json::from_slice(line).unwrap();
        let metadata = &event["object"]["metadata"];
        let is_end = metadata.pointer("/annotations/k8s.io~1initial-events-end").is_some();
        let name = if is_end { "end" } else { metadata["name"].as_str().unwrap_or_default() };
        format!("{} {name}", event["type"].as_str().unwrap())
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_older_paths_of_watches_are_still_served() {
    let client = client();
    let told = |path: &str, query: &str| {
        let Decision::Watch(mut watch) = client.get(path, query) else {
            panic!("{path}: no watch")
        };
        all_lines(&client, &mut watch).len()
    };
    let namespaced = MAPS.replace("/api/v1/", "/api/v1/watch/");
    let one = format!("{namespaced}/b");

    assert_eq!(told("/api/v1/watch/configmaps", "resourceVersion=3"), 3);
    assert_eq!(told(&namespaced, "watch=0"), 2, "what there is");
    assert_eq!(told(&one, "resourceVersion=3"), 2, "it came and went");
    assert_eq!(told("/api/v1/watch/namespaces/default", ""), 1);
    assert_eq!(told("/apis/apps/v1/watch/deployments", "timeout=abc"), 0);
    let other = refusal(client.get(&one, "fieldSelector=metadata.name=c"));
    let why = "fieldSelector metadata.name doesn't match requested name";
    assert_eq!(other, (400, why.to_owned()));
    assert_eq!(refusal(client.get(&namespaced, "sendInitialEvents=1")).0, 422);
    for nothing in ["/api/v1/watch/nope", "/api/v1/watch/configmaps/b", &format!("{one}/status")] {
        assert_eq!(refusal(client.get(nothing, "")).0, 404, "{nothing}");
    }
    let written = client.decide(&Method::POST, &namespaced, &json!({}));
    assert_eq!(refusal(written).0, 405);
}

#[test]
fn an_object_that_is_named_is_got_and_not_watched() {
    let Decision::Respond(response) = client().get(&format!("{MAPS}/a"), "watch=1") else {
        panic!("it is the object")
    };

    assert_eq!(response.code, 200);
}
