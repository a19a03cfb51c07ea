//! Whole traces: those in `traces/` are allowed; each rule refuses the trace that breaks it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use api::trace::{Event, Numbering};
use conformance::refine::{Refusal, Validator, validate_file};
use conformance::trace::{ReadError, Reader};
use serde_json::{Value, json};

/// A ReplicaSet is created, scaled down and deleted.
const REPLICA_SET: &str = "replica-set.ndjson";
/// Pods of one name on two Nodes, of which one dies; components crash.
const NODE_DEATH: &str = "node-death.ndjson";
/// A Service is created and deleted with its addresses, and counted in a quota.
const BESIDE: &str = "beside.ndjson";

#[test]
fn every_trace_in_the_folder_is_allowed() {
    for file in traces() {
        let verdict = validate_file(&file).unwrap();

        assert!(verdict.is_allowed(), "{}: {verdict}", file.display());
    }
}

/// What is done to the events of an allowed trace, which event is then refused, and by which claim.
type Broken = (&'static str, Vec<(u64, Change)>, u64, Option<&'static str>);

enum Change {
    /// These fields are other ones.
    Set(Value),
    /// These fields of its delta are other ones.
    Delta(Value),
    /// The event is missing.
    Drop,
    /// The event happens once more.
    Twice,
    /// The event comes after the next one.
    Late,
}
use Change::{Delta, Drop, Late, Set, Twice};

#[test]
fn a_write_takes_the_next_revision_and_finds_its_object() {
    check(vec![
        (REPLICA_SET, vec![(12, Set(json!({"rv": 2})))], 12, Some("ETCD-1")),
        (REPLICA_SET, vec![(13, Set(json!({"rv": 9})))], 13, Some("ETCD-1")),
        (REPLICA_SET, vec![(6, Set(json!({"rv": 7})))], 6, Some("ETCD-1")),
        (REPLICA_SET, vec![(19, Set(json!({"action": "update"})))], 19, Some("ETCD-3")),
        (REPLICA_SET, vec![(13, Set(json!({"action": "create"})))], 13, Some("ETCD-3")),
        (REPLICA_SET, vec![(38, Set(json!({"uid": 6})))], 38, Some("ETCD-3")),
        (REPLICA_SET, vec![(22, Set(json!({"uid": 5})))], 22, None),
        (REPLICA_SET, vec![(2, Set(json!({"key": "namespaces/other"})))], 2, None),
        (REPLICA_SET, vec![(29, Set(json!({"outcome": "AlreadyExists"})))], 29, None),
        (REPLICA_SET, vec![(38, Delta(json!({"mood": "good"})))], 38, None),
        (REPLICA_SET, vec![(3, Set(json!({"cause": 5})))], 3, None),
    ]);
}

#[test]
fn only_one_request_writes_other_objects_with_one_revision() {
    check(vec![
        (BESIDE, vec![(8, Set(json!({"req": 4})))], 8, Some("ETCD-1")),
        (BESIDE, vec![(7, Set(json!({"req": 0}))), (8, Set(json!({"req": 0})))], 8, Some("ETCD-1")),
        (BESIDE, vec![(10, Set(json!({"rv": 3})))], 10, Some("ETCD-1")),
        (BESIDE, vec![(9, Set(json!({"key": "ipaddresses/10.96.0.7"})))], 9, Some("ETCD-1")),
        (BESIDE, vec![(9, Set(json!({"key": "pods/default/web"})))], 9, Some("ETCD-1")),
        (BESIDE, vec![(20, Set(json!({"rv": 7})))], 20, Some("ETCD-1")),
        (BESIDE, vec![(10, Set(json!({"action": "create"})))], 10, Some("ETCD-3")),
        (BESIDE, vec![(17, Drop)], 17, Some("WATCH-1")),
        (BESIDE, vec![(17, Late)], 17, Some("WATCH-1")),
        (BESIDE, vec![(17, Twice)], 18, Some("WATCH-1")),
        (BESIDE, vec![(18, Twice)], 19, Some("WATCH-1")),
        (
            BESIDE,
            vec![(18, Set(json!({"action": "bookmark", "key": "ipaddresses/", "uid": 0})))],
            18,
            Some("WATCH-2"),
        ),
    ]);
}

