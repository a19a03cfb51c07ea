//! What a cluster does again and again: Jobs on a schedule.

pub(crate) mod cron_jobs;

use api::Request;
use store::Store;

use super::Moment;
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    cron_jobs::ask(store, random).into_iter().collect()
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    cron_jobs::broken(moment)
}

/// What does not go on.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    cron_jobs::unsettled(store)
}
