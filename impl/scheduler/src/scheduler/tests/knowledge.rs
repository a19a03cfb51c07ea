//! What earlier decisions have found out changes none.

use api::resources;
use proptest::prelude::*;

use super::runs::{Wish, World, wish};
use super::*;

/// Something that happens to a cluster.
#[derive(Clone, Debug)]
enum Step {
    Create { priority: i32, cpu: i64, wish: Option<Wish> },
    Delete(prop::sample::Index),
    Zone(prop::sample::Index, bool),
    Cordon(prop::sample::Index, bool),
    Leave(prop::sample::Index),
    Budget(i32),
    End,
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let any_index = any::<prop::sample::Index>;
    let wish = prop_oneof![3 => Just(None), 1 => wish().prop_map(Some)];
    prop_oneof![
        12 => (0..3_i32, 1..=2_i64, wish)
            .prop_map(|(priority, cpu, wish)| Step::Create { priority, cpu, wish }),
        2 => any_index().prop_map(Step::Delete),
        1 => (any_index(), any::<bool>()).prop_map(|(node, zone)| Step::Zone(node, zone)),
        1 => (any_index(), any::<bool>()).prop_map(|(node, is)| Step::Cordon(node, is)),
        1 => any_index().prop_map(Step::Leave),
        2 => (0..3_i32).prop_map(Step::Budget),
        2 => Just(Step::End),
        6 => Just(Step::Settle),
    ]
}

fn take(world: &mut World, (number, step): (usize, &Step), (nodes, now): (usize, i64)) {
    let name = format!("pod-{number}");
    match step {
        Step::Create { priority, cpu, wish: None } => {
            let mut spec = json!({"priority": priority, "containers": [{"name": "c"}]});
            spec["containers"][0]["resources"] = super::cpu(&cpu.to_string());
            let mut pod = (*pod_with(&name, spec)).clone();
            pod.metadata.labels = Some([("app".to_owned(), cpu.to_string())].into());
            world.put(pod);
        }
        Step::Create { priority, cpu, wish: Some(wish) } => {
            world.create_wishing(&name, (*priority, *cpu), *wish);
        }
        Step::Delete(_) if world.pods.is_empty() => {}
        Step::Delete(index) => {
            let name = world.pods.keys().nth(index.index(world.pods.len())).cloned();
            world.remove(&name.unwrap());
        }
        Step::Zone(index, zone) => world.change_node(index.index(nodes), |node| {
            node.metadata.labels = Some([("zone".into(), zone.to_string())].into());
        }),
        Step::Cordon(index, is) => world.change_node(index.index(nodes), |node| {
            node.spec.get_or_insert_default().unschedulable = Some(*is);
        }),
        Step::Leave(index) => world.leave(index.index(nodes)),
        Step::Budget(allowed) => {
            let status = json!({"disruptionsAllowed": allowed, "currentHealthy": 1,
                "desiredHealthy": 1, "expectedPods": 1});
            let spec = json!({"selector": {"matchLabels": {"app": "1"}}});
            let budget = json!({"metadata": {"name": "x"}, "spec": spec, "status": status});
            let budget = crate::testing::stored(&resources::POD_DISRUPTION_BUDGETS, budget);
            world.scheduler.observe(&Change { old: None, new: Some(budget) }, at(now));
        }
        Step::End => world.end(),
        Step::Settle => drop(world.settle(now)),
    }
}

/// A search ends early only where there are a hundred nodes or more.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 1..6_usize, 1 => 100..110_usize]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decisions_are_those_of_a_scheduler_that_looks_at_all_nodes_each_time(
        nodes in sizes(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let (mut world, mut forgetful) = (World::new(nodes), World::new(nodes));
        forgetful.forgets = true;
        (world.is_graceful, forgetful.is_graceful) = (true, true);
        let steps = steps.iter().chain([&Step::Settle]);

        for (number, (step, now)) in steps.zip(10..).enumerate() {
            take(&mut world, (number, step), (nodes, now));
            take(&mut forgetful, (number, step), (nodes, now));
        }

        for (decision, expected) in world.decisions.iter().zip(&forgetful.decisions) {
            prop_assert!(decision == expected, "{} {:?}, not {:?}", expected.pod, decision.outcome, expected.outcome);
        }
        prop_assert_eq!(world.decisions.len(), forgetful.decisions.len());
    }
}

