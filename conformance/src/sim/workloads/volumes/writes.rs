//! What a write of a claim, a volume or a Pod must not do.

use api::object::text;
use api::resources;
use serde_json::Value;

use super::{
    CLAIMS, CLASSES, Uses, VOLUMES, claim_uid, class_of, is_bound, key, name, own_claims, owns,
    phase, policy, uid, uses_on_node, volume_name,
};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{Objects, changed, objects};
use crate::sim::workloads::Moment;

/// The objects before a write, and after it; and of these, those that are not the same before and after.
struct Change {
    claims: [Objects; 2],
    volumes: [Objects; 2],
    pods: [Objects; 2],
    changed_claims: [Objects; 2],
    changed_volumes: [Objects; 2],
    changed_pods: [Objects; 2],
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>, uses: &Uses) -> Option<String> {
    let change = Change::of(moment);
    change
        .mismatch()
        .or_else(|| change.moved())
        .or_else(|| change.given_again())
        .or_else(|| change.released_too_early())
        .or_else(|| change.removed_in_use(uses))
        .or_else(|| change.deleted_though_kept(moment.is_by_controllers()))
        .or_else(|| change.kept_too_early(uses))
        .or_else(|| change.bound_to_foreign_claim(uses))
}

fn same<'a>(objects: &'a Objects, one: &Value) -> Option<&'a Value> {
    objects.iter().find(|other| uid(other) == uid(one))
}

impl Change {
    fn of(moment: &Moment<'_>) -> Self {
        let both = |resource| [moment.before, moment.after].map(|store| objects(store, resource));
        let [claims, volumes, pods] = [CLAIMS, VOLUMES, &resources::PODS].map(both);
        Self {
            changed_claims: changed(&claims),
            changed_volumes: changed(&volumes),
            changed_pods: changed(&pods),
            claims,
            volumes,
            pods,
        }
    }

    /// VOLUME-1.
    fn mismatch(&self) -> Option<String> {
        let [_, volumes] = &self.volumes;
        let bound = self.claims[1].iter().filter(|claim| is_bound(claim));
        bound.into_iter().find_map(|claim| {
            let volume = volumes.iter().find(|volume| name(volume) == volume_name(claim))?;
            (claim_uid(volume) != uid(claim)).then(|| {
                format!(
                    "VOLUME-1: {} is bound to {}, which names another",
                    key(claim),
                    name(volume)
                )
            })
        })
    }

    /// VOLUME-2.
    fn moved(&self) -> Option<String> {
        let [before, after] = &self.changed_claims;
        let bound = before.iter().filter(|claim| is_bound(claim));
        let moved = |claim: &&Value| {
            same(after, claim).is_some_and(|now| volume_name(now) != volume_name(claim))
        };
        bound.into_iter().find(moved).map(|claim| format!("VOLUME-2: {} moves", name(claim)))
    }

    /// VOLUME-3.
    fn given_again(&self) -> Option<String> {
        let [before, after] = &self.changed_volumes;
        let given = before.iter().filter(|volume| !claim_uid(volume).is_empty());
        given.into_iter().find_map(|volume| {
            let now = same(after, volume).map(claim_uid).filter(|now| !now.is_empty())?;
            (now != claim_uid(volume))
                .then(|| format!("VOLUME-3: {} is given to another claim", name(volume)))
        })
    }

    /// VOLUME-4.
    fn released_too_early(&self) -> Option<String> {
        let [before, after] = &self.changed_volumes;
        let is_free = |volume: &Value| matches!(phase(volume), "Released" | "Failed");
        let released = after.iter().filter(|volume| {
            is_free(volume) && same(before, volume).is_some_and(|earlier| !is_free(earlier))
        });
        released.into_iter().find_map(|volume| {
            let claim = self.claims[1].iter().find(|claim| uid(claim) == claim_uid(volume))?;
            let has_another = !["", name(volume)].contains(&volume_name(claim));
            (!has_another).then(|| {
                format!("VOLUME-4: {} is released, and {} lives", name(volume), key(claim))
            })
        })
    }

    /// VOLUME-5 and VOLUME-6.
    fn removed_in_use(&self, uses: &Uses) -> Option<String> {
        let gone = |before: &Objects, after: &Objects| -> Vec<Value> {
            before.iter().filter(|one| same(after, one).is_none()).cloned().collect()
        };
        let [before, after] = &self.changed_claims;
        let claim = gone(before, after).into_iter().find_map(|claim| {
            let early = uses.before_deletion.get(uid(&claim))?;
            let uses_it =
                |pod: &&Value| early.contains(uid(pod)) && uses_on_node(pod, &key(&claim));
            let pod = self.pods[0].iter().find(uses_it)?;
            Some(format!("VOLUME-5: {} is gone, and {} uses it", name(&claim), name(pod)))
        });
        let [before, after] = &self.changed_volumes;
        let bound = || gone(before, after).into_iter().find(|volume| phase(volume) == "Bound");
        claim.or_else(|| {
            bound().map(|volume| format!("VOLUME-6: {} is gone, and was Bound", name(&volume)))
        })
    }

    /// VOLUME-7.
    fn deleted_though_kept(&self, is_by_controllers: bool) -> Option<String> {
        let [before, after] = &self.changed_volumes;
        let goes = |volume: &&Value| {
            policy(volume) == "Retain"
                && !is_deleted(volume)
                && same(after, volume).is_none_or(is_deleted)
        };
        let kept = before.iter().find(goes).filter(|_| is_by_controllers)?;
        Some(format!("VOLUME-7: {} is deleted by a controller", name(kept)))
    }

    /// VOLUME-8.
    fn kept_too_early(&self, uses: &Uses) -> Option<String> {
        let waits = |claim: &Value| CLASSES[1..].iter().any(|class| class.0 == class_of(claim));
        self.volumes[1].iter().find_map(|volume| {
            let claim = self.claims[1].iter().find(|claim| uid(claim) == claim_uid(volume))?;
            let is_early = waits(claim) && !uses.used.contains(&key(claim));
            is_early.then(|| format!("VOLUME-8: {} is kept for {}", name(volume), key(claim)))
        })
    }

    /// EPHEMERAL-1, on a Pod that gets its Node.
    fn bound_to_foreign_claim(&self, uses: &Uses) -> Option<String> {
        let node = |pod: &Value| text(pod, &["spec", "nodeName"]).to_owned();
        let [before, after] = &self.changed_pods;
        let bound = after.iter().filter(|pod| {
            let earlier = same(before, pod).map(node);
            !node(pod).is_empty() && earlier.is_some_and(|earlier| earlier.is_empty())
        });
        bound.into_iter().filter(|pod| !uses.owners.contains(uid(pod))).find_map(|pod| {
            let own = own_claims(pod);
            let claim = self.claims[1].iter().find(|claim| own.contains(&key(claim)))?;
            (!owns(pod, claim)).then(|| {
                format!("EPHEMERAL-1: {} runs with {}, not its own", name(pod), name(claim))
            })
        })
    }
}
