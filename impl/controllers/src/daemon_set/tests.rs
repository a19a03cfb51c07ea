//! The DaemonSet controller, driven by hand: on nodes `a` and `b`, unless a test says otherwise.

use api::{Key, Reason, Verb, resources};
use serde_json::{Value, json};

use super::DaemonSetController;
use crate::Plan;
use crate::testing::{World, at, events, names, owned_by, requests, time_text};

const DAEMON_SETS: &api::ApiResource = &resources::DAEMON_SETS;
const NODES: &api::ApiResource = &resources::NODES;
const PODS: &api::ApiResource = &resources::PODS;
const REVISIONS: &api::ApiResource = &resources::CONTROLLER_REVISIONS;

#[test]
fn each_node_gets_a_pod_that_is_pinned_to_it_and_stays_when_the_node_is_in_trouble() {
    let mut world = world(json!({}));

    let plan = world.reconcile(&key(), at(0));

    assert_eq!(created(&plan), ["a", "b"]);
    let pod = requests(&plan, Verb::Create, PODS)[0].body.clone().unwrap();
    assert_eq!(pod["metadata"]["generateName"], "agent-");
    assert_eq!(pod["metadata"]["ownerReferences"], owned_by("apps/v1", "DaemonSet", "agent"));
    assert_eq!(
        pod["metadata"]["labels"],
        json!({"app": "agent", "controller-revision-hash": hash_of("one"),
            "pod-template-generation": "1"})
    );
    let tolerations = pod["spec"]["tolerations"].as_array().unwrap();
    let keys: Vec<&str> = tolerations.iter().filter_map(|one| one["key"].as_str()).collect();
    assert_eq!(
        keys.join(" ").replace("node.kubernetes.io/", ""),
        "not-ready unreachable disk-pressure memory-pressure pid-pressure unschedulable"
    );
    assert_eq!(
        status(&plan),
        json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 2, "numberMisscheduled": 0,
            "numberReady": 0, "numberUnavailable": 2, "observedGeneration": 1})
    );
}

#[test]
fn a_template_for_the_hosts_network_tolerates_that_there_is_none() {
    let mut world = world(json!({"template": template("one", json!({"hostNetwork": true}))}));
    world.put(REVISIONS, revision("r", template("one", json!({"hostNetwork": true})), 1));

    let plan = world.reconcile(&key(), at(0));

    let pod = requests(&plan, Verb::Create, PODS)[0].body.clone().unwrap();
    let tolerations = pod["spec"]["tolerations"].as_array().unwrap();
    assert_eq!(tolerations.last().unwrap()["key"], "node.kubernetes.io/network-unavailable");
}

#[test]
fn nodes_that_are_not_selected_or_tainted_get_none() {
    let table = [
        (
            json!({"labels": {"disk": "ssd"}}),
            json!([]),
            json!({"nodeSelector": {"disk": "ssd"}}),
            true,
        ),
        (json!({}), json!([]), json!({"nodeSelector": {"disk": "ssd"}}), false),
        (json!({}), json!([]), json!({"nodeName": "c"}), true),
        (json!({}), json!([]), json!({"nodeName": "d"}), false),
        (json!({}), json!([taint("NoSchedule")]), json!({}), false),
        (json!({}), json!([taint("NoExecute")]), json!({}), false),
        (json!({}), json!([taint("PreferNoSchedule")]), json!({}), true),
        (
            json!({}),
            json!([taint("NoSchedule")]),
            json!({"tolerations": [{"operator": "Exists"}]}),
            true,
        ),
        (
            json!({}),
            json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
            json!({}),
            true,
        ),
        (json!({}), json!([]), affinity("NotIn", "c"), false),
        (json!({}), json!([]), affinity("In", "c"), true),
    ];
    for (metadata, taints, more, runs) in table {
        let template = template("one", more.clone());
        let mut world = empty(json!({"template": template}));
        world.put(REVISIONS, revision("r", template.clone(), 1));
        put_node(&mut world, "c", metadata, taints);

        let plan = world.reconcile(&key(), at(0));

        assert_eq!(created(&plan), if runs { vec!["c"] } else { vec![] }, "{more}");
    }
}

