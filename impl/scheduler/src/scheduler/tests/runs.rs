//! Whole runs: pods of all priorities come, every request is granted at once, and at the end everything is as it
//! must be.

use std::collections::BTreeMap;

use api::{Verb, resources};
use proptest::prelude::*;

use super::*;
use crate::plugins::default_preemption::Preemption;
use crate::refusals::Refusals;

/// The cpu of each node.
const CPU: i64 = 4;

/// An API server that grants everything, with kubelets that run and end pods at once.
pub(super) struct World {
    pub(super) scheduler: Scheduler,
    nodes: Vec<Arc<Node>>,
    pub(super) pods: BTreeMap<String, Pod>,
    /// Whether pods that are deleted stay until they are [gone](Self::end).
    pub(super) is_graceful: bool,
    /// Whether each decision is made without what earlier ones have found out.
    pub(super) forgets: bool,
    pub(super) decisions: Vec<Decision>,
    /// The pods that were deleted for others: their priority and that of the other.
    preempted: Vec<(i32, i32)>,
}

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        let allocatable = json!({"cpu": CPU.to_string(), "memory": "64Gi", "pods": "100"});
        let made = |number: usize| {
            let labels = json!({"zone": (number % 2).to_string()});
            let status = json!({"allocatable": allocatable});
            let object = json!({"metadata": {"labels": labels}, "status": status});
            node(&format!("node-{number}"), object)
        };
        let nodes: Vec<Arc<Node>> = (0..nodes).map(made).collect();
        let scheduler = scheduler(&nodes);
        Self {
            scheduler,
            nodes,
            pods: BTreeMap::new(),
            is_graceful: false,
            forgets: false,
            decisions: vec![],
            preempted: vec![],
        }
    }

    fn create(&mut self, name: &str, priority: i32, amount: i64) {
        let mut spec = json!({"priority": priority, "containers": [{"name": "c"}]});
        spec["containers"][0]["resources"] = cpu(&amount.to_string());
        self.put((*pod_with(name, spec)).clone());
    }

    /// A pod that wants something of the pods beside it.
    pub(super) fn create_wishing(
        &mut self,
        name: &str,
        (priority, amount): (i32, i64),
        wish: Wish,
    ) {
        let mut spec = wish.spec();
        spec["priority"] = json!(priority);
        spec["containers"][0]["resources"] = cpu(&amount.to_string());
        let mut pod = (*pod_with(name, spec)).clone();
        pod.metadata.labels = wish.is_counted().then(|| [("app".into(), "x".into())].into());
        self.put(pod);
    }

    pub(super) fn change_node(&mut self, number: usize, change: impl Fn(&mut Node)) {
        let Some(old) = self.nodes.get(number).cloned() else { return };
        let mut new = (*old).clone();
        change(&mut new);
        self.nodes[number] = Arc::new(new);
        let new = Some(AnyObject::from(Arc::clone(&self.nodes[number])));
        self.scheduler.observe(&Change { old: Some(AnyObject::from(old)), new }, at(0));
    }

    /// A node goes; it comes again when it is changed.
    pub(super) fn leave(&mut self, number: usize) {
        let old = Some(AnyObject::from(Arc::clone(&self.nodes[number])));
        self.scheduler.observe(&Change { old, new: None }, at(0));
    }

    /// The pods that are being deleted are gone.
    pub(super) fn end(&mut self) {
        let is_going = |pod: &&Pod| pod.metadata.deletion_timestamp.is_some();
        let going = self.pods.values().filter(is_going);
        let names: Vec<String> = going.filter_map(|pod| pod.metadata.name.clone()).collect();
        names.iter().for_each(|name| self.remove(name));
    }

    /// The pods that wait although they fit now, or others could make room.
    fn forgotten(&self) -> Vec<&str> {
        let waits = |pod: &&Pod| pod.spec.as_ref().unwrap().node_name.is_none();
        let could_run = |pod: &&Pod| {
            let info = crate::node_info::PodInfo::new(Arc::new((*pod).clone()));
            let cycle = crate::testing::cycle(&info, &self.scheduler.cluster).unwrap();
            let nodes = self.scheduler.cluster.snapshot.nodes();
            let refusals: Option<Refusals> =
                nodes.map(|node| Some((node.name(), cycle.rejection(node)?))).collect();
            refusals.is_none_or(|mut refusals| {
                matches!(
                    crate::testing::post_filter(&cycle, &mut refusals),
                    Preemption::Possible(_)
                )
            })
        };
        let forgotten = self.pods.values().filter(waits).filter(could_run);
        forgotten.filter_map(|pod| pod.metadata.name.as_deref()).collect()
    }

    pub(super) fn put(&mut self, pod: Pod) {
        let name = pod.metadata.name.clone().unwrap();
        let old = self.pods.insert(name, pod.clone()).map(|old| AnyObject::from(Arc::new(old)));
        let new = Some(AnyObject::from(Arc::new(pod)));
        self.scheduler.observe(&Change { old, new }, at(0));
    }

    pub(super) fn remove(&mut self, name: &str) {
        let old = self.pods.remove(name).map(|old| AnyObject::from(Arc::new(old)));
        if old.is_some() {
            self.scheduler.observe(&Change { old, new: None }, at(0));
        }
    }

    /// Lets the scheduler decide until nothing is due; whether it decided anything.
    pub(super) fn settle(&mut self, now: i64) -> bool {
        let mut has_decided = false;
        while let Some(decision) = self.decide(now) {
            has_decided = true;
            self.decisions.push(decision.clone());
            self.perform(&decision.pod, decision.requests, now);
        }
        has_decided
    }

    fn decide(&mut self, now: i64) -> Option<Decision> {
        if self.forgets {
            self.scheduler.knowledge.forget();
        }
        self.scheduler.schedule_one(7, at(now))
    }

    fn perform(&mut self, pod: &Key, requests: Vec<Request>, now: i64) {
        for request in requests {
            self.grant(pod, &request);
            let more = self.scheduler.completed(pod, &request, &Ok(Value::Null), at(now));
            self.perform(pod, more, now);
        }
    }

    fn grant(&mut self, asker: &Key, request: &Request) {
        let name = &request.key.name;
        let Some(mut pod) = self.pods.get(name).cloned() else { return };
        let body = request.body.clone().unwrap_or_default();
        if request.resource != &resources::PODS {
            return;
        }
        if request.verb == Verb::Delete {
            let asker = self.pods.get(&asker.name).and_then(priority);
            self.preempted.extend(priority(&pod).zip(asker));
            if self.is_graceful {
                pod.metadata.deletion_timestamp = Some(api::time::time(at(0)));
                return self.put(pod);
            }
            return self.remove(name);
        }
        let mut status = pod.status.take().unwrap_or_default();
        if request.subresource == "binding" {
            let node = body["target"]["name"].as_str().unwrap().to_owned();
            pod.spec.as_mut().unwrap().node_name = Some(node);
            status.nominated_node_name = None;
        } else if let Some(nominated) = body["status"].get("nominatedNodeName") {
            status.nominated_node_name = nominated.as_str().map(str::to_owned);
        }
        pod.status = Some(status);
        self.put(pod);
    }

    /// The priority and the cpu of each pod on a node.
    fn on(&self, node: &str) -> Vec<(i32, i64)> {
        let runs = |pod: &&Pod| pod.spec.as_ref().unwrap().node_name.as_deref() == Some(node);
        self.pods.values().filter(runs).map(size).collect()
    }

    fn waiting(&self) -> Vec<(i32, i64)> {
        let waits = |pod: &&Pod| pod.spec.as_ref().unwrap().node_name.is_none();
        self.pods.values().filter(waits).map(size).collect()
    }
}

