//! Numbers that many tasks count at once, without waiting for each other.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::text::{Kind, Text};

/// What one series of a family is.
pub(crate) trait Number {
    /// As `# TYPE` calls it.
    const KIND: Kind;

    /// Whether it tells anything.
    fn is_in_use(&self) -> bool;

    /// Writes its samples.
    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]);
}

/// Only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

impl Number for Counter {
    const KIND: Kind = Kind::Counter;

    fn is_in_use(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        text.sample(name, labels, self.0.load(Ordering::Relaxed));
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicI64);

impl Gauge {
    pub(crate) fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, more: i64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

impl Number for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn is_in_use(&self) -> bool {
        true
    }

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        text.sample(name, labels, self.0.load(Ordering::Relaxed));
    }
}

/// How many observations were not above each bound, how many there were, and their sum.
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, of those that are above the bound before; the last is for what is above all.
    counts: Box<[AtomicU64]>,
    /// The bits of a float.
    sum: AtomicU64,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Self { bounds, counts, sum: AtomicU64::new(0.0_f64.to_bits()) }
    }

    pub(crate) fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let mut seen = self.sum.load(Ordering::Relaxed);
        loop {
            let sum = (f64::from_bits(seen) + value).to_bits();
            let swapped =
                self.sum.compare_exchange_weak(seen, sum, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return,
                Err(newer) => seen = newer,
            }
        }
    }
}

impl Number for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn is_in_use(&self) -> bool {
        self.counts.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        let bucket = format!("{name}_bucket");
        let mut total = 0;
        for (place, count) in self.counts.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            let bound =
                self.bounds.get(place).map_or("+Inf".to_owned(), |bound| text.bound(*bound));
            let labels = [labels, &[("le", bound.as_str())]].concat();
            text.sample(&bucket, &labels, total);
        }
        text.sample(
            &format!("{name}_sum"),
            labels,
            f64::from_bits(self.sum.load(Ordering::Relaxed)),
        );
        text.sample(&format!("{name}_count"), labels, total);
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Histogram").field("counts", &self.counts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Format;
    use super::*;

    #[test]
    fn what_equals_a_bound_is_not_above_it() {
        let histogram = Histogram::new(&[0.5, 1.0]);
        [0.25, 0.5, 0.75, 2.0].into_iter().for_each(|value| histogram.observe(value));

        let mut text = Text::new(Format::Plain);
        histogram.write(&mut text, "a", &[("b", "c")]);

        let expected = "a_bucket{b=\"c\",le=\"0.5\"} 2\na_bucket{b=\"c\",le=\"1\"} 3\n\
            a_bucket{b=\"c\",le=\"+Inf\"} 4\na_sum{b=\"c\"} 3.5\na_count{b=\"c\"} 4\n";
        assert_eq!(text.finish(), expected);
    }
}