#[test]
fn a_cache_reads_every_change_once_and_in_order() {
    check(vec![
        (REPLICA_SET, vec![(23, Drop)], 23, Some("WATCH-1")),
        (REPLICA_SET, vec![(23, Twice)], 24, Some("WATCH-1")),
        (REPLICA_SET, vec![(23, Late)], 23, Some("WATCH-1")),
        (REPLICA_SET, vec![(30, Set(json!({"action": "modified"})))], 30, Some("WATCH-1")),
        (REPLICA_SET, vec![(32, Set(json!({"action": "added"})))], 32, Some("WATCH-1")),
        (REPLICA_SET, vec![(41, Drop)], 46, Some("WATCH-2")),
        (REPLICA_SET, vec![(6, Drop)], 24, Some("CACHE-1")),
        (REPLICA_SET, vec![(21, Set(json!({"observed_rv": 7})))], 21, Some("CACHE-1")),
        (NODE_DEATH, vec![(12, Drop)], 12, Some("CACHE-1")),
        (NODE_DEATH, vec![(35, Set(json!({"rv": 6})))], 35, Some("CACHE-2")),
    ]);
}

#[test]
fn a_pod_is_bound_once_and_its_final_phase_stays() {
    let again = json!({"key": "pods/default/web-a", "uid": 5});
    let revived =
        json!({"action": "update-status", "delta": {"phase": "Running", "node": "node-2"}});
    let pending = json!({"actor": "kubelet/node-1", "action": "update-status", "observed_rv": 12,
        "delta": {"phase": "Pending", "node": "node-1", "controller": "ReplicaSet/web"}});
    check(vec![
        (REPLICA_SET, vec![(28, Set(again))], 28, Some("POD-1")),
        (REPLICA_SET, vec![(38, Delta(json!({"node": "node-2"})))], 38, Some("POD-1")),
        (REPLICA_SET, vec![(27, Delta(json!({"node": "node-2"})))], 27, Some("POD-2")),
        (NODE_DEATH, vec![(38, Set(revived))], 38, Some("POD-3")),
        (REPLICA_SET, vec![(49, Set(pending))], 49, None),
        (REPLICA_SET, vec![(38, Delta(json!({"phase": "Sleeping"})))], 38, None),
    ]);
}

#[test]
fn the_scheduler_binds_what_it_has_seen_and_where_there_is_room() {
    let one = || Delta(json!({"pods": 1}));
    check(vec![
        (
            NODE_DEATH,
            vec![(13, Set(json!({"observed_rv": 2}))), (12, Drop)],
            12,
            Some("SCHEDULER-2"),
        ),
        (REPLICA_SET, vec![(28, Delta(json!({"cpu": 700})))], 28, Some("SCHEDULER-1")),
        (REPLICA_SET, vec![(12, one()), (13, one())], 28, Some("SCHEDULER-1")),
    ]);
}

#[test]
fn containers_run_only_where_their_pod_is_bound_and_there_is_room() {
    let elsewhere = json!({"actor": "kubelet/node-2", "observed_rv": 0});
    let by_hand = || Set(json!({"actor": "kubectl", "observed_rv": 0}));
    let (one, large) = (|| Delta(json!({"pods": 1})), Delta(json!({"cpu": 700})));
    let after_its_end = json!({"actor": "kubelet/node-1", "action": "container-started", "rv": 0,
        "key": "pods/default/web-b", "uid": 6, "delta": {"container": "c"}});
    let unbound = json!({"actor": "kubelet/node-1", "action": "container-started", "rv": 0,
        "key": "pods/default/web-a", "uid": 5, "delta": {"container": "c"}});
    check(vec![
        (NODE_DEATH, vec![(16, Set(elsewhere))], 16, Some("POD-4")),
        (REPLICA_SET, vec![(53, Drop)], 53, Some("POD-4")),
        (REPLICA_SET, vec![(62, Late)], 62, Some("POD-4")),
        (REPLICA_SET, vec![(59, Set(after_its_end))], 59, Some("POD-4")),
        (REPLICA_SET, vec![(26, Set(unbound))], 26, Some("POD-4")),
        (REPLICA_SET, vec![(36, by_hand())], 36, None),
        (
            REPLICA_SET,
            vec![(12, one()), (13, one()), (27, by_hand()), (28, by_hand())],
            37,
            Some("KUBELET-1"),
        ),
        (REPLICA_SET, vec![(27, by_hand()), (28, by_hand()), (28, large)], 37, Some("KUBELET-1")),
    ]);
}

