//! Why nodes are not feasible for a pod, and what comes of each when less important pods go.

use std::collections::{BTreeMap, BTreeSet};

use crate::framework::{Rejection, Verdict, fit_error};
use crate::plugins::default_preemption::{Candidate, no_help};

/// How many nodes each reason holds for, and each plugin is against.
#[derive(Clone, Debug, Default)]
struct Tally {
    reasons: BTreeMap<String, usize>,
    plugins: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn add(&mut self, rejection: &Rejection) {
        self.add_reasons(&rejection.verdict);
        *self.plugins.entry(rejection.plugin).or_insert(0) += 1;
    }

    fn add_reasons(&mut self, verdict: &Verdict) {
        for reason in verdict.reasons() {
            match self.reasons.get_mut(reason) {
                Some(count) => *count += 1,
                None => drop(self.reasons.insert(reason.clone(), 1)),
            }
        }
    }

    fn remove(&mut self, rejection: &Rejection) {
        self.remove_reasons(&rejection.verdict);
        one_less(&mut self.plugins, rejection.plugin);
    }

    fn remove_reasons(&mut self, verdict: &Verdict) {
        for reason in verdict.reasons() {
            one_less(&mut self.reasons, reason.as_str());
        }
    }

    fn reasons(&self) -> impl Iterator<Item = (&str, usize)> {
        self.reasons.iter().map(|(reason, count)| (reason.as_str(), *count))
    }
}

fn one_less<K: Ord + std::borrow::Borrow<Q>, Q: Ord + ?Sized>(
    counts: &mut BTreeMap<K, usize>,
    of: &Q,
) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}

/// A node that is not feasible.
#[derive(Clone, Debug)]
struct Refused {
    rejection: Rejection,
    /// Who would have to go, or why that does not help; `None` before it was tried.
    tried: Option<Result<Candidate, Rejection>>,
}

impl Refused {
    /// Whether it might be feasible if other pods went.
    fn is_potential(&self) -> bool {
        matches!(self.rejection.verdict, Verdict::Unschedulable(_))
    }
}

/// The nodes that are not feasible for a pod, by name. What there is to say of all of them is counted as they come.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    nodes: BTreeMap<String, Refused>,
    tally: Tally,
    /// How many might be feasible if other pods went.
    potential: usize,
    /// Of those that were tried: why it does not help that pods go.
    tried: Tally,
}

impl Refusals {
    /// Notes why a node is not feasible, instead of what was noted before.
    pub fn insert(&mut self, node: &str, rejection: Rejection) {
        self.remove(node);
        self.tally.add(&rejection);
        let refused = Refused { rejection, tried: None };
        self.potential += usize::from(refused.is_potential());
        self.nodes.insert(node.to_owned(), refused);
    }

    /// Forgets a node.
    pub fn remove(&mut self, node: &str) {
        let Some(refused) = self.nodes.remove(node) else { return };
        self.tally.remove(&refused.rejection);
        self.potential -= usize::from(refused.is_potential());
        forget_trial(&mut self.tried, &refused);
    }

    /// Forgets what came of it when pods were to go.
    pub fn forget_trials(&mut self) {
        self.tried = Tally::default();
        self.nodes.values_mut().for_each(|refused| refused.tried = None);
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many might be feasible if other pods went.
    pub fn potential(&self) -> usize {
        self.potential
    }

    /// Why a node is not feasible.
    pub fn verdict(&self, node: &str) -> Option<&Verdict> {
        self.nodes.get(node).map(|refused| &refused.rejection.verdict)
    }

    /// Every node, with what was said of it.
    pub fn rejections(&self) -> impl Iterator<Item = (&str, &Rejection)> {
        self.nodes.iter().map(|(name, refused)| (name.as_str(), &refused.rejection))
    }

    /// The plugins that are against a node.
    pub fn rejected_by(&self) -> BTreeSet<&'static str> {
        self.tally.plugins.keys().copied().collect()
    }

    /// What is said of a pod for which there is no other node.
    pub fn message(&self) -> String {
        fit_error(self.len(), self.tally.reasons())
    }

