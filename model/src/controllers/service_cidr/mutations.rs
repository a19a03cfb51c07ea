//! Mutations around ServiceCIDRs: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// A range goes though it has addresses.
    IgnoresAddresses = "servicecidr-ignores-addresses",
    /// A range goes at once: an API server that has not heard of its deletion may still allocate.
    WithoutGrace = "servicecidr-has-no-grace-period",
    /// A new range gets no finalizer.
    NeverProtects = "servicecidr-is-not-protected",
    /// The finalizer of a range stays for ever.
    NeverLetsGo = "servicecidr-keeps-its-finalizer",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(IgnoresAddresses), Action::LetGo) => state.let_go(State::is_graced),
            (Some(WithoutGrace), Action::LetGo) => state.let_go(State::is_unused),
            (Some(NeverProtects), Action::Protect) => None,
            (Some(NeverLetsGo), Action::LetGo) => None,
            (_, action) => action.apply(state),
        }
    }
}