#[test]
fn a_pod_stays_on_a_node_that_would_get_no_other_and_goes_from_one_that_must_not_run_it() {
    let table = [(taint("NoSchedule"), false), (taint("NoExecute"), true)];
    for (taint, goes) in table {
        let mut world = settled(json!({}));
        put_node(&mut world, "b", json!({}), json!([taint]));

        let plan = world.reconcile(&key(), at(0));

        assert_eq!(names(&plan, Verb::Delete, PODS), if goes { vec!["pod-b"] } else { vec![] });
        assert_eq!(status(&plan)["numberMisscheduled"], 1);
        assert_eq!(status(&plan)["desiredNumberScheduled"], 1);
    }
}

#[test]
fn a_pod_for_a_node_that_is_gone_goes_unless_it_is_bound() {
    let mut world = settled(json!({}));
    world.put(PODS, pod("bound", ("gone", "one"), json!({})));
    let mut pending = pod("pending", ("", "one"), json!({}));
    pending["spec"] = affinity("In", "gone");
    world.put(PODS, pending);

    let plan = world.reconcile(&key(), at(0));

    assert_eq!(names(&plan, Verb::Delete, PODS), ["pending"]);
}

#[test]
fn of_several_pods_on_a_node_the_oldest_stays() {
    let mut world = settled(json!({}));
    let mut older = pod("older", ("a", "one"), json!({}));
    older["metadata"]["creationTimestamp"] = time_text(-5).into();
    world.put(PODS, older);

    let plan = world.reconcile(&key(), at(0));

    assert_eq!(names(&plan, Verb::Delete, PODS), ["pod-a"]);
}

#[test]
fn a_failed_pod_is_replaced_later_each_time_and_told() {
    let mut world = settled(json!({}));
    world.put(PODS, pod("pod-a", ("a", "one"), json!({"phase": "Failed"})));

    let first = world.reconcile(&key(), at(0));
    world.remove(PODS, &Key::new("default", "pod-a"));
    world.put(PODS, pod("pod-c", ("a", "one"), json!({"phase": "Failed"})));
    let early = world.reconcile(&key(), at(0));
    let second = world.reconcile(&key(), at(1));
    world.remove(PODS, &Key::new("default", "pod-c"));
    world.put(PODS, pod("pod-d", ("a", "one"), json!({"phase": "Failed"})));
    let third = world.reconcile(&key(), at(2));

    assert_eq!(names(&first, Verb::Delete, PODS), ["pod-a"]);
    assert_eq!(
        events(&first),
        ["FailedDaemonPod: Found failed daemon pod default/pod-a on node a, will try to kill it"]
    );
    assert!(names(&early, Verb::Delete, PODS).is_empty());
    assert_eq!(early.look_again, Some(at(1)));
    assert_eq!(names(&second, Verb::Delete, PODS), ["pod-c"]);
    assert_eq!(third.look_again, Some(at(3)));
}

#[test]
fn a_pod_that_has_succeeded_is_replaced_at_once() {
    let mut world = settled(json!({}));
    world.put(PODS, pod("pod-a", ("a", "one"), json!({"phase": "Succeeded"})));

    let plan = world.reconcile(&key(), at(0));

    assert_eq!(names(&plan, Verb::Delete, PODS), ["pod-a"]);
    assert_eq!(
        events(&plan),
        [
            "SucceededDaemonPod: Found succeeded daemon pod default/pod-a on node a, will try to delete it"
        ]
    );
}

#[test]
fn what_it_has_asked_for_is_not_asked_for_again_before_it_is_seen() {
    let mut world = world(json!({}));

    let first = world.reconcile(&key(), at(0));
    let second = world.reconcile(&key(), at(1));
    world.put(PODS, pod("pod-a", ("a", "one"), ready(0)));
    world.put(PODS, pod("pod-b", ("b", "one"), ready(0)));
    let third = world.reconcile(&key(), at(2));

    assert_eq!(created(&first).len(), 2);
    assert!(created(&second).is_empty());
    assert_eq!(status(&second).get("observedGeneration"), None);
    assert!(created(&third).is_empty());
    assert_eq!(status(&third)["numberAvailable"], 2);
    assert_eq!(status(&third)["updatedNumberScheduled"], 2);
    assert_eq!(status(&third).get("numberUnavailable"), None);
}

