//! What the Deployment controller makes of the caches it reads: pure functions of what they show.

use super::objects::{Objects, Set};
use super::{MAX_SURGE, MAX_UNAVAILABLE, REPLICAS, Request};

/// How an update looks at ReplicaSets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strategy {
    /// How many more replicas there may be.
    pub(super) max_surge: u8,
    /// How many Pods of a ReplicaSet count as available.
    pub(super) available: fn(&Set) -> u8,
    /// Which ReplicaSet is the one of the Deployment's template.
    pub(super) find_new: fn(&Objects) -> Option<(u8, Set)>,
}

impl Strategy {
    /// The right one.
    pub(super) const ROLLING_UPDATE: Self = Strategy {
        max_surge: MAX_SURGE,
        available: |set| set.available,
        find_new: set_of_this_template,
    };

    /// What is to be done first.
    pub(super) fn wanted(&self, objects: &Objects) -> Request {
        let Some((name, new)) = (self.find_new)(objects) else {
            let read = objects.deployment;
            return Request::Create { read, replicas: self.room(objects).min(REPLICAS) };
        };
        let missing = REPLICAS.saturating_sub(new.replicas).min(self.room(objects));
        match missing {
            0 => self.scale_down(objects, name, &new),
            more => Request::Scale { name, read: new, replicas: new.replicas + more },
        }
    }

    /// How many more replicas there may be than there are.
    fn room(&self, objects: &Objects) -> u8 {
        (REPLICAS + self.max_surge).saturating_sub(total(objects))
    }

    /// Takes replicas from an old ReplicaSet: those that are not available, or else as many as the
    /// Pods that are available can spare. It waits where an old ReplicaSet still has more Pods than
    /// replicas, as upstream's `cleanupUnhealthyReplicas` fails there.
    fn scale_down(&self, objects: &Objects, new_name: u8, new: &Set) -> Request {
        let kept = i16::from(REPLICAS - MAX_UNAVAILABLE);
        let available = |set: &Set| i16::from((self.available)(set));
        let unavailable = i16::from(new.replicas) - available(new);
        let spare = i16::from(total(objects)) - kept - unavailable;
        let mut old = objects.owned().filter(|(name, set)| *name != new_name && set.replicas > 0);
        let Some((name, read)) = old.next().filter(|_| spare > 0) else { return Request::None };
        let unhealthy = i16::from(read.replicas) - available(&read);
        let all: i16 = objects.owned().map(|(_, set)| available(&set)).sum();
        let fewer = match unhealthy {
            ..0 => 0,
            0 => (all - kept).clamp(0, i16::from(read.replicas)),
            1.. => spare.min(unhealthy),
        };
        let replicas = (i16::from(read.replicas) - fewer) as u8;
        if fewer == 0 { Request::None } else { Request::Scale { name, read, replicas } }
    }
}

/// The Deployment's own ReplicaSet that has the template, whatever its name.
pub(super) fn set_of_this_template(objects: &Objects) -> Option<(u8, Set)> {
    let template = objects.deployment.template;
    objects.owned().find(|(_, set)| set.template == template)
}

fn total(objects: &Objects) -> u8 {
    objects.owned().map(|(_, set)| set.replicas).sum()
}
