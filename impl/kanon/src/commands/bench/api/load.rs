//! Requests on ConfigMaps of 1 KiB, over so many connections, each waiting for its last answer.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance::suite::{Session, Target};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::NAMESPACE;
use crate::commands::bench::distribution;
use crate::commands::bench::requests::{config_map, expect, path};
use crate::failure::{Failure, While};

/// What is done to an object, in this order: each finds what the one before has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Create,
    Get,
    Update,
    Patch,
    Apply,
    Delete,
}

const VERBS: [Verb; 6] =
    [Verb::Create, Verb::Get, Verb::Update, Verb::Patch, Verb::Apply, Verb::Delete];

/// What was done in a second.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rate {
    verb: Verb,
    connections: usize,
    per_second: f64,
    microseconds: Value,
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |statistic: &str| self.microseconds[statistic].as_f64().unwrap_or(f64::NAN);
        let verb = format!("{:?}", self.verb).to_lowercase();
        write!(
            formatter,
            "{verb:<7} {:>3} connections {:>8.0}/s   p50 {:>7.0} µs  p99 {:>7.0} µs  p99.9 {:>7.0} µs",
            self.connections,
            self.per_second,
            at("median"),
            at("p99"),
            at("p999")
        )
    }
}

/// One connection, and how many objects it has made.
struct Worker {
    session: Session,
    name: String,
    objects: usize,
}

/// Measures each verb for a while; deletions end when there is nothing left.
pub(super) async fn rates(
    target: &Target,
    connections: usize,
    time: Duration,
) -> Result<Vec<Rate>, Failure> {
    let mut workers = vec![];
    for number in 0..connections {
        let session = Session::open(target).await.map_err(Failure::cannot)?;
        workers.push(Worker { session, name: format!("of-{connections}-{number}"), objects: 0 });
    }
    let mut rates = vec![];
    for verb in VERBS {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        workers.drain(..).for_each(|worker| drop(running.spawn(worker.work(verb, begun + time))));
        let mut microseconds = vec![];
        while let Some(worked) = running.join_next().await {
            let (worker, took) = worked.while_doing("a connection")??;
            workers.push(worker);
            microseconds.extend(took);
        }
        rates.push(Rate {
            verb,
            connections,
            per_second: microseconds.len() as f64 / begun.elapsed().as_secs_f64(),
            microseconds: distribution(microseconds),
        });
    }
    Ok(rates)
}

impl Worker {
    /// Does one thing after the other. How long each took.
    async fn work(mut self, verb: Verb, until: Instant) -> Result<(Self, Vec<f64>), Failure> {
        let mut microseconds = vec![];
        let made = self.objects;
        for count in 0.. {
            let is_over = verb == Verb::Delete && count == made;
            if (Instant::now() > until && count > 0) || is_over {
                break;
            }
            let object = if verb == Verb::Create { count } else { count % made };
            let begun = Instant::now();
            self.act(verb, object, count).await?;
            microseconds.push(begun.elapsed().as_secs_f64() * 1e6);
            self.objects = if verb == Verb::Create { count + 1 } else { made };
        }
        Ok((self, microseconds))
    }

    async fn act(&mut self, verb: Verb, object: usize, count: usize) -> Result<(), Failure> {
        let name = format!("{}-{object}", self.name);
        let all = path(NAMESPACE);
        let one = format!("{all}/{name}");
        let session = &mut self.session;
        match verb {
            Verb::Create => expect(session, Method::POST, &all, config_map(&name, "of", count, &Value::Null), 201),
            Verb::Get => expect(session, Method::GET, &one, None, 200),
            Verb::Update => expect(session, Method::PUT, &one, config_map(&name, "of", count + 1, &Value::Null), 200),
            Verb::Patch => {
                let patch = json!({"data": {"patched": count.to_string()}}).to_string();
                let patch = Some(("application/merge-patch+json", Bytes::from(patch)));
                expect(session, Method::PATCH, &one, patch, 200)
            }
            Verb::Apply => {
                let path = format!("{one}?fieldManager=bench&force=true");
                let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                    "data": {"applied": count.to_string()}});
                let config = Some(("application/apply-patch+yaml", Bytes::from(config.to_string())));
                expect(session, Method::PATCH, &path, config, 200).await?;
                return Ok(());
            }
            Verb::Delete => expect(session, Method::DELETE, &one, None, 200),
        }
        .await?;
        Ok(())
    }
}
