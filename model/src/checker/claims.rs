//! What a search notices on its way: claims that fall, and what can be reached.

use crate::slice::{Checked, Fact, Slice};

/// By claim: where it was first violated, or reached.
#[derive(Clone, Debug)]
pub struct Discoveries<T>(Vec<Option<T>>);

impl<T> Discoveries<T> {
    /// Nothing yet.
    pub fn none<S: Slice>(model: &Checked<S>) -> Self {
        Discoveries(model.claims.iter().map(|_| None).collect())
    }

    /// Where the claim at this place was violated or reached.
    pub fn of(&self, claim: usize) -> Option<&T> {
        self.0[claim].as_ref()
    }

    /// By claim, as they are kept in a file.
    pub(super) fn all(&self) -> &[Option<T>] {
        &self.0
    }

    /// What [`all`](Discoveries::all) gave.
    pub(super) fn from_all(all: Vec<Option<T>>) -> Self {
        Discoveries(all)
    }

    /// Notes a discovery, if it is the first of its claim.
    pub fn note(&mut self, claim: usize, at: impl FnOnce() -> T) {
        self.0[claim].get_or_insert_with(at);
    }

    /// The first claim about states or steps that is violated.
    pub fn violation<S: Slice>(&self, model: &Checked<S>) -> Option<usize> {
        (0..self.0.len()).find(|claim| {
            self.0[*claim].is_some() && !matches!(model.claims[*claim].fact, Fact::Reachable(_))
        })
    }

    /// The places of the claims about states that are still open.
    pub fn open_in_states<S: Slice>(&self, model: &Checked<S>) -> Vec<usize> {
        let open = |claim: &usize| {
            let about_states =
                matches!(model.claims[*claim].fact, Fact::Always(_) | Fact::Reachable(_));
            self.0[*claim].is_none() && about_states
        };
        (0..self.0.len()).filter(open).collect()
    }
}

impl<S: Slice> Checked<S> {
    /// Whether this state violates the claim at this place, or is what it says can be reached.
    pub fn state_discovers(&self, claim: usize, state: &S::State) -> bool {
        match self.claims[claim].fact {
            Fact::Always(holds) => !holds(&self.slice, state),
            Fact::Reachable(holds) => holds(&self.slice, state),
            Fact::EachStep(_) | Fact::Eventually(_) | Fact::Possible(_) => false,
        }
    }

    /// The first claim that this step breaks. A run ends with it.
    pub fn broken(&self, before: &S::State, after: &S::State) -> Option<usize> {
        (0..self.claims.len()).find(|claim| self.step_discovers(*claim, before, after))
    }

    /// Every claim that falls with a step that breaks one: those about the step, and those about the
    /// state that it leads to.
    pub fn fallen(&self, before: &S::State, after: &S::State) -> impl Iterator<Item = usize> {
        (0..self.claims.len()).filter(|claim| {
            let is_safe = !matches!(self.claims[*claim].fact, Fact::Reachable(_));
            self.step_discovers(*claim, before, after)
                || (is_safe && self.state_discovers(*claim, after))
        })
    }

    /// Whether this step violates the claim at this place.
    pub fn step_discovers(&self, claim: usize, before: &S::State, after: &S::State) -> bool {
        match self.claims[claim].fact {
            Fact::EachStep(holds) => !holds(&self.slice, before, after),
            Fact::Always(_) | Fact::Reachable(_) | Fact::Eventually(_) | Fact::Possible(_) => false,
        }
    }
}
