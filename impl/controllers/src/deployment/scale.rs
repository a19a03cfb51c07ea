//! How many pods each ReplicaSet of a Deployment gets when only their number has changed.
//!
//! Source: `scale` in pkg/controller/deployment/sync.go and the proportions in util/deployment_util.go
//! (v1.36).

use std::cmp::Reverse;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::rollout::{DESIRED_REPLICAS, MAX_REPLICAS, Member, Rollout};

impl Rollout {
    /// Brings the number of pods to what is desired, without moving on from old to new.
    pub(super) fn scale(&mut self) {
        if let Some(only) = self.active_or_latest() {
            self.scale_to(only, self.desired);
        } else if self.new.is_some_and(|new| self.is_saturated(&self.members[new])) {
            for old in self.active_old() {
                self.scale_to(old, 0);
            }
        } else if !self.recreates() {
            self.scale_proportionally();
        }
    }

    /// The only ReplicaSet with pods, or the one to start with when none has any.
    fn active_or_latest(&self) -> Option<usize> {
        let active = self.active();
        match active.as_slice() {
            [] => self.new.or_else(|| self.old().last().copied()),
            [only] => Some(*only),
            [_, _, ..] => None,
        }
    }

    fn is_saturated(&self, member: &Member) -> bool {
        member.replicas() == self.desired
            && member.annotation(DESIRED_REPLICAS) == Some(self.desired)
            && member.available() == self.desired
    }

    /// Shares what is to be added or taken by size; what rounding leaves over goes to the largest.
    fn scale_proportionally(&mut self) {
        let active = self.active();
        let size: i32 = active.iter().map(|index| self.members[*index].replicas()).sum();
        let allowed = if self.desired > 0 { self.desired + self.max_surge() } else { 0 };
        let to_add = allowed - size;
        let mut added = 0;
        let mut sizes = vec![];
        for index in self.by_size(active, to_add) {
            let member = &self.members[index];
            let share = self.share(member, to_add, added);
            added += share;
            sizes.push((index, member.replicas() + share));
        }
        if let Some((_, largest)) = sizes.first_mut() {
            *largest = (*largest + to_add - added).max(0);
        }
        for (index, size) in sizes {
            self.force_scale_to(index, size);
        }
    }

    /// Larger first; among equals the newer first when growing, the older when shrinking.
    fn by_size(&self, mut members: Vec<usize>, to_add: i32) -> Vec<usize> {
        if to_add > 0 {
            members.sort_by_key(|index| Reverse((self.members[*index].replicas(), *index)));
        } else {
            members.sort_by_key(|index| (Reverse(self.members[*index].replicas()), *index));
        }
        members
    }

    fn share(&self, member: &Member, to_add: i32, added: i32) -> i32 {
        let allowed = to_add - added;
        if member.replicas() == 0 || to_add == 0 || allowed == 0 {
            return 0;
        }
        let fraction = self.fraction(member);
        if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
    }

    /// By how much a ReplicaSet grows when the Deployment goes from its old to its new size.
    fn fraction(&self, member: &Member) -> i32 {
        if self.desired == 0 {
            return -member.replicas();
        }
        let annotated = member.annotation(MAX_REPLICAS).filter(|max| *max != 0);
        let before = annotated.unwrap_or(self.status.replicas.unwrap_or(0));
        if before == 0 {
            return 0;
        }
        let after = f64::from(self.desired + self.max_surge());
        let size = f64::from(member.replicas()) * after / f64::from(before);
        rounded(size) - member.replicas()
    }
}

fn rounded(size: f64) -> i32 {
    size.round() as i32
}

/// A number, or a percentage of `total`; 0 when it is neither.
pub(crate) fn scaled_value(value: Option<&IntOrString>, total: i32, round_up: bool) -> i32 {
    match value {
        None => 0,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(text)) => {
            let percent: i64 =
                text.strip_suffix('%').and_then(|text| text.parse().ok()).unwrap_or(0);
            let hundredths = percent.saturating_mul(total.into());
            let value = if round_up { (hundredths + 99).div_euclid(100) } else { hundredths / 100 };
            i32::try_from(value).unwrap_or(i32::MAX)
        }
    }
}
