//! Mutations of taints in zones: each replaces one step and passes the rest through.

use super::steps::Rules;
use super::{Action, Limiter, NODES, State, ZONE_OF};

crate::mutations! {
    /// Nodes are tainted though none is ready.
    IgnoresDisruption = "node-lifecycle-ignores-disruption",
    /// A turn takes no token.
    HasNoLimit = "node-lifecycle-has-no-limit",
    /// Only one Node of a zone is tainted.
    TaintsOneOfZone = "node-lifecycle-taints-one-of-a-zone",
    /// Who was tainted stays tainted when no Node is ready any more.
    KeepsTaints = "node-lifecycle-keeps-taints",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(IgnoresDisruption), Action::Sync { node }) => {
                state.sync(node, &Rules { may_evict: |_| true, ..Rules::RIGHT })
            }
            (Some(HasNoLimit), Action::Sync { node }) => {
                state.sync(node, &Rules { after_turn: Limiter::Full, ..Rules::RIGHT })
            }
            (Some(TaintsOneOfZone), Action::Sync { node }) => {
                let taints = |next: &State| next.asked.is_some_and(|patch| patch.tainted);
                let next = action.apply(state)?;
                (!taints(&next) || !has_tainted_neighbour(state, node)).then_some(next)
            }
            (Some(KeepsTaints), Action::Sync { node }) => {
                state.sync(node, &Rules { keeps: |_| true, ..Rules::RIGHT })
            }
            (_, action) => action.apply(state),
        }
    }
}

/// Whether another Node of the zone is tainted.
fn has_tainted_neighbour(state: &State, node: u8) -> bool {
    let (objects, node) = (state.store.now(), usize::from(node));
    let mut others = (0..NODES).filter(|other| *other != node && ZONE_OF[*other] == ZONE_OF[node]);
    others.any(|other| objects.nodes[other].tainted)
}
