//! Paths: written out as steps, with each object called the same from beginning to end.

use crate::slice::{Checked, Slice};

/// One step of a path, between two states.
pub type Step<S> = (<S as Slice>::State, <S as Slice>::Action, <S as Slice>::State);

/// The run that takes these actions, given by their places among the candidates.
///
/// A search that looks at one state for all that are alike has taken each action from the state that
/// stands for the others. The run takes the action that does the same to the objects as they were
/// called from the start. Its last step is, where one can be, one that `shows` what was discovered.
pub fn path<S: Slice>(
    model: &Checked<S>,
    actions: &[usize],
    shows: impl Fn(&S::State, &S::State) -> bool,
) -> Vec<Step<S>> {
    let slice = &model.slice;
    let mut state = slice.initial();
    let mut stands_for_it = slice.canonical(&state);
    let mut steps = Vec::new();
    for (place, action) in actions.iter().enumerate() {
        let Some(target) = slice.step(&stands_for_it, model.candidates[*action]) else {
            break;
        };
        stands_for_it = slice.canonical(&target);
        let is_last = place + 1 == actions.len();
        let is_shown = |after: &S::State| !is_last || shows(&state, after);
        let Some(step) = step_into(model, *action, state, &stands_for_it, is_shown) else {
            break;
        };
        steps.push(step);
        state = step.2;
    }
    steps
}

/// The step from a state into one that this state stands for: the one that is preferred, or else the
/// first.
fn step_into<S: Slice>(
    model: &Checked<S>,
    action: usize,
    state: S::State,
    stands_for_it: &S::State,
    is_preferred: impl Fn(&S::State) -> bool,
) -> Option<Step<S>> {
    let mut first = None;
    for (action, after) in successors(model, action, &state) {
        if model.slice.canonical(&after) == *stands_for_it {
            if is_preferred(&after) {
                return Some((state, action, after));
            }
            first.get_or_insert((state, action, after));
        }
    }
    first
}

/// The steps from a state, the one with this action first.
fn successors<'a, S: Slice>(
    model: &'a Checked<S>,
    first: usize,
    state: &'a S::State,
) -> impl Iterator<Item = (S::Action, S::State)> + 'a {
    let others = (0..model.candidates.len()).filter(move |place| *place != first);
    std::iter::once(first).chain(others).filter_map(|place| {
        let action = model.candidates[place];
        Some((action, model.slice.step(state, action)?))
    })
}