fn priority(pod: &Pod) -> Option<i32> {
    pod.spec.as_ref()?.priority
}

fn size(pod: &Pod) -> (i32, i64) {
    let info = crate::node_info::PodInfo::new(Arc::new(pod.clone()));
    (info.priority(), info.requests.requested.milli_cpu / 1000)
}

/// What a pod wants of the pods beside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Port,
    Avoid,
    Near,
    Spread,
}

impl Wish {
    fn spec(self) -> Value {
        let meant = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}});
        let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": [meant]});
        match self {
            Self::Port => json!({"containers": [{"name": "c", "ports": [{"hostPort": 80}]}]}),
            Self::Avoid => {
                json!({"containers": [{"name": "c"}], "affinity": {"podAntiAffinity": required}})
            }
            Self::Near => {
                json!({"containers": [{"name": "c"}], "affinity": {"podAffinity": required}})
            }
            Self::Spread => {
                let mut constraint = meant;
                constraint["maxSkew"] = json!(1);
                constraint["whenUnsatisfiable"] = json!("DoNotSchedule");
                json!({"containers": [{"name": "c"}], "topologySpreadConstraints": [constraint]})
            }
        }
    }

    fn is_counted(self) -> bool {
        match self {
            Self::Avoid | Self::Spread => true,
            Self::Port | Self::Near => false,
        }
    }
}

