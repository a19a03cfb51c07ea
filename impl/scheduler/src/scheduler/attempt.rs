//! One attempt to find a node for a pod, on what is known of the cluster and what extenders have said.
//!
//! Source: `findNodesThatFitPod`, `findNodesThatPassExtenders` and `prioritizeNodes` in schedule_one.go (v1.36).

mod extend;
mod fail;
mod known;

use std::collections::BTreeMap;

use super::Explanation;
use super::reservation::PreBind;
use crate::cluster::Cluster;
use crate::config::Extender;
use crate::cycle::Cycle;
use crate::extender::{Answers, Call, EXTENDER, Stage};
use crate::framework::{ExtensionPoint, Rejection, Verdict};
use crate::knowledge::Knowledge;
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::dynamic_resources;
use crate::plugins::volume_binding::Wanted;
use crate::profile::Profile;
use crate::scoring::Scoring;

pub(super) use fail::{Failure, Remedy};

/// What an attempt goes by.
pub(super) struct Attempt<'a> {
    pub(super) profile: &'a Profile,
    pub(super) extenders: &'a [Extender],
    pub(super) answers: &'a Answers,
    pub(super) pod: &'a PodInfo,
    pub(super) cluster: &'a Cluster,
    /// The name of the node with which the search begins, or after which.
    pub(super) start: &'a str,
}

/// What is found for a pod.
pub(super) enum Found {
    Node { node: String, explanation: Explanation, wanted: Option<PreBind> },
    Nothing(Failure),
}

/// Why nothing can be found yet, or at all.
pub(super) enum Stop {
    /// Extenders are to be asked.
    Ask(Vec<Call>),
    /// An extender has failed.
    Error(String),
}

