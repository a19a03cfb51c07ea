//! How far and how fast the number of replicas may change.
//!
//! Source: `normalizeDesiredReplicas`, with and without behaviors, in
//! pkg/controller/podautoscaler/horizontal.go (v1.36).

use std::time::Duration;

use api::Timestamp;
use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerBehavior};

/// How long a higher recommendation keeps the replicas up, where nothing else is said.
const DOWNSCALE_STABILIZATION_SECONDS: i32 = 300;
const SCALE_UP_LIMIT_FACTOR: i32 = 2;
const SCALE_UP_LIMIT_MIN: i32 = 4;

/// What was recommended and done before.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    recommendations: Vec<(Timestamp, i32)>,
    added: Vec<(Timestamp, i32)>,
    removed: Vec<(Timestamp, i32)>,
}

/// What the replicas may be, and what there is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Normalized {
    pub(super) replicas: i32,
    /// A reason and a message.
    pub(super) able_to_scale: (&'static str, &'static str),
    pub(super) is_limited: bool,
    /// A reason and a message.
    pub(super) limited: (&'static str, &'static str),
}

/// A number of replicas between two limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) current: i32,
    pub(super) desired: i32,
    pub(super) min: i32,
    pub(super) max: i32,
    pub(super) now: Timestamp,
}

const READY: (&str, &str) = ("ReadyForNewScale", "recommended size matches current size");
const WITHIN_RANGE: (&str, &str) =
    ("DesiredWithinRange", "the desired count is within the acceptable range");
const TOO_FAST_UP: (&str, &str) =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const TOO_FAST_DOWN: (&str, &str) = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
);
const TOO_MANY: (&str, &str) =
    ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: (&str, &str) =
    ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const WAS_HIGHER: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const WAS_LOWER: (&str, &str) = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);

impl History {
    /// What was there before the first recommendation counts as one.
    pub(super) fn begin(&mut self, current: i32, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
    }

    /// What becomes of a wish.
    pub(super) fn normalize(
        &mut self,
        wish: Wish,
        behavior: Option<&HorizontalPodAutoscalerBehavior>,
    ) -> Normalized {
        let rules = behavior.and_then(|behavior| {
            Some((behavior.scale_up.as_ref()?, behavior.scale_down.as_ref()?))
        });
        let (stable, why) = match rules {
            None => self.stabilize(wish),
            Some(rules) => self.stabilize_by(rules, wish),
        };
        let stable_wish = Wish { desired: stable, ..wish };
        let (replicas, limited) = match rules {
            None => within(stable_wish, scale_up_limit(wish.current)),
            Some(rules) => self.within_rates(rules, stable_wish),
        };
        let able_to_scale = if stable == wish.desired { READY } else { why };
        Normalized { replicas, able_to_scale, is_limited: replicas != stable, limited }
    }

    /// Remembers a change, as long as a policy may ask for it.
    pub(super) fn scaled(
        &mut self,
        (before, after): (i32, i32),
        behavior: Option<&HorizontalPodAutoscalerBehavior>,
        now: Timestamp,
    ) {
        let Some(behavior) = behavior else { return };
        let (events, rules) = match after > before {
            true => (&mut self.added, behavior.scale_up.as_ref()),
            false => (&mut self.removed, behavior.scale_down.as_ref()),
        };
        let policies = rules.and_then(|rules| rules.policies.as_ref()).into_iter().flatten();
        let longest = policies.map(|policy| policy.period_seconds).max().unwrap_or(0);
        events.retain(|(when, _)| *when >= before_seconds(now, longest));
        events.push((now, (after - before).abs()));
    }

    fn stabilize(&mut self, wish: Wish) -> (i32, (&'static str, &'static str)) {
        let cutoff = before_seconds(wish.now, DOWNSCALE_STABILIZATION_SECONDS);
        self.recommendations.retain(|(when, _)| *when >= cutoff);
        self.recommendations.push((wish.now, wish.desired));
        let highest = self.recommendations.iter().map(|(_, replicas)| *replicas).max();
        (highest.unwrap_or(wish.desired), WAS_HIGHER)
    }

