//! What extenders say of nodes and victims, or what to ask them.

use std::collections::BTreeMap;

use super::{Attempt, Rejections, Stop};
use crate::config::Extender;
use crate::extender::{Answer, Call, EXTENDER, FilterAnswer, MetaVictims, Stage, is_interested};
use crate::framework::{Rejection, SCORE_MAX, Verdict};
use crate::node_info::NodeInfo;
use crate::plugins::default_preemption::Candidate;

/// The best score that an extender gives.
const EXTENDER_SCORE_MAX: i64 = 10;

impl<'a> Attempt<'a> {
    /// The extenders that have something to say of the pod.
    fn interested(
        &self,
        verb: fn(&Extender) -> &String,
    ) -> impl Iterator<Item = (usize, &'a Extender)> {
        let all = self.extenders.iter().enumerate();
        all.filter(move |(_, extender)| {
            !verb(extender).is_empty() && is_interested(extender, self.pod)
        })
    }

    /// Those of the feasible nodes that are so to extenders as well, who are asked one after the other.
    pub(super) fn pass_extenders<'n>(
        &self,
        stage: Stage,
        mut feasible: Vec<&'n NodeInfo>,
        rejections: &mut Rejections<'n>,
    ) -> Result<Vec<&'n NodeInfo>, Stop> {
        for (index, extender) in self.interested(|extender| &extender.filter_verb) {
            if feasible.is_empty() {
                break;
            }
            match self.answers.get(&(stage, index)) {
                None => {
                    let of = (index, extender);
                    return Err(Stop::Ask(vec![Call::about_nodes(
                        of,
                        stage,
                        (self.pod, &feasible),
                    )]));
                }
                Some(Ok(Answer::Nodes(answer))) => {
                    let (still, others) = feasible
                        .into_iter()
                        .partition(|node| answer.feasible.contains(node.name()));
                    reject(others, answer, rejections);
                    feasible = still;
                }
                Some(Err(why)) if !extender.ignorable => return Err(Stop::Error(why.clone())),
                Some(Ok(Answer::Scores(_) | Answer::Victims(_) | Answer::Bound) | Err(_)) => {}
            }
        }
        Ok(feasible)
    }

    /// The scores of extenders, who are asked side by side; those of one that fails do not count.
    pub(super) fn prioritize(&self, feasible: &[&NodeInfo]) -> Result<Option<Vec<i64>>, Stop> {
        let (mut calls, mut scores) = (vec![], None);
        for (index, extender) in self.interested(|extender| &extender.prioritize_verb) {
            match self.answers.get(&(Stage::Prioritize, index)) {
                None => {
                    let of = (index, extender);
                    calls.push(Call::about_nodes(of, Stage::Prioritize, (self.pod, feasible)));
                }
                Some(Ok(Answer::Scores(given))) => {
                    let scores = scores.get_or_insert_with(|| vec![0_i64; feasible.len()]);
                    let factor = extender.weight.saturating_mul(SCORE_MAX / EXTENDER_SCORE_MAX);
                    for (score, node) in scores.iter_mut().zip(feasible) {
                        let given = given.get(node.name()).copied().unwrap_or(0);
                        *score = score.saturating_add(given.saturating_mul(factor));
                    }
                }
                Some(Ok(Answer::Nodes(_) | Answer::Victims(_) | Answer::Bound) | Err(_)) => {}
            }
        }
        if calls.is_empty() { Ok(scores) } else { Err(Stop::Ask(calls)) }
    }

    /// Those of the candidates for preemption that extenders allow, maybe with other victims.
    pub(super) fn process_preemption(
        &self,
        mut candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Stop> {
        for (index, extender) in self.interested(|extender| &extender.preempt_verb) {
            if candidates.is_empty() {
                break;
            }
            let read = match self.answers.get(&(Stage::Preempt, index)) {
                None => {
                    let call = Call::about_victims((index, extender), self.pod, &candidates);
                    return Err(Stop::Ask(vec![call]));
                }
                Some(Ok(Answer::Victims(victims))) => self.candidates_of(extender, victims),
                Some(Err(why)) => Err(why.clone()),
                Some(Ok(Answer::Nodes(_) | Answer::Scores(_) | Answer::Bound)) => continue,
            };
            match read {
                Ok(read) => candidates = read,
                Err(_) if extender.ignorable => {}
                Err(why) => return Err(Stop::Error(why)),
            }
        }
        Ok(candidates)
    }

    fn candidates_of(
        &self,
        extender: &Extender,
        victims: &BTreeMap<String, MetaVictims>,
    ) -> Result<Vec<Candidate>, String> {
        let mut candidates = vec![];
        for (name, MetaVictims { uids, violations }) in victims {
            let node = self.cluster.snapshot.node(name);
            let node =
                node.ok_or_else(|| format!("nodeinfo not found for node name \"{name}\""))?;
            let pod = |uid: &String| {
                let found = node.pods().find(|pod| pod.uid() == uid).cloned();
                found.ok_or_else(|| {
                    format!(
                        "extender: {} claims to preempt pod (UID: &{{{uid}}}) on node: {name}, but the pod \
                         is not found on that node",
                        extender.url_prefix
                    )
                })
            };
            let victims = uids.iter().map(pod).collect::<Result<Vec<_>, _>>()?;
            if !victims.is_empty() {
                candidates.push(Candidate::new(name.clone(), victims, *violations));
            } else if !extender.ignorable {
                return Err(format!("expected at least one victim pod on node \"{name}\""));
            }
        }
        Ok(candidates)
    }
}

/// Notes why nodes are not feasible to an extender. Of some it may not say why.
fn reject<'n>(nodes: Vec<&'n NodeInfo>, answer: &FilterAnswer, rejections: &mut Rejections<'n>) {
    for node in nodes {
        let verdict = match (answer.unresolvable.get(node.name()), answer.failed.get(node.name())) {
            (Some(why), _) => Verdict::unresolvable(why),
            (None, Some(why)) => Verdict::Unschedulable(vec![why.clone()]),
            (None, None) => Verdict::UnschedulableAndUnresolvable(vec![]),
        };
        rejections.insert(node.name(), Rejection { plugin: EXTENDER, verdict });
    }
}
