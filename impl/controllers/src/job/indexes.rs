//! Sets of completion indexes, as a Job's status writes them: `1,3-5,7`.
//!
//! Source: pkg/controller/job/indexed_job_utils.go (v1.36).

use std::fmt;

use k8s_openapi::api::core::v1::Pod;

/// The annotation and the label with a pod's completion index.
pub(super) const COMPLETION_INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The completion index that a pod's annotation says.
pub(super) fn of(pod: &Pod) -> Option<i32> {
    let annotation = pod.metadata.annotations.as_ref()?.get(COMPLETION_INDEX)?;
    annotation.parse().ok().filter(|index| *index >= 0)
}

/// Indexes, as closed intervals in order that do not touch one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<(i32, i32)>);

impl Indexes {
    /// Reads the text of a status or a rule. What is not a number, and what is not below `completions`, is
    /// left out.
    pub(super) fn parse(text: &str, completions: i32) -> Self {
        let intervals = text.split(',').filter_map(|interval| {
            let (first, last) = interval.split_once('-').unwrap_or((interval, interval));
            let (first, last): (i32, i32) = (first.parse().ok()?, last.parse().ok()?);
            (first < completions).then(|| (first, last.min(completions - 1)))
        });
        Self::of_intervals(intervals.collect())
    }

    fn of_intervals(mut intervals: Vec<(i32, i32)>) -> Self {
        intervals.sort_unstable();
        let mut joined: Vec<(i32, i32)> = vec![];
        for (first, last) in intervals {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// These indexes and others.
    #[must_use]
    pub(super) fn with(&self, others: impl IntoIterator<Item = i32>) -> Self {
        let others = others.into_iter().map(|index| (index, index));
        Self::of_intervals(self.0.iter().copied().chain(others).collect())
    }

    /// The indexes that are in either set.
    #[must_use]
    pub(super) fn union(&self, other: &Self) -> Self {
        Self::of_intervals(self.0.iter().chain(&other.0).copied().collect())
    }

    /// How many there are.
    pub(super) fn total(&self) -> i32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether an index is one of them.
    pub(super) fn has(&self, index: i32) -> bool {
        let place = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(place).is_some_and(|(first, _)| *first <= index)
    }

    /// How many are in both sets.
    pub(super) fn common(&self, other: &Self) -> i32 {
        let (mut ours, mut theirs, mut common) =
            (self.0.iter().peekable(), other.0.iter().peekable(), 0);
        while let (Some(one), Some(two)) = (ours.peek(), theirs.peek()) {
            common += (one.1.min(two.1) - one.0.max(two.0) + 1).max(0);
            if one.1 < two.1 {
                ours.next();
            } else {
                theirs.next();
            }
        }
        common
    }

    /// The first indexes that are not among these, below `completions`.
    pub(super) fn first_missing(&self, count: usize, completions: i32) -> Vec<i32> {
        let mut missing = vec![];
        let mut candidate = 0;
        for (first, last) in self.0.iter().copied().chain([(completions, completions)]) {
            let room = count - missing.len();
            missing.extend((candidate..first.min(completions)).take(room));
            candidate = candidate.max(last.saturating_add(1));
        }
        missing
    }
}

/// Two neighbours are written one by one, three or more as an interval.
impl fmt::Display for Indexes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match last - first {
                0 => write!(formatter, "{comma}{first}")?,
                1 => write!(formatter, "{comma}{first},{last}")?,
                _ => write!(formatter, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_intervals_of_three_or_more() {
        let check = |indexes: &[i32], text: &str| {
            let set = Indexes::default().with(indexes.iter().copied());
            assert_eq!(set.to_string(), text);
            assert_eq!(Indexes::parse(text, 100), set);
            assert_eq!(set.total(), i32::try_from(indexes.len()).unwrap());
        };

        check(&[], "");
        check(&[3], "3");
        check(&[4, 3], "3,4");
        check(&[1, 5, 3, 4, 7], "1,3-5,7");
    }

    #[test]
    fn indexes_that_the_job_does_not_have_any_more_are_left_out() {
        assert_eq!(Indexes::parse("0,3-9,12", 6).to_string(), "0,3-5");
    }

    #[test]
    fn the_first_missing_indexes_are_those_between_and_behind() {
        let set = Indexes::parse("0,2-3,6", 8);

        assert_eq!(set.first_missing(10, 8), [1, 4, 5, 7]);
        assert_eq!(set.first_missing(2, 8), [1, 4]);
        assert_eq!(Indexes::default().first_missing(3, 2), [0, 1]);
    }

    #[test]
    fn common_indexes_are_counted_across_intervals() {
        let (one, two) = (Indexes::parse("0-3,6-9", 20), Indexes::parse("2-7,9", 20));

        assert_eq!((one.common(&two), two.common(&one)), (5, 5));
        assert!(one.has(3) && !one.has(4) && one.has(6));
    }
}
