//! The search of an allocation: one device after the other, and back where one leads nowhere.
//!
//! Source: `allocateOne` in structured/internal/incubating/allocator_incubating.go (v1.36).

use super::allocator::Allocator;
use super::request::wrong;
use super::seeking::{At, RESULTS_MAX, Taken, Wanted};

/// Why a search goes back further than to the last device, or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A claim would have more devices than it can.
    TooMany,
    /// For this reason.
    Error(String),
}

impl<'a> Allocator<'a> {
    /// Whether there are devices for all claims, which are taken then.
    pub(super) fn search(&mut self) -> Result<bool, Stop> {
        self.next_request(0, 0)
    }

    /// Goes on with a request, or with the next claim.
    fn next_request(&mut self, claim: usize, request: usize) -> Result<bool, Stop> {
        self.look()?;
        let Some(seeking) = self.claims.get(claim) else { return Ok(true) };
        let Some(wishes) = seeking.requests.get(request).map(Vec::len) else {
            return match self.next_request(claim + 1, 0) {
                Err(Stop::TooMany) => Ok(false),
                other => other,
            };
        };
        let mut are_too_many = true;
        for wish in 0..wishes {
            let at = At { claim, request, wish };
            let wanted = self.claims[claim].requests[request][wish].clone();
            let is_nothing = wanted.all.as_ref().is_some_and(Vec::is_empty);
            match if is_nothing { Ok(false) } else { self.next_device(at, &wanted, (0, 0)) } {
                Ok(true) => return Ok(true),
                Ok(false) => are_too_many = false,
                Err(Stop::TooMany) => {}
                Err(error @ Stop::Error(_)) => return Err(error),
            }
        }
        if are_too_many { Err(Stop::TooMany) } else { Ok(false) }
    }

    /// Goes on with a device of a wish; those before `start` were tried.
    fn next_device(
        &mut self,
        at: At,
        wanted: &Wanted<'a>,
        (index, start): (usize, usize),
    ) -> Result<bool, Stop> {
        self.look()?;
        if index >= wanted.count {
            return self.next_request(at.claim, at.request + 1);
        }
        if self.claims[at.claim].picked.len() + wanted.count - index > RESULTS_MAX {
            return Err(Stop::TooMany);
        }
        if let Some(all) = &wanted.all {
            return self.next_of_all(at, wanted, (index, all[index]));
        }
        for place in start..self.candidates.len() {
            self.look()?;
            let can_be = self.is_free(at, wanted, place)
                && self.is_selected(at, wanted, place).map_err(Stop::Error)?
                && self.fits(wanted, place);
            if !can_be || self.take(at, wanted, place) != Taken::Yes {
                continue;
            }
            let found = self.next_device(at, wanted, (index + 1, place + 1));
            if found == Ok(true) {
                return found;
            }
            self.give_back(at, wanted);
            found?;
        }
        Ok(false)
    }

    /// Of a wish for all devices each is taken, or none.
    fn next_of_all(
        &mut self,
        at: At,
        wanted: &Wanted<'a>,
        (index, place): (usize, usize),
    ) -> Result<bool, Stop> {
        if !self.is_free(at, wanted, place) || !self.fits(wanted, place) {
            return Ok(false);
        }
        match self.take(at, wanted, place) {
            Taken::Yes => {}
            Taken::No => return Ok(false),
            Taken::Unlike => {
                let why = format!(
                    "cannot add device {} because a claim constraint would not be satisfied",
                    self.id(place)
                );
                let claim = self.claims[at.claim].claim;
                return Err(Stop::Error(wrong(claim, wanted.wish.own_name(), &why)));
            }
        }
        let found = self.next_device(at, wanted, (index + 1, 0));
        if found != Ok(true) {
            self.give_back(at, wanted);
        }
        found
    }

    /// Counts a look, and ends the search where there were too many.
    fn look(&mut self) -> Result<(), Stop> {
        self.looks += 1;
        if self.inputs.looks_max.is_some_and(|max| self.looks > max) {
            let node = self.inputs.node.name();
            return Err(Stop::Error(format!("node {node}: timed out trying to allocate devices")));
        }
        Ok(())
    }
}
