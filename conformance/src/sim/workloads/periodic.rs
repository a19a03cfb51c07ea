//! What a cluster does again and again: Jobs on a schedule, numbers of replicas, what Nodes are told, old tokens.

pub(crate) mod autoscalers;
pub(crate) mod cron_jobs;
pub(crate) mod node_ttls;
pub(crate) mod old_tokens;

use api::{Request, Timestamp};
use store::Store;

use super::Moment;
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let missing = old_tokens::missing(store);
    if !missing.is_empty() {
        return missing;
    }
    let request = match random.below(8) {
        0 => node_ttls::ask(store, random),
        1 | 2 => autoscalers::ask(store, random),
        _ => cron_jobs::ask(store, random),
    };
    request.into_iter().collect()
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    let broken = cron_jobs::broken(moment).or_else(|| autoscalers::broken(moment));
    broken.or_else(|| node_ttls::broken(moment)).or_else(|| old_tokens::broken(moment))
}

/// What does not go on.
pub(super) fn unsettled(store: &Store, now: Timestamp) -> Option<String> {
    let unsettled = cron_jobs::unsettled(store).or_else(|| autoscalers::unsettled(store));
    let unsettled = unsettled.or_else(|| node_ttls::unsettled(store));
    unsettled.or_else(|| old_tokens::unsettled(store, now))
}