#[test]
fn controllers_ask_for_no_more_than_they_have_a_reason_for() {
    check(vec![
        (REPLICA_SET, vec![(19, Delta(json!({"replicas": 1})))], 22, Some("REPLICASET-1")),
        (REPLICA_SET, vec![(46, Delta(json!({"replicas": 2})))], 49, Some("REPLICASET-2")),
        (NODE_DEATH, vec![(23, Delta(json!({"taints": []})))], 24, Some("NODE-1")),
    ]);
}

#[test]
fn a_creation_whose_answer_was_lost_may_be_asked_for_again() {
    let text = fs::read_to_string(folder().join(REPLICA_SET)).unwrap();
    let mut events = read(&text).unwrap();
    apply(&mut events, 19, Delta(json!({"replicas": 1})));
    let lost = json!({"key": "", "action": "answer-lost", "uid": 0, "rv": 0, "observed_rv": 0});
    apply(&mut events, 21, Twice);
    apply(&mut events, 22, Set(lost));

    events.truncate(23);

    assert_eq!(refusal(events), None);
}

#[test]
fn a_pod_may_be_taken_to_be_there_when_the_answer_to_its_deletion_was_lost() {
    let text = fs::read_to_string(folder().join(REPLICA_SET)).unwrap();
    let events = &read(&text).unwrap()[..49];
    let deletion = events.last().unwrap();
    let lost =
        json!({"seq": 50, "key": "", "action": "answer-lost", "uid": 0, "rv": 0, "observed_rv": 0});
    let other = json!({"seq": 51, "key": "pods/default/web-a", "uid": 5, "rv": 15, "req": 99});
    let lost = with(deletion, |event| merge(event, lost));
    let other = with(deletion, |event| merge(event, other));

    let unheard = refusal([events, &[lost, other.clone()]].concat());
    let other = with(&other, |event| merge(event, json!({"seq": 50})));
    let heard = refusal([events, &[other]].concat()).expect("it is refused");

    assert_eq!(unheard, None);
    assert_eq!((heard.seq, heard.claim.as_deref()), (50, Some("REPLICASET-2")));
}

#[test]
fn a_trace_larger_than_the_model_is_not_called_allowed() {
    let mut validator = Validator::new();
    let pod = |number: u64| -> Event {
        let event = json!({"seq": number, "actor": "kubectl", "action": "create", "uid": number,
            "key": format!("pods/default/web-{number}"), "rv": number + 1, "outcome": "ok",
            "delta": {"phase": "Pending"}});
        serde_json::from_value(event).unwrap()
    };

    let allowed = (1..=300).all(|number| validator.accept(&pod(number)).is_ok());

    let unchecked = validator.finish().unchecked;
    assert!(allowed);
    assert_eq!(unchecked.as_deref(), Some("the model has room for 250 Pods at a time"));
}

#[test]
fn a_trace_that_begins_with_an_old_store_may_speak_of_older_objects() {
    let text = [
        Numbering::header(),
        json!({"seq": 1, "actor": "kube-scheduler", "action": "listed", "key": "pods/", "rv": 40})
            .to_string(),
        json!({"seq": 2, "actor": "kube-scheduler", "action": "bind", "key": "pods/default/old",
            "uid": 1, "rv": 41, "observed_rv": 40, "outcome": "ok",
            "delta": {"phase": "Pending", "node": "node-1"}})
        .to_string(),
    ];

    let verdict = read(&(text.join("\n") + "\n")).unwrap().into_iter();

    assert_eq!(refusal(verdict.collect()), None);
}

