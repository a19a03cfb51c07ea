//! Looks for a node for a pod, and for room that others can make when there is none.
//!
//! Source: `schedulingAlgorithm`, `findNodesThatFitPod` and `handleSchedulingFailure` in schedule_one.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::{Request, Timestamp};

use super::report::Nominating;
use super::{Choice, Explanation, Scheduler};
use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::framework::{Rejection, Verdict, fit_error, pre_filter_error};
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::default_preemption::{Preemption, post_filter};
use crate::plugins::volume_binding::Wanted;
use crate::scoring::Scoring;

/// What there is to say of the resource claims of a pod that has none. Source: `DynamicResources` (v1.36).
const NO_CLAIMS: &str = "no new claims to deallocate";

/// What is found for a pod.
enum Found {
    Node { node: String, explanation: Explanation, wanted: Option<Wanted> },
    Nothing(Failure),
}

/// Why there is no node.
struct Failure {
    verdicts: BTreeMap<String, Verdict>,
    rejected_by: BTreeSet<&'static str>,
    message: String,
    /// What comes of preemption; `None` where there are no nodes at all.
    preemption: Option<Preemption>,
}

impl Scheduler {
    /// Looks for a node for a pod.
    pub(super) fn decide(&mut self, pod: &PodInfo) -> (Choice, Vec<Request>) {
        match find(pod, &self.cluster, self.now) {
            Found::Node { node, explanation, wanted: Some(wanted) } => {
                self.reserve(pod, (node, explanation), wanted)
            }
            Found::Node { node, explanation, wanted: None } => self.bind(pod, node, explanation),
            Found::Nothing(failure) => self.give_up(pod, failure),
        }
    }

    fn give_up(&mut self, pod: &PodInfo, failure: Failure) -> (Choice, Vec<Request>) {
        let Failure { verdicts, rejected_by, message, preemption } = failure;
        self.queue.add_unschedulable(&pod.key(), rejected_by, self.now);
        let (nominating, candidate) = match preemption {
            Some(Preemption::Possible(candidate)) => {
                (Nominating::To(candidate.node.clone()), Some(candidate))
            }
            Some(Preemption::NotEligible(_)) => (Nominating::Keep, None),
            Some(Preemption::Impossible { .. }) | None => (Nominating::Nowhere, None),
        };
        let mut requests = self.report_failure(pod, ("Unschedulable", &message), &nominating);
        let nominated = candidate.as_ref().map(|candidate| candidate.node.clone());
        requests.extend(candidate.into_iter().flat_map(|candidate| self.preempt(pod, candidate)));
        (Choice::Unschedulable { message, verdicts, nominated }, requests)
    }
}

fn find(pod: &PodInfo, cluster: &Cluster, now: Timestamp) -> Found {
    if cluster.snapshot.nodes_len() == 0 {
        return Found::Nothing(Failure {
            verdicts: BTreeMap::new(),
            rejected_by: BTreeSet::new(),
            message: "no nodes available to schedule pods".to_owned(),
            preemption: None,
        });
    }
    match Cycle::pre_filter(pod, cluster) {
        Ok(cycle) => find_in(&cycle, now),
        Err(rejection) => Found::Nothing(refused_everywhere((pod, cluster), &rejection)),
    }
}

fn find_in(cycle: &Cycle<'_>, now: Timestamp) -> Found {
    if let Some(node) = nominated_node(cycle) {
        return chosen(cycle, &[node]);
    }
    let mut feasible = vec![];
    let mut rejections = BTreeMap::new();
    for node in cycle.cluster.snapshot.nodes() {
        match cycle.rejection(node) {
            None => feasible.push(node),
            Some(rejection) => drop(rejections.insert(node.name().to_owned(), rejection)),
        }
    }
    if feasible.is_empty() {
        return Found::Nothing(unschedulable(cycle, rejections, now));
    }
    chosen(cycle, &feasible)
}

/// The node where room was made for the pod, if it fits there now.
fn nominated_node<'a>(cycle: &Cycle<'a>) -> Option<&'a NodeInfo> {
    let node = cycle.cluster.snapshot.node(cycle.pod.nominated_node_name()?)?;
    cycle.rejection(node).is_none().then_some(node)
}

/// The feasible node with the highest weighted sum of scores; the first by name among equals.
fn chosen(cycle: &Cycle<'_>, feasible: &[&NodeInfo]) -> Found {
    let (mut best, mut scores) = (0, vec![]);
    if feasible.len() > 1 {
        scores = Scoring::pre_score(cycle, feasible).run_scores();
        let total = |index: &usize| scores.iter().map(|(_, scores)| scores[*index]).sum::<i64>();
        best = (0..feasible.len()).rev().max_by_key(total).unwrap_or(0);
    }
    let of_best = scores.iter().map(|(name, scores)| (*name, scores[best])).collect();
    let explanation = Explanation { feasible: feasible.len(), scores: of_best };
    let wanted = Wanted::of(&cycle.state.claims, feasible[best], &cycle.cluster.volumes);
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    Found::Node { node: feasible[best].name().to_owned(), explanation, wanted }
}

/// A pod that can run nowhere, whatever nodes there are.
fn refused_everywhere((pod, cluster): (&PodInfo, &Cluster), rejection: &Rejection) -> Failure {
    let nodes = cluster.snapshot.nodes();
    let verdicts: BTreeMap<_, _> =
        nodes.map(|node| (node.name().to_owned(), rejection.verdict.clone())).collect();
    let why = rejection.verdict.reasons().join(", ");
    let error = pre_filter_error(verdicts.len(), &why);
    let unhelpful = Verdict::unresolvable("Preemption is not helpful for scheduling");
    let unhelpful = fit_error(verdicts.len(), vec![&unhelpful; verdicts.len()].into_iter());
    let policy = pod.spec().and_then(|spec| spec.preemption_policy.as_deref());
    let preemption = match policy {
        Some("Never") => Preemption::NotEligible("not eligible due to preemptionPolicy=Never."),
        _ => Preemption::Impossible { message: unhelpful, rejected_by: BTreeSet::new() },
    };
    let message = with_preemption(&error, &preemption);
    let rejected_by = BTreeSet::from([rejection.plugin]);
    Failure { verdicts, rejected_by, message, preemption: Some(preemption) }
}

fn unschedulable(
    cycle: &Cycle<'_>,
    rejections: BTreeMap<String, Rejection>,
    now: Timestamp,
) -> Failure {
    let mut rejected_by: BTreeSet<&'static str> =
        rejections.values().map(|rejection| rejection.plugin).collect();
    let verdicts: BTreeMap<String, Verdict> =
        rejections.into_iter().map(|(node, rejection)| (node, rejection.verdict)).collect();
    let preemption = post_filter(cycle, &verdicts, now);
    if let Preemption::Impossible { rejected_by: also, .. } = &preemption {
        rejected_by.extend(also);
    }
    let error = fit_error(verdicts.len(), verdicts.values());
    let message = with_preemption(&error, &preemption);
    Failure { verdicts, rejected_by, message, preemption: Some(preemption) }
}

/// What is said of a pod that fits no node. Of preemption nothing is said where it makes room.
fn with_preemption(error: &str, preemption: &Preemption) -> String {
    match preemption {
        Preemption::Possible(_) => error.to_owned(),
        Preemption::NotEligible(why) => format!("{error} {NO_CLAIMS}, preemption: {why}"),
        Preemption::Impossible { message, .. } => {
            format!("{error} {NO_CLAIMS}, preemption: {message}")
        }
    }
}