    fn stabilize_by(
        &mut self,
        (up, down): (&HPAScalingRules, &HPAScalingRules),
        wish: Wish,
    ) -> (i32, (&'static str, &'static str)) {
        let window = |rules: &HPAScalingRules, default: i32| {
            before_seconds(wish.now, rules.stabilization_window_seconds.unwrap_or(default))
        };
        let (up, down) = (window(up, 0), window(down, DOWNSCALE_STABILIZATION_SECONDS));
        let since = |cutoff: Timestamp| {
            let recent = self.recommendations.iter().filter(move |(when, _)| *when > cutoff);
            recent.map(|(_, replicas)| *replicas).chain([wish.desired])
        };
        let lowest = since(up).min().unwrap_or(wish.desired);
        let highest = since(down).max().unwrap_or(wish.desired);
        let stable = wish.current.max(lowest).min(highest);
        self.recommendations.retain(|(when, _)| *when >= up || *when >= down);
        self.recommendations.push((wish.now, wish.desired));
        (stable, if wish.desired >= wish.current { WAS_LOWER } else { WAS_HIGHER })
    }

    fn within_rates(
        &self,
        (up, down): (&HPAScalingRules, &HPAScalingRules),
        wish: Wish,
    ) -> (i32, (&'static str, &'static str)) {
        if wish.desired > wish.current {
            let limit = self.limit(up, wish, true).max(wish.current);
            let (most, why) =
                if wish.max > limit { (limit, TOO_FAST_UP) } else { (wish.max, TOO_MANY) };
            if wish.desired > most {
                return (most, why);
            }
        } else if wish.desired < wish.current {
            let limit = self.limit(down, wish, false).min(wish.current);
            let (least, why) =
                if wish.min < limit { (limit, TOO_FAST_DOWN) } else { (wish.min, TOO_FEW) };
            if wish.desired < least {
                return (least, why);
            }
        }
        (wish.desired, WITHIN_RANGE)
    }

    /// How far the policies let the replicas go.
    fn limit(&self, rules: &HPAScalingRules, wish: Wish, is_up: bool) -> i32 {
        let select = rules.select_policy.as_deref().unwrap_or("Max");
        if select == "Disabled" {
            return wish.current;
        }
        let proposals = rules.policies.iter().flatten().map(|policy| {
            let since = before_seconds(wish.now, policy.period_seconds);
            let start = wish.current - sum(&self.added, since) + sum(&self.removed, since);
            let share = f64::from(policy.value) / 100.0;
            match (policy.type_.as_str(), is_up) {
                ("Pods", true) => start.saturating_add(policy.value),
                ("Pods", false) => start.saturating_sub(policy.value),
                (_, true) => (f64::from(start) * (1.0 + share)).ceil() as i32,
                (_, false) => (f64::from(start) * (1.0 - share)) as i32,
            }
        });
        // The greatest change is the highest number upwards and the lowest downwards.
        let farthest = if is_up == (select == "Max") { proposals.max() } else { proposals.min() };
        farthest.unwrap_or(wish.current)
    }
}

fn within(wish: Wish, scale_up_limit: i32) -> (i32, (&'static str, &'static str)) {
    let (most, why) = match wish.max > scale_up_limit {
        true => (scale_up_limit, TOO_FAST_UP),
        false => (wish.max, TOO_MANY),
    };
    if wish.desired < wish.min {
        (wish.min, TOO_FEW)
    } else if wish.desired > most {
        (most, why)
    } else {
        (wish.desired, WITHIN_RANGE)
    }
}

fn scale_up_limit(current: i32) -> i32 {
    current.saturating_mul(SCALE_UP_LIMIT_FACTOR).max(SCALE_UP_LIMIT_MIN)
}

fn sum(events: &[(Timestamp, i32)], since: Timestamp) -> i32 {
    events.iter().filter(|(when, _)| *when > since).map(|(_, change)| *change).sum()
}

fn before_seconds(now: Timestamp, seconds: i32) -> Timestamp {
    let seconds = Duration::from_secs(u64::from(seconds.unsigned_abs()));
    now.checked_sub(seconds).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
