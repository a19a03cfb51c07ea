//! What `/metrics/slis` tells: how the checks of health went, each time that somebody asked for all of them.
//!
//! Source: component-base/metrics/prometheus/slis/metrics.go, and server/healthz/healthz.go (v1.36).

use super::family::Family;
use super::number::{Counter, Gauge};
use super::text::Text;

/// What is counted of the checks.
#[derive(Debug)]
pub(crate) struct Checks {
    last: Family<2, Gauge>,
    all: Family<3, Counter>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            last: Family::new(
                "kubernetes_healthcheck",
                "1 for a check that was passed the last time, 0 for one that was not.",
                ["name", "type"],
                Gauge::default,
            ),
            all: Family::new(
                "kubernetes_healthchecks_total",
                "How often a check went how.",
                ["name", "status", "type"],
                Counter::default,
            ),
        }
    }
}

impl Checks {
    /// A check of `/livez`, `/readyz` or `/healthz` was passed, or was not.
    pub(crate) fn checked(&self, health: &str, name: &str, is_passed: bool) {
        let status = if is_passed { "success" } else { "error" };
        self.last.of([name, health]).set(i64::from(is_passed));
        self.all.of([name, status, health]).increment();
    }

    /// Writes all of it.
    pub(crate) fn write(&self, text: &mut Text) {
        self.last.write(text);
        self.all.write(text);
    }
}
