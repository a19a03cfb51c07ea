//! Mutations of the aggregation controller: each replaces one step and passes the rest through.

use super::{Action, ROLES, Rules, State};

crate::mutations! {
    /// Rules that the role has stay.
    NeverTakesAway = "aggregation-never-takes-away",
    /// No rules are added.
    NeverAdds = "aggregation-never-adds",
    /// What a client has edited is left alone.
    KeepsEdits = "aggregation-keeps-edits",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(NeverTakesAway), Action::SyncRole) => {
                state.sync_role(|seen| each(|role| seen.roles[role] || seen.aggregated[role]))
            }
            (Some(NeverAdds), Action::SyncRole) => {
                state.sync_role(|seen| each(|role| seen.roles[role] && seen.aggregated[role]))
            }
            (Some(KeepsEdits), Action::SyncRole) => {
                action.apply(state).filter(|next| next.budgets.edits == 1)
            }
            (_, action) => action.apply(state),
        }
    }
}

fn each(has: impl Fn(usize) -> bool) -> Rules {
    let mut rules = [false; ROLES];
    rules.iter_mut().enumerate().for_each(|(role, rule)| *rule = has(role));
    rules
}
