//! Several profiles in one scheduler, with other plugins, weights and arguments.

use super::*;
use crate::config::{API_VERSION, KIND};

/// A scheduler with these profiles and these nodes.
pub(super) fn configured(rest: &str, nodes: &[Arc<Node>]) -> Scheduler {
    let text = format!("apiVersion: {API_VERSION}\nkind: {KIND}\n{rest}");
    let mut scheduler = Scheduler::new(Configuration::read(text.as_bytes()).unwrap());
    for node in nodes {
        observe_node(&mut scheduler, Arc::clone(node), 0);
    }
    scheduler
}

/// A pod of a scheduler that wants so much cpu.
pub(super) fn pod_of(scheduler: &str, name: &str, mut spec: Value) -> Arc<Pod> {
    spec["schedulerName"] = json!(scheduler);
    if spec["containers"].is_null() {
        spec["containers"] = json!([{"name": "c", "resources": cpu("500m")}]);
    }
    pod_with(name, spec)
}

/// Two nodes, of which half of the first is taken.
fn half_full() -> Vec<Arc<Node>> {
    vec![node("a", json!({})), node("b", json!({}))]
}

fn fill(scheduler: &mut Scheduler) {
    let mut busy = json!({"nodeName": "a", "containers": [{"name": "c"}]});
    busy["containers"][0]["resources"] = cpu("1");
    observe_pod(scheduler, pod_with("busy", busy));
}

const PACKING: &str = "profiles: [{schedulerName: spread}, {schedulerName: pack, pluginConfig: [{name: \
     NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}], plugins: {score: {disabled: \
     [{name: NodeResourcesBalancedAllocation}]}}}]";

#[test]
fn each_pod_is_decided_about_by_the_profile_that_it_names() {
    let mut scheduler = configured(PACKING, &half_full());
    fill(&mut scheduler);
    observe_pod(&mut scheduler, pod_of("pack", "one", json!({})));
    observe_pod(&mut scheduler, pod_of("spread", "two", json!({})));
    observe_pod(&mut scheduler, pod_of("default-scheduler", "nobody", json!({})));

    let (one, two) = (schedule(&mut scheduler, 10), schedule(&mut scheduler, 10));

    assert_eq!((chosen(&one), chosen(&two)), ("a", "b"));
    assert!(scheduler.schedule_one(7, at(10)).is_none());
}

#[test]
fn events_are_told_in_the_name_of_the_profile() {
    let mut scheduler = configured(PACKING, &half_full());
    observe_pod(&mut scheduler, pod_of("pack", "one", json!({})));
    let decision = schedule(&mut scheduler, 10);

    let told = scheduler.completed(&key("one"), &decision.requests[0], &Ok(Value::Null), at(10));

    let event = told[0].body.clone().unwrap();
    assert_eq!(
        (&event["reason"], &event["reportingComponent"]),
        (&json!("Scheduled"), &json!("pack"))
    );
}

#[test]
fn a_plugin_that_is_disabled_has_no_say() {
    let mut nodes = half_full();
    nodes[0] = node("a", json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}}));
    nodes.truncate(1);
    let without = "profiles: [{plugins: {filter: {disabled: [{name: TaintToleration}]}}}]";
    for (rest, fits) in [("", false), (without, true)] {
        let mut scheduler = configured(rest, &nodes);
        observe_pod(&mut scheduler, pod("web", cpu("1")));

        let decision = schedule(&mut scheduler, 10);

        assert_eq!(matches!(decision.outcome, Choice::Bind { .. }), fits, "{rest}");
    }
}

#[test]
fn without_preemption_nobody_makes_room_and_nothing_is_said_of_it() {
    let disabled =
        |names: &str| format!("profiles: [{{plugins: {{postFilter: {{disabled: [{names}]}}}}}}]");
    let error = "0/1 nodes are available: 1 Insufficient cpu.";
    for (names, expected) in [
        ("{name: DefaultPreemption}", format!("{error} no new claims to deallocate")),
        ("{name: '*'}", error.to_owned()),
    ] {
        let mut scheduler = configured(&disabled(names), &half_full()[..1]);
        fill(&mut scheduler);
        let spec = json!({"priority": 9, "containers": [{"name": "c", "resources": cpu("1500m")}]});
        observe_pod(&mut scheduler, pod_of("default-scheduler", "web", spec));

        let decision = schedule(&mut scheduler, 10);

        assert_eq!(message(&decision), expected);
        let Choice::Unschedulable { nominated, .. } = &decision.outcome else { panic!() };
        assert_eq!(*nominated, None);
    }
}

