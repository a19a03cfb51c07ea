//! Breadth first through all orders, each state once: the first way to a state is a shortest.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::state::State;
use super::{SchedulingFault, Story};

/// What came of all orders.
#[derive(Clone, Debug, Default)]
pub struct Scheduled {
    /// How many states there are.
    pub states: usize,
    /// Those in which nothing can happen any more but a fault.
    pub ends: usize,
    /// The claims that do not hold, each with why, and what happened.
    pub broken: BTreeMap<&'static str, Vec<String>>,
    /// What has happened, by the claims that say that it can.
    pub happened: BTreeSet<&'static str>,
}

/// Tries every order, until this claim is broken if one is named.
pub fn schedule(story: &'static Story, fault: SchedulingFault, until: Option<&str>) -> Scheduled {
    let first = State::new(story, fault);
    let mut seen = HashSet::from([first.digest()]);
    let mut waiting = VecDeque::from([(first, 0)]);
    let mut steps: Vec<(usize, String)> = vec![(0, String::new())];
    let mut found = Scheduled::default();
    while let Some((state, at)) = waiting.pop_front() {
        let actions = state.choices();
        let is_end = actions.iter().all(super::Action::is_fault);
        found.ends += usize::from(is_end);
        let mut broken = if is_end { state.broken_at_end() } else { vec![] };
        note(&mut found, &mut broken, (&steps, at));
        for action in actions {
            let words = state.words(&action);
            let mut next = state.after(&action);
            steps.push((at, words));
            found.happened.extend(std::mem::take(&mut next.happened));
            note(&mut found, &mut next.broken, (&steps, steps.len() - 1));
            if seen.insert(next.digest()) {
                waiting.push_back((next, steps.len() - 1));
            } else {
                steps.pop();
            }
        }
        if until.is_some_and(|claim| found.broken.contains_key(claim)) {
            break;
        }
    }
    found.states = seen.len();
    found
}

/// Keeps the first way in which each claim is broken.
fn note(
    found: &mut Scheduled,
    broken: &mut Vec<(&'static str, String)>,
    (steps, mut at): (&[(usize, String)], usize),
) {
    for (claim, why) in broken.drain(..) {
        let mut way = vec![why];
        while at > 0 {
            way.push(steps[at].1.clone());
            at = steps[at].0;
        }
        way.reverse();
        found.broken.entry(claim).or_insert(way);
    }
}
