//! DefaultPreemption: which pods have to go from which node so that a more important one fits there.
//!
//! Source: framework/plugins/defaultpreemption and framework/preemption/preemption.go (v1.36). Nodes are tried
//! from the first by name on, and of equally good ones the first is taken; upstream begins at a random one.

mod budgets;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use api::Timestamp;

use crate::config::DefaultPreemptionArgs;
use crate::cycle::Cycle;
use crate::framework::{Rejection, Verdict, fit_error};
use crate::node_info::{NodeInfo, PodInfo};

use budgets::split_by_violation;

/// Added to each victim's priority, so that fewer victims are fewer also where priorities are negative.
const ABOVE_EVERY_PRIORITY: i64 = 1 << 31;

/// A node, and who has to go from there.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The node.
    pub node: String,
    /// The most important first.
    pub victims: Vec<PodInfo>,
    /// How many of them a PodDisruptionBudget protects.
    pub violations: usize,
}

/// What comes of preemption.
#[derive(Clone, Debug)]
pub enum Preemption {
    /// Room can be made.
    Possible(Candidate),
    /// Room is being made already, or may not be made, for this reason.
    NotEligible(&'static str),
    /// An extender failed, for this reason.
    Failed(String),
    /// No room can be made.
    Impossible {
        /// Why.
        message: String,
        /// The plugins that are against the pod also where all go that may. Upstream forgets them, and looks at the
        /// pod again after five minutes if it was them who kept it waiting.
        rejected_by: BTreeSet<&'static str>,
    },
}

/// Looks for room that can be made for a pod that fits no node. There is a candidate, or else something else comes of
/// it.
pub fn find_candidates(
    cycle: &Cycle<'_>,
    args: DefaultPreemptionArgs,
    (verdicts, now): (&BTreeMap<String, Verdict>, Timestamp),
) -> Result<Vec<Candidate>, Preemption> {
    if let Some(why) = not_eligible(cycle, verdicts) {
        return Err(Preemption::NotEligible(why));
    }
    let is_potential = |verdict: &&Verdict| matches!(verdict, Verdict::Unschedulable(_));
    let wanted = calculate_num_candidates(args, verdicts.values().filter(is_potential).count());
    let mut candidates: Vec<Candidate> = vec![];
    let mut rejected_by = BTreeSet::new();
    let mut refusals = verdicts.clone();
    for (name, refusal) in &mut refusals {
        let node = cycle.cluster.snapshot.node(name);
        let tried = match (&*refusal, node) {
            (Verdict::Unschedulable(_), Some(node)) => DryRun::new(cycle, node, now).candidate(),
            (Verdict::Unschedulable(_), None)
            | (
                Verdict::Feasible | Verdict::UnschedulableAndUnresolvable(_) | Verdict::Error(_),
                _,
            ) => Err(no_help("Preemption is not helpful for scheduling")),
        };
        match tried {
            Ok(candidate) if candidate.victims.is_empty() => {}
            Ok(candidate) => candidates.push(candidate),
            Err(Rejection { plugin, verdict }) => {
                *refusal = verdict;
                rejected_by.insert(plugin);
            }
        }
        if candidates.len() >= wanted && candidates.iter().any(|found| found.violations == 0) {
            break;
        }
    }
    match candidates.is_empty() {
        false => Ok(candidates),
        true => {
            let message = fit_error(refusals.len(), refusals.values());
            Err(Preemption::Impossible { message, rejected_by })
        }
    }
}

/// How many candidates are enough, of so many nodes where there may be one.
fn calculate_num_candidates(args: DefaultPreemptionArgs, nodes: usize) -> usize {
    let percentage = usize::try_from(args.min_candidate_nodes_percentage).unwrap_or(0);
    let absolute = usize::try_from(args.min_candidate_nodes_absolute).unwrap_or(0);
    (nodes * percentage / 100).max(absolute).min(nodes)
}

/// What preemption itself has against a node.
fn no_help(why: &str) -> Rejection {
    Rejection { plugin: "DefaultPreemption", verdict: Verdict::unresolvable(why) }
}

/// Why a pod may not have room made for it.
fn not_eligible(cycle: &Cycle<'_>, verdicts: &BTreeMap<String, Verdict>) -> Option<&'static str> {
    let pod = cycle.pod;
    let policy = pod.spec().and_then(|spec| spec.preemption_policy.as_deref());
    if policy == Some("Never") {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let nominated = pod.nominated_node_name()?;
    if let Some(Verdict::UnschedulableAndUnresolvable(_)) = verdicts.get(nominated) {
        return None;
    }
    let node = cycle.cluster.snapshot.node(nominated)?;
    let is_going = |other: &PodInfo| may_preempt(pod, other) && is_terminating_by_preemption(other);
    let waits = "not eligible due to a terminating pod on the nominated node.";
    node.pods().any(is_going).then_some(waits)
}

fn may_preempt(pod: &PodInfo, victim: &PodInfo) -> bool {
    victim.priority() < pod.priority()
}

fn is_terminating_by_preemption(pod: &PodInfo) -> bool {
    let status = pod.pod.status.as_ref();
    let mut conditions = status.into_iter().flat_map(|status| status.conditions.iter().flatten());
    let disrupted = conditions.find(|condition| condition.type_ == "DisruptionTarget");
    pod.is_terminating()
        && disrupted.is_some_and(|condition| {
            condition.status == "True"
                && condition.reason.as_deref() == Some("PreemptionByScheduler")
        })
}

/// When a pod was started; one that was not yet, now.
fn start_time(pod: &PodInfo, now: Timestamp) -> Timestamp {
    let started = pod.pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    started.map_or(now, |time| time.0)
}

/// The most important first: by priority, then those that run for longer.
fn sort_by_importance(pods: &mut [PodInfo], now: Timestamp) {
    pods.sort_by_key(|pod| (Reverse(pod.priority()), start_time(pod, now)));
}

/// A node as it would be without some of its pods.
struct DryRun<'a> {
    cycle: Cycle<'a>,
    node: NodeInfo,
    now: Timestamp,
}

impl<'a> DryRun<'a> {
    fn new(cycle: &Cycle<'a>, node: &NodeInfo, now: Timestamp) -> Self {
        Self { cycle: cycle.clone(), node: node.clone(), now }
    }

    fn add(&mut self, pod: &PodInfo) {
        self.node.add_pod(pod.clone());
        self.cycle.add_pod(pod, &self.node);
    }

    fn remove(&mut self, pod: &PodInfo) {
        self.node.remove_pod(&pod.key());
        self.cycle.remove_pod(pod, &self.node);
    }

    /// The fewest pods that have to go, or why it does not help that all go that may. Those that a budget protects
    /// are the first to be spared.
    fn candidate(mut self) -> Result<Candidate, Rejection> {
        let pod = self.cycle.pod;
        let mut potential: Vec<PodInfo> =
            self.node.pods().filter(|victim| may_preempt(pod, victim)).cloned().collect();
        if potential.is_empty() {
            return Err(no_help("No preemption victims found for incoming pod"));
        }
        potential.iter().for_each(|victim| self.remove(victim));
        if let Some(rejection) = self.cycle.rejection(&self.node) {
            return Err(rejection);
        }
        sort_by_importance(&mut potential, self.now);
        let (violating, others) = split_by_violation(potential, &self.cycle.cluster.budgets);
        let mut victims = self.not_spared(violating);
        let violations = victims.len();
        victims.extend(self.not_spared(others));
        sort_by_importance(&mut victims, self.now);
        Ok(Candidate { node: self.node.name().to_owned(), victims, violations })
    }

    /// Those of the pods that cannot come back.
    fn not_spared(&mut self, pods: Vec<PodInfo>) -> Vec<PodInfo> {
        let mut victims = vec![];
        for pod in pods {
            self.add(&pod);
            if self.cycle.rejection(&self.node).is_some() {
                self.remove(&pod);
                victims.push(pod);
            }
        }
        victims
    }
}

/// The candidate that does the least harm: it breaks the fewest budgets, its most important victim is the least
/// important, its victims are less important in all, they are fewer, and the most important have run the shortest.
pub fn select_candidate(candidates: Vec<Candidate>, now: Timestamp) -> Option<Candidate> {
    candidates.into_iter().min_by_key(|candidate| harm(candidate, now))
}

fn harm(
    candidate: &Candidate,
    now: Timestamp,
) -> (usize, Option<i32>, i64, usize, Reverse<Option<Timestamp>>) {
    let victims = &candidate.victims;
    let highest = victims.iter().map(PodInfo::priority).max();
    let sum = victims.iter().map(|pod| i64::from(pod.priority()) + ABOVE_EVERY_PRIORITY).sum();
    let most_important = victims.iter().filter(|pod| Some(pod.priority()) == highest);
    let earliest = most_important.map(|pod| start_time(pod, now)).min();
    (candidate.violations, highest, sum, victims.len(), Reverse(earliest))
}