#[test]
fn a_weight_can_turn_a_choice() {
    let labelled = node("b", json!({"metadata": {"labels": {"disk": "fast"}}}));
    let added = "pluginConfig: [{name: NodeAffinity, args: {addedAffinity: \
        {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: \
        [{key: disk, operator: Exists}]}}]}}}]";
    let weighed = |weight: i32| {
        let plugins =
            format!("plugins: {{score: {{enabled: [{{name: NodeAffinity, weight: {weight}}}]}}}}");
        format!("profiles: [{{{added}, {plugins}}}]")
    };
    for (weight, expected) in [(1, "b"), (-1, "a")] {
        let mut scheduler = configured(&weighed(weight), &[node("a", json!({})), labelled.clone()]);
        observe_pod(&mut scheduler, pod("web", cpu("1")));

        assert_eq!(chosen(&schedule(&mut scheduler, 10)), expected, "{weight}");
    }
}

#[test]
fn an_affinity_that_every_pod_is_given_keeps_it_off_other_nodes() {
    let added = "profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: \
        {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: \
        [{key: disk, operator: Exists}]}]}}}}]}]";
    let mut scheduler = configured(added, &[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("web", cpu("1")));

    let expected = "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity. no \
        new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for \
        scheduling.";
    assert_eq!(message(&schedule(&mut scheduler, 10)), expected);
    observe_node(&mut scheduler, node("b", json!({})), 20);
    assert!(scheduler.schedule_one(7, at(30)).is_none());
    observe_node(&mut scheduler, node("c", json!({"metadata": {"labels": {"disk": "x"}}})), 40);
    assert_eq!(chosen(&schedule(&mut scheduler, 50)), "c");
}

#[test]
fn gates_hold_a_pod_unless_their_plugin_is_disabled() {
    let gated = || pod_of("default-scheduler", "web", json!({"schedulingGates": [{"name": "g"}]}));
    let disabled = "profiles: [{plugins: {preEnqueue: {disabled: [{name: SchedulingGates}]}}}]";
    for (rest, is_decided) in [("", false), (disabled, true)] {
        let mut scheduler = configured(rest, &half_full());
        observe_pod(&mut scheduler, gated());

        assert_eq!(scheduler.schedule_one(7, at(10)).is_some(), is_decided, "{rest}");
    }
}

#[test]
fn the_backoff_is_as_configured() {
    let mut scheduler =
        configured("podInitialBackoffSeconds: 3\npodMaxBackoffSeconds: 60", &half_full());
    observe_pod(&mut scheduler, pod("web", cpu("1")));
    let decision = schedule(&mut scheduler, 10);
    let refusal = Status::new(Reason::Conflict, "no");
    scheduler.completed(&key("web"), &decision.requests[0], &Err(refusal), at(10));

    assert_eq!(scheduler.next_deadline(), Some(at(13)));
}

/// Source: `nextStartNodeIndex` in schedule_one.go (v1.36).
#[test]
fn with_many_nodes_each_search_goes_on_where_the_last_one_ended() {
    let names: Vec<String> = (0..400).map(|index| format!("n{index:03}")).collect();
    let nodes: Vec<Arc<Node>> = names.iter().map(|name| node(name, json!({}))).collect();
    let mut scheduler = configured("percentageOfNodesToScore: 30", &nodes);
    let mut choose = |name: &str| {
        observe_pod(&mut scheduler, pod(name, cpu("1")));
        let decision = schedule(&mut scheduler, 10);
        let Choice::Bind { node, explanation } = decision.outcome else { panic!() };
        (node, explanation.feasible)
    };

    let found: Vec<_> = ["p1", "p2", "p3", "p4"].map(&mut choose).into();

    let expected = [("n000", 120), ("n120", 120), ("n240", 120), ("n001", 120)];
    assert_eq!(found, expected.map(|(node, count)| (node.to_owned(), count)));
}

#[test]
fn one_feasible_node_is_enough_where_nothing_scores() {
    let rest = "profiles: [{plugins: {score: {disabled: [{name: '*'}]}}}]";
    let mut scheduler = configured(rest, &half_full());
    observe_pod(&mut scheduler, pod("web", cpu("1")));

    let Choice::Bind { node, explanation } = schedule(&mut scheduler, 10).outcome else { panic!() };

    assert_eq!((node.as_str(), explanation.feasible), ("a", 1));
}

#[test]
fn default_constraints_hold_for_pods_of_a_service() {
    let rest = "profiles: [{pluginConfig: [{name: PodTopologySpread, args: {defaultingType: List, \
        defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}}]}]";
    let zone = |name: &str| node(name, json!({"metadata": {"labels": {"zone": name}}}));
    let mut scheduler = configured(rest, &[zone("a"), zone("b")]);
    let service = json!({"metadata": {"name": "s", "namespace": "default"}, "spec": {"selector": {"app": "w"}}});
    let service =
        AnyObject::decode(&api::resources::SERVICES, service.to_string().as_bytes()).unwrap();
    scheduler.observe(&Change { old: None, new: Some(service) }, at(0));
    let labelled = |name: &str| {
        // The full node is not the better one, but the only one that keeps pods even.
        let mut pod = (*pod(name, cpu("100m"))).clone();
        pod.metadata.labels = Some([("app".to_owned(), "w".to_owned())].into());
        Arc::new(pod)
    };
    fill(&mut scheduler);
    observe_pod(&mut scheduler, labelled("one"));
    observe_pod(&mut scheduler, labelled("two"));

    let (one, two) = (schedule(&mut scheduler, 10), schedule(&mut scheduler, 10));

    assert_eq!((chosen(&one), chosen(&two)), ("b", "a"));
}

#[test]
fn preemption_looks_at_as_many_nodes_as_it_is_told() {
    let args = |absolute: i32| {
        format!(
            "profiles: [{{pluginConfig: [{{name: DefaultPreemption, args: {{minCandidateNodesPercentage: 0, \
             minCandidateNodesAbsolute: {absolute}}}}}]}}]"
        )
    };
    for (absolute, expected) in [(1, "a"), (2, "b")] {
        let mut scheduler = configured(&args(absolute), &half_full());
        for (node, priority) in [("a", 5), ("b", 1)] {
            let containers = json!([{"name": "c", "resources": cpu("2")}]);
            let spec = json!({"nodeName": node, "priority": priority, "containers": containers});
            observe_pod(&mut scheduler, pod_with(&format!("on-{node}"), spec));
        }
        let spec = json!({"priority": 9, "containers": [{"name": "c", "resources": cpu("2")}]});
        observe_pod(&mut scheduler, pod_of("default-scheduler", "web", spec));

        let Choice::Unschedulable { nominated, .. } = schedule(&mut scheduler, 10).outcome else {
            panic!()
        };

        assert_eq!(nominated.as_deref(), Some(expected), "{absolute}");
    }
}

#[test]
fn wishes_of_pods_that_are_there_count_as_configured() {
    let args = |args: &str| {
        format!("profiles: [{{pluginConfig: [{{name: InterPodAffinity, args: {args}}}]}}]")
    };
    let near = json!({"labelSelector": {"matchLabels": {"app": "w"}}, "topologyKey": "zone"});
    let must = json!({"requiredDuringSchedulingIgnoredDuringExecution": [near]});
    let would = json!({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": near}]});
    let zone = |name: &str| node(name, json!({"metadata": {"labels": {"zone": name}}}));
    for (wish, rest, expected) in [
        (&must, args("{}"), "b"),
        (&must, args("{hardPodAffinityWeight: 0}"), "a"),
        (&would, args("{hardPodAffinityWeight: 0}"), "b"),
        (&would, args("{ignorePreferredTermsOfExistingPods: true}"), "a"),
    ] {
        let mut scheduler = configured(&rest, &[zone("a"), zone("b")]);
        let spec = json!({"nodeName": "b", "containers": [], "affinity": {"podAffinity": wish}});
        observe_pod(&mut scheduler, pod_with("there", spec));
        let mut web = (*pod("web", cpu("100m"))).clone();
        web.metadata.labels = Some([("app".to_owned(), "w".to_owned())].into());
        observe_pod(&mut scheduler, Arc::new(web));

        assert_eq!(chosen(&schedule(&mut scheduler, 10)), expected, "{rest} {wish}");
    }
}