#[test]
fn a_refused_pod_is_told_and_tried_again() {
    let mut world = world(json!({}));

    let plan = world.reconcile(&key(), at(0));
    let created_first = requests(&plan, Verb::Create, PODS);
    world.refuse(&key(), created_first[0], Reason::Forbidden);
    for request in &created_first[1..] {
        world.leave_out(&key(), request);
    }
    let again = world.reconcile(&key(), at(1));

    assert_eq!(created(&again).len(), created_first.len());
    assert_eq!(events(&again)[0], "FailedCreate: Error creating: refused");
}

#[test]
fn the_revision_of_a_template_is_made_before_its_pods() {
    let mut world = empty(json!({}));
    put_node(&mut world, "a", json!({}), json!([]));

    let plan = world.reconcile(&key(), at(0));

    assert!(created(&plan).is_empty());
    let revision = requests(&plan, Verb::Create, REVISIONS)[0].body.clone().unwrap();
    let hash =
        revision["metadata"]["labels"]["controller-revision-hash"].as_str().unwrap().to_owned();
    assert_eq!(revision["metadata"]["name"], format!("agent-{hash}"));
    assert_eq!(revision["metadata"]["annotations"][GENERATION], "1");
    assert_eq!(revision["revision"], 1);
    assert_eq!(revision["data"]["spec"]["template"]["$patch"], "replace");
    assert_eq!(world.put(REVISIONS, revision), [key()]);
    assert_eq!(created(&world.reconcile(&key(), at(0))), ["a"]);
}

#[test]
fn a_revision_of_somebody_else_is_heard_of_only_once_it_changes_or_goes() {
    let mut world = settled(json!({}));
    let mut foreign = revision("foreign", template("one", json!({})), 2);

    assert!(world.put(REVISIONS, foreign.clone()).is_empty());
    foreign["revision"] = 3.into();
    assert_eq!(world.put(REVISIONS, foreign), [key()]);
    assert_eq!(world.remove(REVISIONS, &Key::new("default", "foreign")), [key()]);
}

#[test]
fn a_name_that_another_template_has_is_counted_and_one_of_its_own_is_used() {
    for (data, is_own) in [("two", false), ("one", true)] {
        let mut world = empty(json!({}));
        put_node(&mut world, "a", json!({}), json!([]));
        let creation = world.reconcile(&key(), at(0));
        let request = requests(&creation, Verb::Create, REVISIONS)[0].clone();
        let mut taken = revision("r", template(data, json!({})), 1);
        taken["metadata"]["name"] = request.body.as_ref().unwrap()["metadata"]["name"].clone();
        taken["metadata"]["ownerReferences"] = owned_by("apps/v1", "DaemonSet", "other");
        world.put(REVISIONS, taken);

        world.refuse(&key(), &request, Reason::AlreadyExists);
        let plan = world.reconcile(&key(), at(0));

        assert_eq!(created(&plan).len(), usize::from(is_own));
        assert_eq!(status(&plan).get("collisionCount"), (!is_own).then_some(&json!(1)));
    }
}

#[test]
fn an_older_template_that_comes_back_gets_the_highest_number() {
    let mut world = settled(json!({}));
    world.put(REVISIONS, revision("two", template("two", json!({})), 2));

    let plan = world.reconcile(&key(), at(0));

    let renumbered = requests(&plan, Verb::Update, REVISIONS);
    assert_eq!(renumbered[0].key.name, "one");
    assert_eq!(renumbered[0].body.as_ref().unwrap()["revision"], 3);
}

#[test]
fn of_two_revisions_with_one_template_the_newer_stays_and_its_pods_with_it() {
    let mut world = settled(json!({}));
    world.put(REVISIONS, revision("double", template("one", json!({})), 5));

    let plan = world.reconcile(&key(), at(0));

    assert_eq!(names(&plan, Verb::Delete, REVISIONS), ["one"]);
    let relabelled = requests(&plan, Verb::MergePatch, PODS);
    assert_eq!(relabelled.len(), 2);
    let patch = relabelled[0].body.clone().unwrap();
    assert_eq!(patch["metadata"]["labels"]["controller-revision-hash"], hash_of("double"));
}

