//! The plainest search: every state whole, in a set of the standard library. Slow, and hard to get
//! wrong; the others are held against it.

use super::liveness::Goal;
use crate::slice::{Checked, Slice};
use std::collections::{HashSet, VecDeque};

/// All states of a model, or nothing where there are more than so many.
pub fn all_states<S: Slice>(model: &Checked<S>, states_max: usize) -> Option<HashSet<S::State>> {
    let initial = model.slice.initial();
    let mut known = HashSet::from([initial]);
    let mut queue = VecDeque::from([initial]);
    while let Some(before) = queue.pop_front() {
        if model.slice.is_at_bound(&before) {
            continue;
        }
        let steps = model.candidates.iter().filter_map(|action| model.slice.step(&before, *action));
        for after in steps.filter(|after| model.broken(&before, after).is_none()) {
            if known.insert(after) {
                queue.push_back(after);
            }
        }
        if known.len() > states_max {
            return None;
        }
    }
    Some(known)
}

/// Whether some run from this state reaches the goal. Every action counts but faults, fair or not.
pub fn can_reach<S: Slice>(model: &Checked<S>, start: S::State, goal: Goal<S>) -> bool {
    let slice = &model.slice;
    let helpful = model.candidates.iter().filter(|action| slice.fault(**action).is_none());
    let helpful: Vec<_> = helpful.copied().collect();
    let mut known = HashSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(before) = queue.pop_front() {
        if goal(slice, &before) {
            return true;
        }
        let steps = helpful.iter().filter_map(|action| slice.step(&before, *action));
        for after in steps.filter(|after| model.broken(&before, after).is_none()) {
            if known.insert(after) {
                queue.push_back(after);
            }
        }
    }
    false
}
