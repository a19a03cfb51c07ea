//! Which nodes are best by what is left of their resources.
//!
//! Source: least_allocated.go, most_allocated.go and requested_to_capacity_ratio.go in framework/plugins/noderesources
//! (v1.36).

#[cfg(test)]
mod tests;

use crate::config::ScoringStrategy;
use crate::framework::SCORE_MAX;
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::resource_allocation::{Allocation, Weighed};
use crate::plugins::shape::{Shape, UTILIZATION_MAX};

/// Which nodes are best.
#[derive(Clone, Debug)]
pub(super) struct Strategy {
    resources: Weighed,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The emptier, the better.
    LeastAllocated,
    /// The fuller, the better.
    MostAllocated,
    /// As a line says.
    RequestedToCapacityRatio(Shape),
}

impl Strategy {
    /// That of a configuration, which was held to its rules.
    pub(super) fn new(strategy: Option<&ScoringStrategy>) -> Self {
        let resources = strategy.map(|strategy| strategy.resources.as_slice()).unwrap_or_default();
        let ratio = strategy.and_then(|strategy| strategy.requested_to_capacity_ratio.as_ref());
        let kind = match (strategy.map(|strategy| strategy.r#type.as_str()), ratio) {
            (Some("RequestedToCapacityRatio"), Some(ratio)) => {
                Kind::RequestedToCapacityRatio(Shape::new(&ratio.shape))
            }
            (Some("MostAllocated"), _) => Kind::MostAllocated,
            (Some(_) | None, _) => Kind::LeastAllocated,
        };
        Self { resources: Weighed::new(resources), kind }
    }

    /// The weighted mean over the resources.
    pub(super) fn score(&self, pod: &PodInfo, node: &NodeInfo) -> i64 {
        let (mut sum, mut weights) = (0, 0);
        for resource in self.resources.non_zero(pod, node) {
            let score = self.kind.score(resource);
            // A resource at the low end of a line does not count at all.
            if score > 0 || !matches!(self.kind, Kind::RequestedToCapacityRatio(_)) {
                sum += score * resource.weight;
                weights += resource.weight;
            }
        }
        match (&self.kind, weights) {
            (_, 0) => 0,
            (Kind::RequestedToCapacityRatio(_), weights) => {
                f64::round(sum as f64 / weights as f64) as i64
            }
            (Kind::LeastAllocated | Kind::MostAllocated, weights) => sum / weights,
        }
    }
}

impl Kind {
    fn score(&self, resource: Allocation) -> i64 {
        let (requested, capacity) = (resource.requested(), resource.allocatable);
        match self {
            Self::LeastAllocated if requested > capacity => 0,
            Self::LeastAllocated => share(capacity - requested, capacity),
            Self::MostAllocated => share(requested.min(capacity), capacity),
            Self::RequestedToCapacityRatio(shape) if requested > capacity => {
                shape.at(UTILIZATION_MAX)
            }
            Self::RequestedToCapacityRatio(shape) => shape.at(share(requested, capacity)),
        }
    }
}

/// So much of a hundred.
fn share(part: i64, whole: i64) -> i64 {
    let share = i128::from(part) * i128::from(SCORE_MAX) / i128::from(whole);
    i64::try_from(share).unwrap_or(SCORE_MAX)
}
