//! A line of straight pieces: how good it is that so much of a resource is used.
//!
//! Source: `BuildBrokenLinearFunction` in framework/plugins/helper/shape_score.go (v1.36).

use crate::config::UtilizationShapePoint;
use crate::framework::SCORE_MAX;

/// The best score that a configuration gives.
const CUSTOM_SCORE_MAX: i64 = 10;
/// All of it is used.
pub(crate) const UTILIZATION_MAX: i64 = 100;

/// Points of how much is used, and how good that is, 0 to 100.
#[derive(Clone, Debug)]
pub(crate) struct Shape(Vec<(i64, i64)>);

impl Shape {
    /// The line of a configuration.
    pub(crate) fn new(points: &[UtilizationShapePoint]) -> Self {
        let scaled = |point: &UtilizationShapePoint| {
            let score = i64::from(point.score) * (SCORE_MAX / CUSTOM_SCORE_MAX);
            (i64::from(point.utilization), score)
        };
        Self(points.iter().map(scaled).collect())
    }

    /// How good it is.
    pub(crate) fn at(&self, utilization: i64) -> i64 {
        let next = self.0.iter().position(|(at, _)| utilization <= *at);
        match next {
            Some(0) => self.0[0].1,
            Some(next) => {
                let ((from, low), (to, high)) = (self.0[next - 1], self.0[next]);
                low + (high - low) * (utilization - from) / (to - from)
            }
            None => self.0.last().map_or(0, |(_, score)| *score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: TestBrokenLinearFunction in noderesources/requested_to_capacity_ratio_test.go (v1.36), times ten.
    #[test]
    fn scores_lie_on_the_line() {
        let table = [
            (vec![(10, 1), (90, 9)], vec![(-10, 10), (10, 10), (20, 20), (90, 90), (110, 90)]),
            (
                vec![(0, 2), (40, 10), (100, 0)],
                vec![
                    (-10, 20),
                    (0, 20),
                    (20, 60),
                    (30, 80),
                    (40, 100),
                    (70, 50),
                    (100, 0),
                    (110, 0),
                ],
            ),
            (vec![(0, 2), (40, 2), (100, 2)], vec![(-10, 20), (20, 20), (70, 20), (110, 20)]),
        ];

        for (points, expected) in table {
            let point = |(utilization, score)| UtilizationShapePoint { utilization, score };
            let shape = Shape::new(&points.into_iter().map(point).collect::<Vec<_>>());
            for (utilization, score) in expected {
                assert_eq!(shape.at(utilization), score, "{shape:?} at {utilization}");
            }
        }
    }
}
