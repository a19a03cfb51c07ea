//! What Pods and volumes ask for besides themselves: ResourceClaims, and classes of volumes' attributes.

pub(crate) mod attributes_classes;
pub(crate) mod resource_claims;

use api::Request;
use store::Store;

use super::Moment;
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    match random.one_in(2) {
        true => resource_claims::ask(store, random),
        false => attributes_classes::ask(store, random).into_iter().collect(),
    }
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    resource_claims::broken(moment)
}

/// What has not come about.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    resource_claims::unsettled(store).or_else(|| attributes_classes::unsettled(store))
}