#[test]
fn a_revision_without_a_hash_gets_its_name() {
    let mut world = settled(json!({}));
    let mut bare = revision("bare", template("two", json!({})), 1);
    bare["metadata"]["labels"] = json!({"app": "agent"});
    world.put(REVISIONS, bare);

    let plan = world.reconcile(&key(), at(0));

    let patch = requests(&plan, Verb::MergePatch, REVISIONS)[0].body.clone().unwrap();
    assert_eq!(patch["metadata"]["labels"], json!({"controller-revision-hash": "bare"}));
}

#[test]
fn old_revisions_go_beyond_the_limit_but_for_those_with_pods() {
    let mut world =
        settled(json!({"revisionHistoryLimit": 1, "updateStrategy": {"type": "OnDelete"}}));
    for (number, name) in (-4..).zip(["first", "second", "third"]) {
        world.put(REVISIONS, revision(name, template(name, json!({})), number));
    }
    world.put(PODS, pod("pod-a", ("a", "first"), ready(0)));

    let plan = world.reconcile(&key(), at(0));

    assert_eq!(names(&plan, Verb::Delete, REVISIONS), ["second", "third"]);
}

#[test]
fn pods_are_adopted_once_the_daemon_set_is_known_to_live() {
    let mut world = settled(json!({}));
    let mut orphan = pod("orphan", ("a", "one"), ready(0));
    orphan["metadata"]["ownerReferences"] = Value::Null;
    assert_eq!(world.put(PODS, orphan), [key()]);

    let asks = world.reconcile(&key(), at(0));
    world.grant(&key(), &asks.requests[0], json!({"metadata": {"uid": "uid-agent"}}));
    let adopts = world.reconcile(&key(), at(0));

    assert_eq!(names(&asks, Verb::Get, DAEMON_SETS), ["agent"]);
    assert_eq!(names(&adopts, Verb::StrategicMergePatch, PODS), ["orphan"]);
}

#[test]
fn a_new_template_replaces_as_many_pods_as_may_be_unavailable() {
    for (most, expected) in [(json!(1), vec!["pod-a"]), (json!("100%"), vec!["pod-a", "pod-b"])] {
        let mut world = rolled(rolling(json!({"maxUnavailable": most, "maxSurge": 0})));

        let plan = world.reconcile(&key(), at(10));

        assert_eq!(names(&plan, Verb::Delete, PODS), expected);
        assert!(created(&plan).is_empty());
    }
}

#[test]
fn an_old_pod_that_is_unavailable_goes_in_any_case_and_counts() {
    let mut world = rolled(rolling(json!({"maxUnavailable": 1, "maxSurge": 0})));
    world.put(PODS, pod("pod-b", ("b", "one"), json!({"phase": "Running"})));

    assert_eq!(names(&world.reconcile(&key(), at(10)), Verb::Delete, PODS), ["pod-b"]);
}

#[test]
fn a_new_pod_that_is_not_available_yet_holds_the_next_up() {
    let mut spec = rolling(json!({"maxUnavailable": 1, "maxSurge": 0}));
    spec["minReadySeconds"] = json!(5);
    let mut world = rolled(spec);
    world.put(PODS, pod("pod-a", ("a", "two"), ready(8)));

    let early = world.reconcile(&key(), at(10));
    let late = world.reconcile(&key(), at(13));

    assert!(names(&early, Verb::Delete, PODS).is_empty());
    assert_eq!(early.look_again, Some(at(13)));
    assert_eq!(names(&late, Verb::Delete, PODS), ["pod-b"]);
}

#[test]
fn on_delete_waits_for_somebody_to_delete() {
    let mut world = rolled(json!({"updateStrategy": {"type": "OnDelete"}}));

    let plan = world.reconcile(&key(), at(10));
    world.remove(PODS, &Key::new("default", "pod-a"));
    let after = world.reconcile(&key(), at(10));

    assert!(names(&plan, Verb::Delete, PODS).is_empty());
    assert_eq!(status(&plan).get("updatedNumberScheduled"), None);
    assert_eq!(created(&after), ["a"]);
    let pod = requests(&after, Verb::Create, PODS)[0].body.clone().unwrap();
    assert_eq!(pod["metadata"]["labels"]["controller-revision-hash"], hash_of("two"));
}

