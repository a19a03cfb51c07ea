//! Series of one name, told apart by labels.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::number::Number;
use super::text::Text;

/// A family of `L` labels.
pub(crate) struct Family<const L: usize, N> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; L],
    make: fn() -> N,
    series: RwLock<BTreeMap<[String; L], Arc<N>>>,
}

impl<const L: usize, N: Number> Family<L, N> {
    /// One without series.
    pub(crate) fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; L],
        make: fn() -> N,
    ) -> Self {
        Self { name, help, labels, make, series: RwLock::default() }
    }

    /// The series with these values of the labels. Who counts often keeps it.
    pub(crate) fn of(&self, values: [&str; L]) -> Arc<N> {
        let values = values.map(str::to_owned);
        if let Some(found) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&values)
        {
            return Arc::clone(found);
        }
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(series.entry(values).or_insert_with(|| Arc::new((self.make)())))
    }

    /// Writes all of it; nothing as long as there is no series, as upstream does.
    pub(crate) fn write(&self, text: &mut Text) {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if !series.is_empty() {
            text.family(self.name, N::KIND, self.help);
        }
        for (values, number) in series.iter() {
            let values = values.iter().map(String::as_str);
            let labels: Vec<(&str, &str)> = self.labels.into_iter().zip(values).collect();
            number.write(text, self.name, &labels);
        }
    }
}

impl<const L: usize, N> fmt::Debug for Family<L, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Family").field("name", &self.name).finish_non_exhaustive()
    }
}
