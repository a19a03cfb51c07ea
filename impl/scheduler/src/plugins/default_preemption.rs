//! DefaultPreemption: which pods have to go from which node so that a more important one fits there.
//!
//! Source: framework/plugins/defaultpreemption and framework/preemption/preemption.go (v1.36). Nodes are tried
//! from the first by name on, and of equally good ones the first is taken; upstream begins at a random one.

mod budgets;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use api::Timestamp;

use crate::config::DefaultPreemptionArgs;
use crate::cycle::Cycle;
use crate::framework::{Rejection, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::refusals::Refusals;

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
    harm: Harm,
}

/// It breaks so many budgets; its most important victim has this priority; the sum of the priorities; how many victims
/// there are; when the first of the most important was started.
type Harm = (usize, Option<i32>, i64, usize, Reverse<Option<Started>>);

impl Candidate {
    /// A node from which these pods would have to go, of which a PodDisruptionBudget protects so many.
    pub fn new(node: String, victims: Vec<PodInfo>, violations: usize) -> Self {
        let harm = harm(&victims, violations);
        Self { node, victims, violations, harm }
    }
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
pub fn find_candidates<'r>(
    cycle: &Cycle<'_>,
    args: DefaultPreemptionArgs,
    refusals: &'r mut Refusals,
) -> Result<Vec<&'r Candidate>, Preemption> {
    if let Some(why) = not_eligible(cycle, refusals) {
        return Err(Preemption::NotEligible(why));
    }
    let wanted = calculate_num_candidates(args, refusals.potential());
    let dry_run = |name: &str| match cycle.cluster.snapshot.node(name) {
        Some(node) => DryRun::new(cycle, node).candidate(),
        None => Err(no_help("Preemption is not helpful for scheduling")),
    };
    if refusals.candidates(wanted, dry_run).is_empty() {
        let (message, rejected_by) = refusals.impossible();
        return Err(Preemption::Impossible { message, rejected_by });
    }
    Ok(refusals.candidates(wanted, dry_run))
}

/// How many candidates are enough, of so many nodes where there may be one.
fn calculate_num_candidates(args: DefaultPreemptionArgs, nodes: usize) -> usize {
    let percentage = usize::try_from(args.min_candidate_nodes_percentage).unwrap_or(0);
    let absolute = usize::try_from(args.min_candidate_nodes_absolute).unwrap_or(0);
    (nodes * percentage / 100).max(absolute).min(nodes)
}

/// What preemption itself has against a node.
pub(crate) fn no_help(why: &str) -> Rejection {
    Rejection { plugin: "DefaultPreemption", verdict: Verdict::unresolvable(why) }
}

/// Why a pod may not have room made for it.
fn not_eligible(cycle: &Cycle<'_>, refusals: &Refusals) -> Option<&'static str> {
    let pod = cycle.pod;
    let policy = pod.spec().and_then(|spec| spec.preemption_policy.as_deref());
    if policy == Some("Never") {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let nominated = pod.nominated_node_name()?;
    if let Some(Verdict::UnschedulableAndUnresolvable(_)) = refusals.verdict(nominated) {
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

/// When a pod was started: later than any other, if it was not yet.
type Started = (bool, Option<Timestamp>);

fn start_time(pod: &PodInfo) -> Started {
    let started = pod.pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    (started.is_none(), started.map(|time| time.0))
}

/// The most important first: by priority, then those that run for longer.
fn sort_by_importance(pods: &mut [PodInfo]) {
    pods.sort_by_key(|pod| (Reverse(pod.priority()), start_time(pod)));
}

/// A node as it would be without some of its pods.
struct DryRun<'a> {
    cycle: Cycle<'a>,
    node: NodeInfo,
}

impl<'a> DryRun<'a> {
    fn new(cycle: &Cycle<'a>, node: &NodeInfo) -> Self {
        Self { cycle: cycle.clone(), node: node.clone() }
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
        sort_by_importance(&mut potential);
        let (violating, others) = split_by_violation(potential, &self.cycle.cluster.budgets);
        let mut victims = self.not_spared(violating);
        let violations = victims.len();
        victims.extend(self.not_spared(others));
        sort_by_importance(&mut victims);
        Ok(Candidate::new(self.node.name().to_owned(), victims, violations))
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
pub fn select_candidate<'a>(
    candidates: impl IntoIterator<Item = &'a Candidate>,
) -> Option<&'a Candidate> {
    candidates.into_iter().min_by_key(|candidate| candidate.harm)
}

fn harm(victims: &[PodInfo], violations: usize) -> Harm {
    let highest = victims.iter().map(PodInfo::priority).max();
    let sum = victims.iter().map(|pod| i64::from(pod.priority()) + ABOVE_EVERY_PRIORITY).sum();
    let most_important = victims.iter().filter(|pod| Some(pod.priority()) == highest);
    let earliest = most_important.map(start_time).min();
    (violations, highest, sum, victims.len(), Reverse(earliest))
}
