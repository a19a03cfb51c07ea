//! How far a search has come, told now and then.

use std::fmt;
use std::time::{Duration, Instant};

/// Tells somebody how far a search has come.
pub struct Progress<'a> {
    tell: Option<&'a mut (dyn FnMut(&Report) + Send)>,
    start: Instant,
    last: Instant,
    every: Duration,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// The states that were met.
    pub states: usize,
    /// How many of them in a second, since the search started or was resumed.
    pub states_per_second: f64,
    /// How many steps they are away.
    pub depth: u32,
    /// What the search holds.
    pub bytes: usize,
    /// How long it will still take, by an estimate; nothing while each level is larger than the one
    /// before.
    pub time_left: Option<Duration>,
}

impl<'a> Progress<'a> {
    /// Tells this function, once in so long.
    pub fn every(every: Duration, tell: &'a mut (dyn FnMut(&Report) + Send)) -> Self {
        let now = Instant::now();
        Progress { tell: Some(tell), start: now, last: now, every }
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        let now = Instant::now();
        Progress { tell: None, start: now, last: now, every: Duration::MAX }
    }

    /// Tells, if it is time to. `left` states of this level have not been looked at.
    pub fn tell(&mut self, states: usize, bytes: usize, depth: u32, levels: &[usize], left: usize) {
        if self.last.elapsed() < self.every {
            return;
        }
        self.last = Instant::now();
        let states_per_second = states as f64 / self.start.elapsed().as_secs_f64();
        let time_left = states_left(levels, left)
            .map(|states| Duration::from_secs_f64(states / states_per_second.max(1.0)));
        if let Some(tell) = &mut self.tell {
            tell(&Report { states, states_per_second, depth, bytes, time_left });
        }
    }
}

/// How many states are still to be met: levels shrink as the last ones have done, so that what
/// remains is a geometric series. Nothing while they grow.
pub fn states_left(levels: &[usize], left: usize) -> Option<f64> {
    let [.., before, last, _] = levels else {
        return None;
    };
    let ratio = *last as f64 / *before as f64;
    (ratio < 1.0).then(|| (left as f64 + *last as f64 * ratio / (1.0 - ratio)).max(left as f64))
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} states, {:.0}/s, depth {}, {} MiB",
            self.states,
            self.states_per_second,
            self.depth,
            self.bytes >> 20
        )?;
        match self.time_left {
            Some(left) => write!(formatter, ", about {} s left", left.as_secs()),
            None => formatter.write_str(", growing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_a_geometric_series() {
        assert_eq!(states_left(&[10, 1000, 500, 0], 0), Some(500.0));
        assert_eq!(states_left(&[10, 1000, 500, 100], 7), Some(507.0));
    }

    #[test]
    fn there_is_no_estimate_while_levels_grow() {
        assert_eq!(states_left(&[1, 10, 100, 0], 50), None);
        assert_eq!(states_left(&[1], 1), None);
    }
}
