//! Depth first through all orders, each state once.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use super::Story;
use super::cluster::{Choice, Cluster};
use crate::sim::Plant;

/// A story that ends well in every order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Those in which nothing can happen any more, and everything is as it was asked for.
    pub ends: usize,
    /// Steps of the longest way that was tried.
    pub depth: usize,
}

/// An order in which a claim is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Counterexample {
    /// What happened, step by step.
    pub steps: Vec<String>,
    /// The claim.
    pub why: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(formatter, "{:>4}  {step}", number + 1)?;
        }
        formatter.write_str(&self.why)
    }
}

/// A cluster on the way, what was not tried from it yet, and what is tried now.
struct Stop {
    cluster: Cluster,
    untried: Vec<Choice>,
    tried: Option<Choice>,
}

impl Stop {
    fn new(cluster: Cluster) -> Self {
        let mut untried = cluster.choices();
        untried.reverse();
        Self { cluster, untried, tried: None }
    }

    /// What comes of the next choice; nothing when all were tried.
    fn next(&mut self) -> Option<Cluster> {
        self.tried = self.untried.pop();
        let choice = self.tried?;
        let mut cluster = self.cluster.fork();
        cluster.take(choice);
        Some(cluster)
    }
}

/// Tries every order, with a fault if there is one. A story with more than `most` states has no end.
pub fn explore(
    story: &'static Story,
    plant: Plant,
    most: usize,
) -> Result<Explored, Counterexample> {
    let mut way = vec![Stop::new(Cluster::new(story, plant))];
    let mut happened = BTreeSet::new();
    let explored = search(&mut way, most, &mut happened).map_err(|why| {
        let step = |stop: &Stop| stop.tried.map(|choice| stop.cluster.words(choice));
        Counterexample { steps: way.iter().filter_map(step).collect(), why }
    })?;
    match story.possible.iter().find(|(claim, _)| !happened.contains(claim)) {
        None => Ok(explored),
        Some((claim, _)) => {
            Err(Counterexample { steps: vec![], why: format!("{claim}: it never happens") })
        }
    }
}

/// Goes on from the last stop of the way until all were tried, or a claim is broken; takes in what has happened of what
/// can.
fn search(
    way: &mut Vec<Stop>,
    most: usize,
    happened: &mut BTreeSet<&'static str>,
) -> Result<Explored, String> {
    let mut seen: HashSet<u64> = way.iter().map(|stop| stop.cluster.digest()).collect();
    let mut explored = Explored { states: seen.len(), ends: 0, depth: 0 };
    while let Some(stop) = way.last_mut() {
        let Some(mut cluster) = stop.next() else {
            way.pop();
            continue;
        };
        cluster.world.recorder.objection.take().map_or(Ok(()), Err)?;
        if !seen.insert(cluster.digest()) {
            continue;
        }
        happened.extend(cluster.happened());
        let next = Stop::new(cluster);
        if Cluster::rests(&next.untried) {
            next.cluster.check_end()?;
            explored.ends += 1;
        }
        explored.states = seen.len();
        explored.depth = explored.depth.max(way.len());
        if explored.states > most {
            return Err(format!("there are more than {most} states"));
        }
        way.push(next);
    }
    Ok(explored)
}
