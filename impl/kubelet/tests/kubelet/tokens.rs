//! Tokens of service accounts: asked for on behalf of a pod, shown in its volumes, replaced in time.

use kubelet::runtime::{File, MountSource, RuntimeCommand};
use serde_json::{Value, json};

use crate::bench::Bench;

/// A pod whose containers find a token beside a ConfigMap.
fn spec() -> Value {
    let container = |name: &str| {
        json!({"name": name, "image": "a",
            "volumeMounts": [{"name": "access", "mountPath": "/access", "readOnly": true}]})
    };
    json!({"serviceAccountName": "robot", "containers": [container("one"), container("two")],
    "volumes": [{"name": "access", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]}}]})
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.put_config_map("ca", json!({"ca.crt": "PEM"}));
    bench
}

fn content(file: &File) -> &str {
    std::str::from_utf8(&file.content).expect("it is text")
}

/// The token that the container that was started last finds.
fn token_of_last_start(bench: &Bench) -> File {
    let start = bench.last_start().expect("a container was started");
    let MountSource::Files { files, .. } = &start.mounts[0].source else { panic!("it has files") };
    assert_eq!(content(&files["ca.crt"]), "PEM");
    files["token"].clone()
}

/// The tokens and certificates that were shown later, in turn.
fn shown_later(bench: &Bench) -> Vec<(String, String)> {
    let updates = bench.commands.iter().filter_map(|command| {
        let RuntimeCommand::UpdateVolume { files, .. } = command else { return None };
        Some((content(&files["token"]).to_owned(), content(&files["ca.crt"]).to_owned()))
    });
    updates.collect()
}

#[test]
fn the_containers_of_a_pod_find_a_token_that_is_bound_to_it() {
    let mut bench = bench();

    bench.add_pod("web", spec());

    let asked = json!({"audiences": [], "expirationSeconds": 3600, "boundObjectRef":
        {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "uid-web"}});
    let path = "/api/v1/namespaces/default/serviceaccounts/robot/token";
    assert_eq!(bench.token_requests, [(path.to_owned(), asked)], "two containers share one");
    let token = token_of_last_start(&bench);
    assert_eq!((content(&token), token.mode, token.owner), ("token-1", 0o644, None));
}

#[test]
fn a_token_is_replaced_in_the_volume_before_it_is_too_old() {
    let mut bench = bench();
    bench.add_pod("web", spec());
    bench.put_config_map("ca", json!({"ca.crt": "NEW"}));

    bench.pass(2869);
    let early = shown_later(&bench);
    bench.pass(1);
    let late = shown_later(&bench);
    bench.pass(2870);
    let latest = shown_later(&bench);

    let new = |token: &str| (token.to_owned(), "NEW".to_owned());
    assert_eq!(early, [new("token-1")], "what else changes is shown with the token that is there");
    assert_eq!(late, [new("token-1"), new("token-2")]);
    assert_eq!(latest, [new("token-1"), new("token-2"), new("token-3")]);
}

#[test]
fn a_container_that_starts_later_finds_the_token_that_others_have() {
    let mut bench = bench();
    bench.add_pod("web", spec());
    bench.pass(3000);

    bench.exit("web.one.0", 1);

    assert_eq!(content(&token_of_last_start(&bench)), "token-2");
    assert_eq!(bench.token_requests.len(), 2);
}

#[test]
fn a_kubelet_that_restarts_replaces_the_tokens_of_pods_that_run() {
    let mut bench = bench();
    bench.add_pod("web", spec());

    bench.restart();

    assert_eq!(shown_later(&bench), [("token-2".to_owned(), "PEM".to_owned())]);
    bench.pass(10);
    assert_eq!(bench.token_requests.len(), 2);
}

#[test]
fn a_pod_without_a_token_waits_and_says_why() {
    let mut bench = bench();
    bench.gives_no_tokens = true;
    bench.add_pod("web", spec());
    let waiting = bench.status("web")["containerStatuses"][0]["state"]["waiting"].clone();
    let refused = bench.started_count();

    bench.gives_no_tokens = false;
    bench.pass(1);

    assert_eq!((refused, &waiting["reason"]), (0, &json!("ContainerCreating")));
    assert!(bench.reasons().contains(&"FailedMount".to_owned()));
    assert_eq!(bench.started_count(), 2);
}

#[test]
fn a_token_that_cannot_be_replaced_stays_and_is_asked_for_again() {
    let mut bench = bench();
    bench.add_pod("web", spec());
    bench.gives_no_tokens = true;
    bench.pass(2900);
    let meanwhile = shown_later(&bench);

    bench.gives_no_tokens = false;
    bench.pass(31);

    assert_eq!(meanwhile, []);
    assert_eq!(shown_later(&bench).len(), 1);
}

#[test]
fn a_container_that_starts_finds_an_old_token_but_none_that_has_expired() {
    let mut bench = bench();
    bench.add_pod("web", spec());
    bench.gives_no_tokens = true;

    bench.pass(3590);
    bench.exit("web.one.0", 1);
    let old = token_of_last_start(&bench);
    let started = bench.started_count();
    bench.pass(11);
    bench.exit("web.two.0", 1);

    assert_eq!((content(&old), started, bench.started_count()), ("token-1", 3, 3));
}

#[test]
fn a_token_belongs_to_the_user_of_all_containers_and_to_the_group_of_volumes() {
    let table = [
        (json!({"runAsUser": 7}), (0o600, Some(7), None)),
        (json!({"fsGroup": 9}), (0o640, None, Some(9))),
        (json!({"runAsUser": 7, "fsGroup": 9}), (0o640, Some(7), Some(9))),
    ];
    for (context, expected) in table {
        let mut bench = bench();
        let mut spec = spec();
        spec["securityContext"] = context;

        bench.add_pod("web", spec);

        let token = token_of_last_start(&bench);
        assert_eq!((token.mode, token.owner, token.group), expected);
    }
}