#[test]
fn a_reader_refuses_what_it_does_not_know() {
    let header = Numbering::header();
    let event = r#"{"seq":1,"actor":"kubectl","action":"started"}"#;
    let cases = [
        (String::new(), 1, "the trace is empty: its header is missing"),
        (format!("{event}\n"), 1, "this is no header of a trace"),
        ("{\"trace\":\"other\",\"version\":1}\n".to_owned(), 1, "this is a trace of \"other\""),
        ("{\"trace\":\"kanon\",\"version\":2}\n".to_owned(), 1, "version 2 is not known"),
        (format!("{header}\n{event}"), 2, "the last line has no end: the trace was cut off"),
        (format!("{header}\n{}\n", &event[..20]), 2, "this is no event"),
        (format!("{header}\n{}\n", event.replace('1', "2")), 2, "seq is 2, but 1 is next"),
        (format!("{header}\n{event}\n{event}\n"), 3, "seq is 1, but 2 is next"),
        (format!("{header}\n{}\n", event.replace("started", "dreamt")), 2, "the action \"dreamt\""),
        (format!("{header}\n{}\n", event.replace("actor", "author")), 2, "this is no event"),
        (format!("{header}\n{}\n", event.replace("kubectl", "")), 2, "an event has an actor"),
        (format!("{header}\n{}\n", event.replace('}', ",\"uid\":2}")), 2, "uid is 2, but 1 is"),
    ];
    for (text, line, why) in cases {
        let error = read(&text).unwrap_err();

        assert_eq!(error.line, line, "{error}");
        assert!(error.why.starts_with(why), "{error}");
    }
}

#[test]
fn a_reader_refuses_what_is_not_utf_8() {
    let mut bytes = (Numbering::header() + "\n").into_bytes();
    bytes.extend([0xff, b'\n']);

    let error = Reader::new(&bytes[..]).unwrap().next().unwrap().unwrap_err();

    assert_eq!(error.to_string(), "line 2: it is not UTF-8");
}

/// Breaks traces, each in its way, and expects the refusal.
fn check(broken: Vec<Broken>) {
    for (trace, changes, seq, claim) in broken {
        let text = fs::read_to_string(folder().join(trace)).unwrap();
        let mut events = read(&text).unwrap();
        for (place, change) in changes {
            apply(&mut events, place, change);
        }

        let refusal =
            refusal(events).unwrap_or_else(|| panic!("{trace} passes, not refused at {seq}"));

        assert_eq!((refusal.seq, refusal.claim.as_deref()), (seq, claim), "{trace}: {refusal}");
    }
}

fn apply(events: &mut Vec<Event>, seq: u64, change: Change) {
    let place = usize::try_from(seq).unwrap() - 1;
    match change {
        Set(fields) => events[place] = with(&events[place], |event| merge(event, fields)),
        Delta(fields) => {
            events[place] = with(&events[place], |event| merge(&mut event["delta"], fields));
        }
        Drop => drop(events.remove(place)),
        Twice => events.insert(place, events[place].clone()),
        Late => events.swap(place, place + 1),
    }
    for (place, event) in events.iter_mut().enumerate() {
        event.seq = place as u64 + 1;
    }
}

fn with(event: &Event, change: impl FnOnce(&mut Value)) -> Event {
    let mut value = serde_json::to_value(event).unwrap();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn merge(value: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    fields.into_iter().for_each(|(name, field)| value[name] = field);
}

fn refusal(events: Vec<Event>) -> Option<Refusal> {
    let mut validator = Validator::new();
    events.iter().find_map(|event| validator.accept(event).err()).map(|refusal| *refusal)
}

fn read(text: &str) -> Result<Vec<Event>, ReadError> {
    Reader::new(text.as_bytes())?.collect()
}

fn traces() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|found| found == "ndjson")).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("traces")
}