/// Per plugin, the weighted score of each node.
type Scores = [(&'static str, Vec<i64>)];

/// Why nodes are not feasible, by their names.
type Rejections<'a> = BTreeMap<&'a str, Rejection>;

impl Attempt<'_> {
    /// Looks for a node, and tells with which the next search begins, if that is another one.
    pub(super) fn find(&self, knowledge: &mut Knowledge) -> (Result<Found, Stop>, Option<String>) {
        if self.cluster.snapshot.nodes_len() == 0 {
            return (Ok(Found::Nothing(Failure::no_nodes())), None);
        }
        match Cycle::pre_filter(self.profile, (self.pod, self.cluster)) {
            Ok(cycle) => self.find_in(&cycle, knowledge),
            Err(rejection) => (Ok(Found::Nothing(self.refused_everywhere(&rejection))), None),
        }
    }

    fn find_in(
        &self,
        cycle: &Cycle<'_>,
        knowledge: &mut Knowledge,
    ) -> (Result<Found, Stop>, Option<String>) {
        match self.nominated_node(cycle) {
            Ok(None) | Err(Stop::Error(_)) => {}
            Ok(Some(node)) => return (self.chosen(cycle, &[node]), None),
            Err(stop @ Stop::Ask(_)) => return (Err(stop), None),
        }
        if self.extenders.is_empty()
            && let Some(known) = knowledge.of(cycle)
        {
            return self.find_among(cycle, known);
        }
        let (feasible, mut rejections, next) = self.pass_filters(cycle);
        if let Some(why) = rejections.values().find_map(failure_of) {
            return (Err(Stop::Error(why)), next);
        }
        if cycle.names_some() {
            let unnamed = cycle.cluster.snapshot.nodes().filter(|node| !cycle.names(node));
            rejections
                .extend(unnamed.filter_map(|node| Some((node.name(), cycle.rejection(node)?))));
        }
        let found =
            self.pass_extenders(Stage::Filter, feasible, &mut rejections).and_then(|feasible| {
                match feasible.is_empty() {
                    true => {
                        let mut refusals = rejections.into_iter().collect();
                        self.unschedulable(cycle, &mut refusals).map(Found::Nothing)
                    }
                    false => self.chosen(cycle, &feasible),
                }
            });
        (found, next)
    }

    /// The node where room was made for the pod, if it fits there now.
    fn nominated_node<'a>(&self, cycle: &Cycle<'a>) -> Result<Option<&'a NodeInfo>, Stop> {
        let name = cycle.pod.nominated_node_name();
        let node = name.and_then(|name| cycle.cluster.snapshot.node(name));
        let Some(node) = node.filter(|node| cycle.rejection(node).is_none()) else {
            return Ok(None);
        };
        let feasible =
            self.pass_extenders(Stage::FilterNominated, vec![node], &mut Rejections::new())?;
        Ok(feasible.first().copied())
    }

    /// Enough feasible nodes, by name, why others are not, and the first at which it has not looked.
    fn pass_filters<'a>(
        &self,
        cycle: &Cycle<'a>,
    ) -> (Vec<&'a NodeInfo>, Rejections<'a>, Option<String>) {
        let snapshot = &cycle.cluster.snapshot;
        let is_named = |node: &&NodeInfo| cycle.names(node);
        let nodes_len = match cycle.names_some() {
            true => snapshot.nodes().filter(is_named).count(),
            false => snapshot.nodes_len(),
        };
        let enough = match self.has_choice() {
            true => self.profile.num_feasible_nodes_to_find(nodes_len),
            false => 1,
        };
        let mut rejections = Rejections::new();
        let mut feasible_of = |nodes: &mut dyn Iterator<Item = &'a NodeInfo>, enough: usize| {
            let mut feasible = vec![];
            while feasible.len() < enough
                && let Some(node) = nodes.next()
            {
                match cycle.rejection(node) {
                    None => feasible.push(node),
                    Some(rejection) => drop(rejections.insert(node.name(), rejection)),
                }
            }
            feasible
        };
        let mut after = snapshot.nodes_from(self.start).filter(is_named);
        let mut before = snapshot.nodes_before(self.start).filter(is_named);
        let mut last = feasible_of(&mut after, enough);
        let mut feasible = feasible_of(&mut before, enough - last.len());
        feasible.append(&mut last);
        let next = after.next().or_else(|| before.next()).map(|node| node.name().to_owned());
        (feasible, rejections, next)
    }

    /// Whether it matters which of the feasible nodes is taken.
    fn has_choice(&self) -> bool {
        let has_say = |extender: &Extender| {
            !extender.filter_verb.is_empty() || !extender.prioritize_verb.is_empty()
        };
        !self.profile.scores.is_empty() || self.extenders.iter().any(has_say)
    }

    /// The feasible node with the highest weighted sum of scores; the first by name among equals.
    fn chosen(&self, cycle: &Cycle<'_>, feasible: &[&NodeInfo]) -> Result<Found, Stop> {
        let (mut best, mut scores) = (0, vec![]);
        if feasible.len() > 1 {
            if let Some(why) = self.profile.unprepared.score() {
                return Err(Stop::Error(why.to_owned()));
            }
            let of_extenders = self.prioritize(feasible)?;
            scores = Scoring::pre_score(cycle, feasible).run_scores();
            scores.extend(of_extenders.map(|scores| (EXTENDER, scores)));
            best = best_of(feasible.len(), &scores);
        }
        let explanation = Explanation::of(feasible.len(), &scores, best);
        Ok(self.found(cycle, feasible[best].name(), explanation))
    }

    /// The node that was chosen, and what must be there before the pod is bound.
    fn found(&self, cycle: &Cycle<'_>, name: &str, explanation: Explanation) -> Found {
        let node = cycle.cluster.snapshot.node(name);
        let wanted = node.and_then(|node| self.pre_bind(cycle, node));
        Found::Node { node: name.to_owned(), explanation, wanted }
    }

    /// What must be there before the pod is bound, if anything must.
    fn pre_bind(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Option<PreBind> {
        let binds = |plugin| self.profile.enabled.has(ExtensionPoint::PreBind, plugin);
        let volumes = Wanted::of(&cycle.state.claims, node, &cycle.cluster.volumes);
        let volumes = volumes.filter(|wanted| !wanted.is_empty() && binds("VolumeBinding"));
        let devices = self.profile.devices.reserve(cycle, node);
        let devices = devices.filter(|_| binds(dynamic_resources::NAME));
        (volumes.is_some() || devices.is_some()).then_some(PreBind { volumes, devices })
    }
}

/// What is said of a plugin that fails.
fn failure_of(rejection: &Rejection) -> Option<String> {
    let plugin = rejection.plugin;
    match &rejection.verdict {
        Verdict::Error(why) => Some(format!("running \"{plugin}\" filter plugin: {why}")),
        Verdict::Feasible
        | Verdict::Unschedulable(_)
        | Verdict::UnschedulableAndUnresolvable(_) => None,
    }
}

/// Which of so many nodes has the highest sum of scores; the first among equals.
fn best_of(nodes: usize, scores: &Scores) -> usize {
    let total = |index: &usize| scores.iter().map(|(_, scores)| scores[*index]).sum::<i64>();
    (0..nodes).rev().max_by_key(total).unwrap_or(0)
}

impl Explanation {
    /// Why one of so many nodes was chosen.
    fn of(feasible: usize, scores: &Scores, best: usize) -> Self {
        let scores = scores.iter().map(|(name, scores)| (*name, scores[best])).collect();
        Self { feasible, scores }
    }
}
