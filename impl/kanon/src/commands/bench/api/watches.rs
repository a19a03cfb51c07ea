//! How soon so many watches hear of a write, from the answer to the writer on.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use conformance::suite::{Session, Target};
use http::Method;
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;

use super::NAMESPACE;
use crate::commands::bench::distribution;
use crate::commands::bench::requests::{Watch, config_map, expect, path};
use crate::failure::{Failure, While};

/// How many events there are in all, as far as writes are enough for them.
const EVENTS: usize = 100_000;
const WRITES_MAX: usize = 1_000;

/// What watches heard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fanout {
    watches: usize,
    writes: usize,
    events_per_second: f64,
    milliseconds: Value,
}

impl fmt::Display for Fanout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:>5} watches hear of {} writes: {:.0} events/s, from answer to event median {} ms, p99 {} ms",
            self.watches,
            self.writes,
            self.events_per_second,
            self.milliseconds["median"],
            self.milliseconds["p99"]
        )
    }
}

/// Opens watches, writes, and waits until all have heard of all.
pub(super) async fn fan_out(target: &Target, watches: usize) -> Result<Fanout, Failure> {
    let writes = (EVENTS / watches).min(WRITES_MAX);
    let label = format!("watched-{watches}");
    let answered: Arc<[OnceLock<Instant>]> = (0..writes).map(|_| OnceLock::new()).collect();
    let mut opened = Vec::with_capacity(watches);
    for _ in 0..watches {
        let session = Session::open(target).await.map_err(Failure::cannot)?;
        let selected = format!("{}?labelSelector=of%3D{label}", path(NAMESPACE));
        opened.push(Watch::open(session, &selected).await?);
    }
    let mut session = Session::open(target).await.map_err(Failure::cannot)?;
    let begun = Instant::now();
    // None is waited for before the first write: opening so many may take longer than a silence may.
    let heard = opened.into_iter().map(|watch| hear(watch, Arc::clone(&answered)));
    let mut running: JoinSet<_> = heard.collect();
    for (number, answered) in answered.iter().enumerate() {
        let body = config_map(&format!("{label}-{number}"), &label, number, &Value::Null);
        expect(&mut session, Method::POST, &path(NAMESPACE), body, 201).await?;
        answered.get_or_init(Instant::now);
    }
    let mut milliseconds = vec![];
    while let Some(heard) = running.join_next().await {
        milliseconds.extend(heard.while_doing("a watch")??);
    }
    Ok(Fanout {
        watches,
        writes,
        events_per_second: milliseconds.len() as f64 / begun.elapsed().as_secs_f64(),
        milliseconds: distribution(milliseconds),
    })
}

/// Hears of every write. How long after the answer to it; nothing where the event came before.
async fn hear(mut watch: Watch, answered: Arc<[OnceLock<Instant>]>) -> Result<Vec<f64>, Failure> {
    let mut milliseconds = vec![];
    while milliseconds.len() < answered.len() {
        for line in watch.lines().await? {
            let number = number(&line).ok_or_else(|| unexpected(&line))?;
            let since = answered.get(number).and_then(OnceLock::get);
            milliseconds.push(since.map_or(0.0, |at| at.elapsed().as_secs_f64() * 1000.0));
        }
    }
    Ok(milliseconds)
}

/// An event that is about none of the written objects.
fn unexpected(line: &[u8]) -> Failure {
    Failure::cannot(format!("a watch was told {}", String::from_utf8_lossy(line)))
}

/// The number at the end of the name of the object in an event.
fn number(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let name = line.split("\"name\":\"").nth(1)?.split('"').next()?;
    name.rsplit('-').next()?.parse().ok()
}