    /// Tries each node in turn, by name, until there are so many candidates, one of which breaks no budget. What was
    /// tried before is not tried again.
    pub fn candidates(
        &mut self,
        wanted: usize,
        dry_run: impl Fn(&str) -> Result<Candidate, Rejection>,
    ) -> Vec<&Candidate> {
        let (mut candidates, mut breaks_none) = (vec![], false);
        for (name, refused) in self.nodes.iter_mut().filter(|(_, refused)| refused.is_potential()) {
            if refused.tried.is_none() {
                let outcome = dry_run(name);
                match &outcome {
                    Ok(candidate) if candidate.victims.is_empty() => {
                        self.tried.add_reasons(&refused.rejection.verdict);
                    }
                    Ok(_) => {}
                    Err(rejection) => self.tried.add(rejection),
                }
                refused.tried = Some(outcome);
            }
            if let Some(Ok(candidate)) = &refused.tried
                && !candidate.victims.is_empty()
            {
                breaks_none |= candidate.violations == 0;
                candidates.push(candidate);
            }
            if candidates.len() >= wanted && breaks_none {
                break;
            }
        }
        candidates
    }

    /// Why it helps nowhere that pods go, once all nodes were tried; and which plugins are against the pod all the
    /// same.
    pub fn impossible(&self) -> (String, BTreeSet<&'static str>) {
        let mut all = self.tried.clone();
        for _ in self.potential..self.len() {
            all.add(&no_help("Preemption is not helpful for scheduling"));
        }
        (fit_error(self.len(), all.reasons()), all.plugins.into_keys().collect())
    }
}

fn forget_trial(tried: &mut Tally, refused: &Refused) {
    match &refused.tried {
        Some(Ok(candidate)) if candidate.victims.is_empty() => {
            tried.remove_reasons(&refused.rejection.verdict);
        }
        Some(Err(rejection)) => tried.remove(rejection),
        Some(Ok(_)) | None => {}
    }
}

impl<'a> FromIterator<(&'a str, Rejection)> for Refusals {
    fn from_iter<I: IntoIterator<Item = (&'a str, Rejection)>>(rejections: I) -> Self {
        let mut refusals = Self::default();
        rejections.into_iter().for_each(|(node, rejection)| refusals.insert(node, rejection));
        refusals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(plugin: &'static str, verdict: Verdict) -> Rejection {
        Rejection { plugin, verdict }
    }

    fn tainted() -> Rejection {
        let verdict = Verdict::unresolvable("node(s) had untolerated taint(s)");
        rejection("TaintToleration", verdict)
    }

    fn full() -> Rejection {
        let reasons = vec!["Insufficient cpu".into(), "Too many pods".into()];
        rejection("NodeResourcesFit", Verdict::Unschedulable(reasons))
    }

    #[test]
    fn reasons_are_counted_and_sorted() {
        let refusals: Refusals =
            [("a", full()), ("b", tainted()), ("c", tainted())].into_iter().collect();

        assert_eq!(
            refusals.message(),
            "0/3 nodes are available: 1 Insufficient cpu, 1 Too many pods, \
             2 node(s) had untolerated taint(s)."
        );
        assert_eq!(refusals.rejected_by(), ["NodeResourcesFit", "TaintToleration"].into());
    }

    #[test]
    fn what_was_noted_of_a_node_goes_with_it() {
        let mut refusals: Refusals = [("a", full()), ("b", full())].into_iter().collect();
        refusals.candidates(9, |_| Err(no_help("No preemption victims found for incoming pod")));

        refusals.insert("a", tainted());
        refusals.remove("b");

        assert_eq!(
            refusals.message(),
            "0/1 nodes are available: 1 node(s) had untolerated taint(s)."
        );
        assert_eq!(refusals.rejected_by(), ["TaintToleration"].into());
        let (message, _) = refusals.impossible();
        assert_eq!(message, "0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
    }

    #[test]
    fn a_node_is_tried_once() {
        let mut refusals: Refusals = [("a", full()), ("b", tainted())].into_iter().collect();
        let tried = std::cell::RefCell::new(vec![]);

        for _ in 0..2 {
            let found = refusals.candidates(1, |name| {
                tried.borrow_mut().push(name.to_owned());
                Err(full())
            });
            assert_eq!(found.len(), 0);
        }

        assert_eq!(tried.into_inner(), ["a"]);
    }
}