/// A pod of this priority that wants so much cpu, with the label `app`.
fn made(name: &str, (priority, app): (i32, &str), amount: &str) -> Arc<Pod> {
    let mut spec = json!({"priority": priority, "containers": [{"name": "c"}]});
    spec["containers"][0]["resources"] = super::cpu(amount);
    let mut pod = (*pod_with(name, spec)).clone();
    pod.metadata.labels = Some([("app".to_owned(), app.to_owned())].into());
    Arc::new(pod)
}

fn on(pod: &Arc<Pod>, node: &str) -> Arc<Pod> {
    let mut pod = (**pod).clone();
    pod.spec.get_or_insert_default().node_name = Some(node.to_owned());
    Arc::new(pod)
}

fn nominated(decision: &Decision) -> Option<&str> {
    let Choice::Unschedulable { nominated, .. } = &decision.outcome else { return None };
    nominated.as_deref()
}

#[test]
fn a_budget_that_comes_later_protects_pods_that_were_to_go() {
    let names = ["a", "b", "c", "d"];
    let mut scheduler = scheduler(&names.map(|name| node(name, json!({}))));
    for name in names {
        observe_pod(&mut scheduler, on(&made(&format!("low-{name}"), (0, name), "2"), name));
    }
    for name in ["first", "second", "third"] {
        observe_pod(&mut scheduler, made(name, (5, "web"), "2"));
    }
    assert_eq!(nominated(&schedule(&mut scheduler, 10)), Some("a"));
    assert_eq!(nominated(&schedule(&mut scheduler, 10)), Some("b"));

    let spec = json!({"selector": {"matchLabels": {"app": "c"}}});
    let status = json!({"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1,
        "expectedPods": 1});
    let budget = json!({"metadata": {"name": "c"}, "spec": spec, "status": status});
    let budget = crate::testing::stored(&resources::POD_DISRUPTION_BUDGETS, budget);
    scheduler.observe(&Change { old: None, new: Some(budget) }, at(10));

    assert_eq!(nominated(&schedule(&mut scheduler, 10)), Some("d"));
}

#[test]
fn a_pod_that_is_nominated_keeps_those_away_whom_it_avoids() {
    let labels = json!({"metadata": {"labels": {"host": "a"}}});
    let mut scheduler = scheduler(&[node("a", labels), node("b", json!({}))]);
    for name in ["first", "second", "third"] {
        observe_pod(&mut scheduler, made(name, (0, "web"), "100m"));
    }
    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "a");
    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "b");

    let term = json!({"topologyKey": "host", "labelSelector": {"matchLabels": {"app": "web"}}});
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]});
    let avoiding = json!({"priority": 5, "affinity": {"podAntiAffinity": required}});
    let avoiding = crate::testing::labelled("avoiding", json!({}), avoiding);
    scheduler.cluster.nominations.add(avoiding, "a");

    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "b");
}

#[test]
fn a_search_that_ends_with_the_last_node_is_followed_by_one_from_the_first() {
    let nodes: Vec<_> = (0..200).map(|number| node(&format!("{number:03}"), json!({}))).collect();
    let mut scheduler = scheduler(&nodes);
    let mut begins = vec![];

    for name in ["first", "second", "third", "fourth"] {
        observe_pod(&mut scheduler, made(name, (0, "web"), "100m"));
        schedule(&mut scheduler, 10);
        begins.push(scheduler.next_start_node.clone());
    }

    assert_eq!(begins, ["100", "000", "100", "000"]);
}
