//! How Services are reached that select no Pods: by Endpoints that somebody writes, and by load balancers.

pub(crate) mod balancers;
pub(crate) mod by_hand;

use api::Request;
use store::Store;

use super::Moment;
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    match random.one_in(2) {
        true => by_hand::ask(store, random),
        false => balancers::ask(store, random),
    }
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    by_hand::broken(moment).or_else(|| balancers::broken(moment))
}

/// What is not reached as it should be.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    by_hand::unsettled(store).or_else(|| balancers::unsettled(store))
}