#[test]
fn a_surge_adds_a_pod_and_deletes_the_old_one_once_the_new_is_available() {
    let mut world = rolled(rolling(json!({"maxUnavailable": 0, "maxSurge": 1})));

    let adds = world.reconcile(&key(), at(10));
    world.put(PODS, pod("new-a", ("a", "two"), json!({"phase": "Running"})));
    let waits = world.reconcile(&key(), at(11));
    world.put(PODS, pod("new-a", ("a", "two"), ready(12)));
    let deletes = world.reconcile(&key(), at(13));

    assert_eq!(created(&adds), ["a"]);
    assert!(names(&adds, Verb::Delete, PODS).is_empty());
    assert!(created(&waits).is_empty() && names(&waits, Verb::Delete, PODS).is_empty());
    assert_eq!(names(&deletes, Verb::Delete, PODS), ["pod-a"]);
}

#[test]
fn a_surge_does_not_keep_an_old_pod_that_is_not_ready() {
    let mut world = rolled(rolling(json!({"maxUnavailable": 0, "maxSurge": 1})));
    world.put(PODS, pod("pod-a", ("a", "one"), json!({"phase": "Running"})));

    let adds = world.reconcile(&key(), at(10));
    world.put(PODS, pod("new-a", ("a", "two"), json!({"phase": "Running"})));
    world.put(PODS, pod("new-b", ("b", "two"), json!({"phase": "Running"})));
    let deletes = world.reconcile(&key(), at(11));

    assert_eq!(created(&adds), ["a", "b"]);
    assert_eq!(names(&deletes, Verb::Delete, PODS), ["pod-a"]);
}

#[test]
fn a_surge_leaves_a_node_only_once_enough_others_are_available() {
    let mut world = rolled(rolling(json!({"maxUnavailable": 0, "maxSurge": 1})));
    put_node(&mut world, "a", json!({}), json!([taint("NoSchedule")]));
    put_node(&mut world, "c", json!({}), json!([]));
    world.put(PODS, pod("new-b", ("b", "two"), ready(0)));
    world.remove(PODS, &Key::new("default", "pod-b"));
    world.put(PODS, pod("new-c", ("c", "two"), json!({"phase": "Running"})));

    let early = world.reconcile(&key(), at(10));
    world.put(PODS, pod("new-c", ("c", "two"), ready(0)));
    let late = world.reconcile(&key(), at(10));

    assert!(names(&early, Verb::Delete, PODS).is_empty());
    assert_eq!(names(&late, Verb::Delete, PODS), ["pod-a"]);
}

#[test]
fn a_daemon_set_that_selects_everything_or_is_going_does_nothing() {
    let mut all = world(json!({"selector": {}}));
    let mut going = world(json!({}));
    let mut object = daemon_set(json!({}));
    object["metadata"]["deletionTimestamp"] = time_text(0).into();
    going.put(DAEMON_SETS, object);

    assert_eq!(
        events(&all.reconcile(&key(), at(0))),
        ["SelectingAll: This daemon set is selecting all pods. A non-empty selector is required."]
    );
    assert!(going.reconcile(&key(), at(0)).requests.is_empty());
}

#[test]
fn a_node_makes_those_due_that_lack_a_pod_or_have_one_too_much() {
    let mut world = settled(json!({}));

    assert_eq!(put_node(&mut world, "c", json!({}), json!([])), [key()]);
    assert!(put_node(&mut world, "a", json!({"annotations": {"x": "y"}}), json!([])).is_empty());
    assert!(put_node(&mut world, "a", json!({"labels": {"x": "y"}}), json!([])).is_empty());
    assert_eq!(put_node(&mut world, "a", json!({}), json!([taint("NoExecute")])), [key()]);
}

const GENERATION: &str = "deprecated.daemonset.template.generation";

fn key() -> Key {
    Key::new("default", "agent")
}

