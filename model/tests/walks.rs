//! Walks take every kind of action with every outcome.

use model::check::Options;
use model::slice::Outcome;
use model::walks::{self, Walk};
use std::collections::BTreeSet;

#[test]
fn walks_cover_every_request_that_an_api_server_sees() {
    let covered: BTreeSet<_> = walks().iter().flat_map(requests).collect();

    for wanted in [
        "create pods",
        "delete pods",
        "create pods/binding",
        "patch pods/status",
        "create nodes",
        "patch nodes",
        "patch nodes/status",
        "update nodes/status",
        "delete nodes",
        "update leases",
        "create replicasets",
        "update replicasets/scale",
    ] {
        assert!(covered.contains(wanted), "no walk has {wanted}");
    }
}

#[test]
fn walks_cover_refusals_beside_successes() {
    let walks = walks();

    for kind in ["commit-binding", "commit-node-update", "write"] {
        for outcome in [Outcome::Committed, Outcome::Refused] {
            let taken = walks
                .iter()
                .flat_map(|walk| &walk.steps)
                .any(|step| step.action["action"] == kind && step.outcome == outcome);
            assert!(taken, "no walk has {kind} {outcome:?}");
        }
    }
}

fn walks() -> Vec<Walk> {
    walks::covering(&Options::default()).expect("the scenarios are known")
}

fn requests(walk: &Walk) -> Vec<String> {
    let requests = walk.steps.iter().filter_map(|step| step.request.as_ref());
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    requests
        .map(|request| format!("{} {}", word(&request["verb"]), word(&request["resource"])))
        .collect()
}