/// A pod that comes, or one that goes.
#[derive(Clone, Debug)]
enum Step {
    Create { priority: i32, cpu: i64 },
    Delete(prop::sample::Index),
    Settle,
}

pub(super) fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![Just(Wish::Port), Just(Wish::Avoid), Just(Wish::Near), Just(Wish::Spread)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_i32, 1..=CPU).prop_map(|(priority, cpu)| Step::Create { priority, cpu }),
        1 => any::<prop::sample::Index>().prop_map(Step::Delete),
        3 => Just(Step::Settle),
    ]
}

proptest! {
    #[test]
    fn at_the_end_nobody_waits_who_could_run_or_make_room(
        nodes in 1..4_usize,
        steps in proptest::collection::vec(step(), 1..25),
    ) {
        let mut world = World::new(nodes);
        let mut now = 10;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Create { priority, cpu } => world.create(&format!("pod-{number}"), priority, cpu),
                Step::Delete(_) if world.pods.is_empty() => {}
                Step::Delete(index) => {
                    let name = world.pods.keys().nth(index.index(world.pods.len())).unwrap().clone();
                    world.remove(&name);
                }
                Step::Settle => drop(world.settle(now)),
            }
            now += 1;
        }
        // Back-off ends after ten seconds; pods that wait for a change must not need the five minutes.
        for _ in 0..20 {
            now += 11;
            world.settle(now);
        }

        for (victim, other) in &world.preempted {
            prop_assert!(victim < other);
        }
        for number in 0..nodes {
            let pods = world.on(&format!("node-{number}"));
            prop_assert!(pods.iter().map(|(_, cpu)| cpu).sum::<i64>() <= CPU);
            for (priority, cpu) in world.waiting() {
                let stay = pods.iter().filter(|(other, _)| *other >= priority);
                prop_assert!(stay.map(|(_, cpu)| cpu).sum::<i64>() + cpu > CPU, "{:?}", pods);
            }
        }
    }

    #[test]
    fn at_the_end_nobody_waits_whom_the_scheduler_would_place_now(
        nodes in 1..4_usize,
        steps in proptest::collection::vec((wish(), 0..3_i32, 1..=2_i64, 0..9_usize, 0..3_usize), 1..20),
    ) {
        let mut world = World::new(nodes);
        let mut now = 10;
        for (number, (wish, priority, cpu, action, at)) in steps.into_iter().enumerate() {
            match action {
                0..5 => world.create_wishing(&format!("pod-{number}"), (priority, cpu), wish),
                5 => {
                    let name = world.pods.keys().nth(at).cloned();
                    name.into_iter().for_each(|name| world.remove(&name));
                }
                6 => world.change_node(at, |node| {
                    node.metadata.labels = Some([("zone".into(), priority.to_string())].into());
                }),
                7 => world.change_node(at, |node| {
                    node.spec.get_or_insert_default().unschedulable = Some(priority == 0);
                }),
                _ => drop(world.settle(now)),
            }
            now += 1;
        }
        for _ in 0..20 {
            now += 11;
            world.settle(now);
        }

        prop_assert_eq!(world.forgotten(), Vec::<&str>::new());
    }
}
