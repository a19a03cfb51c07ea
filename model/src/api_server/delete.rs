//! How the API server handles a deletion.

use super::{Collector, Object, Refusal, State, Verb};

impl State {
    /// Deletes the object: at once, or when its grace period has passed and no finalizer is left.
    pub fn delete(&self, client: u8, verb: Verb) -> State {
        let Some(object) = self.objects[0] else {
            return self.answered(client, Some(Refusal::NotFound));
        };
        if !self.meets_preconditions(client, verb, object) {
            return self.answered(client, Some(Refusal::Conflict));
        }
        if verb == Verb::DeleteDryRun {
            return self.answered(client, None);
        }
        self.stored(object.marked(verb)).answered(client, None)
    }

    /// Whether the object is the one that the request names.
    fn meets_preconditions(&self, client: u8, verb: Verb, object: Object) -> bool {
        let read = self.client(client).read;
        let uid = verb != Verb::DeleteUid || read.is_some_and(|(uid, _)| uid == object.uid);
        let newest = Some((object.uid, object.resource_version));
        uid && (verb != Verb::DeleteResourceVersion || read == newest)
    }
}

impl Object {
    /// The object once its deletion was asked for: `deletionTimestamp` is set, the grace period can
    /// only become shorter, and the finalizer of the garbage collector is as the policy says.
    #[must_use]
    pub fn marked(self, verb: Verb) -> Object {
        let period = grace_period(verb);
        let collector = match (verb == Verb::DeleteForeground, verb == Verb::DeleteOrphan) {
            (true, _) => Collector::Foreground,
            (false, true) => Collector::Orphan,
            (false, false) => Collector::None,
        };
        match self.deletion {
            None => {
                let generation = self.generation + 1;
                Object { deletion: Some(period), generation, collector, ..self }
            }
            Some(0) => Object { collector, ..self },
            Some(pending) if period < pending => {
                Object { deletion: Some(period), collector, ..self }
            }
            Some(_) => self,
        }
    }
}

/// `gracePeriodSeconds` of a deletion, in some unit.
fn grace_period(verb: Verb) -> u8 {
    match (verb == Verb::DeleteSoon, verb == Verb::DeleteLater) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }
}
