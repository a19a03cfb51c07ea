//! Traces of the model's etcd, replayed on whatever claims to be one: our core, our store on disk, it
//! behind its gRPC API, and any etcd by its URL.

mod core;
mod embedded;
mod replay;
mod report;
mod target;
mod wire;

pub use core::Core;
pub use embedded::Embedded;
pub use report::{Divergence, Report};
pub use target::{Failed, Target};
pub use wire::{Elsewhere, Served, Server, Wire};

use model::etcd::exchange::{Ask, Trace};

use replay::Replay;

/// Replays traces, one after the other. After a divergence the next one begins anew.
pub async fn run(target: &mut impl Target, traces: &[Trace]) -> Result<Report, Failed> {
    let mut report = Report { target: target.name(), ..Report::default() };
    for (number, trace) in traces.iter().enumerate() {
        let restarts = trace.exchanges.iter().any(|exchange| exchange.ask == Ask::Restart);
        if restarts && !target.can_restart() {
            report.skipped += 1;
            continue;
        }
        match Replay::begin(target, number).await?.run(trace).await {
            Ok(()) => report.passed += 1,
            Err((at, difference)) => {
                report.divergences.push(Divergence::of(number, trace, at, difference));
            }
        }
        report.exchanges += trace.exchanges.len();
    }
    Ok(report)
}
