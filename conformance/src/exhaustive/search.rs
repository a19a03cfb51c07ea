//! Depth first through all orders, each state once.

use std::collections::HashSet;
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

/// A cluster on the way, and what was not tried from it yet.
struct Stop {
    cluster: Cluster,
    untried: Vec<Choice>,
}

impl Stop {
    fn new(cluster: Cluster) -> Self {
        let mut untried = cluster.choices();
        untried.reverse();
        Self { cluster, untried }
    }
}

/// Tries every order, with a fault if there is one. A story with more than `most` states has no end.
pub fn explore(
    story: &'static Story,
    plant: Plant,
    most: usize,
) -> Result<Explored, Counterexample> {
    let start = Stop::new(Cluster::new(story, plant));
    let mut seen = HashSet::from([start.cluster.digest()]);
    let mut explored = Explored { states: 1, ends: 0, depth: 0 };
    let (mut way, mut words) = (vec![start], vec![]);
    while let Some(stop) = way.last_mut() {
        let Some(choice) = stop.untried.pop() else {
            way.pop();
            words.pop();
            continue;
        };
        let mut cluster = stop.cluster.fork();
        words.push(stop.cluster.words(choice));
        cluster.take(choice);
        let objection = cluster.world.recorder.objection.take();
        if let Some(why) = objection {
            return Err(Counterexample { steps: words, why });
        }
        if !seen.insert(cluster.digest()) {
            words.pop();
            continue;
        }
        let next = Stop::new(cluster);
        if Cluster::rests(&next.untried) {
            if let Some(why) = next.cluster.unsettled() {
                let why = format!("{why}, and nothing can happen any more");
                return Err(Counterexample { steps: words, why });
            }
            explored.ends += 1;
        }
        explored.states += 1;
        if explored.states > most {
            let why = format!("there are more than {most} states");
            return Err(Counterexample { steps: words, why });
        }
        explored.depth = explored.depth.max(way.len());
        way.push(next);
    }
    Ok(explored)
}