/// A template that an image and more tell from others.
fn template(image: &str, more: Value) -> Value {
    let mut spec = json!({"containers": [{"name": "c", "image": image, "resources": {}}]});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"metadata": {"labels": {"app": "agent"}}, "spec": spec})
}

fn daemon_set(change: Value) -> Value {
    let mut object = json!({"metadata": {"name": "agent", "namespace": "default", "generation": 1,
            "annotations": {GENERATION: "1"}},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template("one", json!({})),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}}});
    object["spec"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    object
}

/// The DaemonSet, without revisions and nodes.
fn empty(change: Value) -> World<DaemonSetController> {
    let mut world = World::new(DaemonSetController::default());
    world.put(DAEMON_SETS, daemon_set(change));
    world
}

/// The DaemonSet, its revision and two nodes.
fn world(change: Value) -> World<DaemonSetController> {
    let mut world = empty(change);
    world.put(REVISIONS, revision("one", template("one", json!({})), 1));
    put_node(&mut world, "a", json!({}), json!([]));
    put_node(&mut world, "b", json!({}), json!([]));
    world
}

/// The same with a pod on each node.
fn settled(change: Value) -> World<DaemonSetController> {
    let mut world = world(change);
    world.put(PODS, pod("pod-a", ("a", "one"), ready(0)));
    world.put(PODS, pod("pod-b", ("b", "one"), ready(0)));
    world
}

/// The same after a change of the template.
fn rolled(mut change: Value) -> World<DaemonSetController> {
    let mut world = settled(json!({}));
    change["template"] = template("two", json!({}));
    let mut object = daemon_set(change);
    object["metadata"]["annotations"][GENERATION] = "2".into();
    world.put(DAEMON_SETS, object);
    world.put(REVISIONS, revision("two", template("two", json!({})), 2));
    world
}

fn rolling(limits: Value) -> Value {
    json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": limits}})
}

fn hash_of(revision: &str) -> String {
    format!("hash-{revision}")
}

fn revision(name: &str, template: Value, number: i64) -> Value {
    let mut data = json!({"spec": {"template": template}});
    data["spec"]["template"]["$patch"] = "replace".into();
    json!({"metadata": {"name": name, "namespace": "default",
            "labels": {"app": "agent", "controller-revision-hash": hash_of(name)},
            "ownerReferences": owned_by("apps/v1", "DaemonSet", "agent")},
        "data": data, "revision": number})
}

fn put_node(
    world: &mut World<DaemonSetController>,
    name: &str,
    metadata: Value,
    taints: Value,
) -> Vec<Key> {
    let mut node = json!({"metadata": metadata, "spec": {"taints": taints}});
    node["metadata"]["name"] = name.into();
    world.put(NODES, node)
}

fn taint(effect: &str) -> Value {
    json!({"key": "special", "effect": effect})
}

/// A requirement of the node's name.
fn affinity(operator: &str, node: &str) -> Value {
    let field = json!({"key": "metadata.name", "operator": operator, "values": [node]});
    let terms = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "containers": [{"name": "c", "image": "one", "resources": {}}]})
}

fn pod(name: &str, (node, revision): (&str, &str), status: Value) -> Value {
    let generation = if revision == "two" { "2" } else { "1" };
    json!({"metadata": {"name": name, "namespace": "default", "creationTimestamp": time_text(0),
            "labels": {"app": "agent", "controller-revision-hash": hash_of(revision),
                "pod-template-generation": generation},
            "ownerReferences": owned_by("apps/v1", "DaemonSet", "agent")},
        "spec": {"nodeName": node, "containers": []}, "status": status})
}

fn ready(since: i64) -> Value {
    json!({"phase": "Running", "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": time_text(since)}]})
}

/// The nodes for which pods are created.
fn created(plan: &Plan) -> Vec<String> {
    let pods = requests(plan, Verb::Create, PODS);
    let nodes = pods.into_iter().map(|request| {
        let terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
        let term = request.body.as_ref().unwrap().pointer(terms).unwrap();
        term[0]["matchFields"][0]["values"][0].as_str().unwrap().to_owned()
    });
    nodes.collect()
}

fn status(plan: &Plan) -> Value {
    requests(plan, Verb::Update, DAEMON_SETS)[0].body.clone().unwrap()["status"].take()
}
