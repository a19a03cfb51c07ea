//! Scenarios: files of commands and what comes of them, played on a simulated cluster in virtual time.
//!
//! A file is a sequence of blocks. A block is a command, the lines that belong to it, a line `----`, and
//! the output, which ends with an empty line. Lines before a block that begin with `#` are comments.
//!
//! ```text
//! # A ReplicaSet makes as many pods as it is asked for.
//! create
//! apiVersion: apps/v1
//! kind: ReplicaSet
//! …
//! ----
//! replicaset.apps/web created
//!
//! settle
//! ----
//!
//! get pods
//! ----
//! NAME        READY   STATUS    RESTARTS   AGE
//! web-b4x7k   1/1     Running   0          1s
//! ```
//!
//! The cluster has been running for ten seconds when a file begins. It has the API server, the controllers,
//! the scheduler and three nodes, `node-1` to `node-3`, of eight CPUs and 16Gi. It is ten seconds past
//! midnight, 2026-01-01, in UTC. Nothing happens by itself: time passes with `settle` and `wait` only, and
//! whatever is due happens at once. The seed decides in which order; [`play_in_order`] plays a file in
//! another one, and unless a file names its seed the output must be the same.
//!
//! Commands of `kubectl`, with its output. RESOURCE is a plural, a singular or a short name; RESOURCE/NAME
//! is as good as RESOURCE NAME. All take `-n NAMESPACE`.
//!
//! | command | what it does |
//! | --- | --- |
//! | `create` | creates the objects of the YAML documents that follow |
//! | `patch RESOURCE NAME [--subresource=status] {JSON}` | a strategic merge patch, on the line or as YAML below |
//! | `scale RESOURCE NAME --replicas=N` | through the subresource `scale` |
//! | `delete RESOURCE NAME [--cascade=foreground\|orphan] [--force]` | does not wait for the end |
//! | `evict POD` | what `kubectl drain` asks for each pod |
//! | `get RESOURCE [NAME] [-A] [-l SELECTOR] [-o FORM]` | the API server's own table; FORM is `wide`, `custom-columns=HEAD:.path,…` (with `--sort-by=.path`) or a `.path`, which prints that part as YAML |
//! | `conditions RESOURCE NAME` | the conditions of its status, as `kubectl describe` shows them |
//! | `events [--for=RESOURCE/NAME] [--types=Warning]` | what components have said, and no `events` before has shown |
//!
//! Commands of the simulator:
//!
//! | command | what it does |
//! | --- | --- |
//! | `settle` | one second passes |
//! | `wait 90s` (`10m`, `1h30m`, `2d`) | so much time passes |
//! | `writes [--by=ACTOR]` | what components wrote during the last `settle` or `wait`, Events too; Leases and heartbeats of nodes left out |
//! | `kill NODE`, `revive NODE`, `join NODE` | a machine loses power, comes back, is new |
//! | `kill ACTOR`, `revive ACTOR` | a component ends, and is started |
//! | `off 365d` | the cluster is without power for so long, and nothing runs when it is back |
//! | `crash ACTOR` | `kube-apiserver`, `kube-controller-manager`, `kube-scheduler` or `kubelet/NODE` loses its memory and starts again |
//! | `stall ACTOR RESOURCE`, `resume ACTOR RESOURCE` | its watch sends nothing any more, and sends everything again |
//! | `exit POD CODE` | its container ends |
//! | `lose-image IMAGE`, `find-image IMAGE` | nobody can pull it, and everybody can again |
//! | `load SELECTOR CPU` | the ready pods of a selector use so much CPU together from now on, `load app=web 500m`, and a metrics server tells of it |
//! | `seed N` | the order of things; only before everything that happens |
//! | `controller-managers N` | so many stand for election, `kube-controller-manager-1` from the beginning, the others once they are revived; only before everything that happens |
//! | `feature-gates NAME=true,…` | what is switched on and off; only before everything that happens |
//!
//! Every step is checked by the claims of simulated runs. Generated names end in the same letters each time:
//! the first of a prefix in `b4x7k`, the next in `c4x7k`. What a file creates has the uid
//! `00000000-0000-4000-8000-000000000001`, `…2` and so on.

mod cluster;
mod command;
mod field;
mod file;
mod get;
mod heard;
mod kubectl;
mod node;
mod player;
mod rest;
mod table;
mod words;

pub(crate) use heard::Heard;

use file::Scenario;
use player::Player;

/// Why a file could not be played to its end. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It says something that cannot be done.
    #[error("line {line}: {why}")]
    Command {
        /// The line of the command.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A claim did not hold.
    #[error("line {line}: {violation}")]
    Claim {
        /// The line of the command after which it did not.
        line: usize,
        /// Which one.
        violation: String,
    },
}

/// Why a command could not be performed.
enum Stop {
    Command(String),
    Claim(String),
}

impl Stop {
    fn at(self, line: usize) -> Failure {
        match self {
            Self::Command(why) => Failure::Command { line, why },
            Self::Claim(violation) => Failure::Claim { line, violation },
        }
    }
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Command(why)
    }
}

/// Plays a file; the same file, with the output that it should have.
pub fn play(text: &str) -> Result<String, Failure> {
    play_in_order(text, 0)
}

/// The same, with another choice of what happens first. A file that names its seed has no other.
pub fn play_in_order(text: &str, seed: u64) -> Result<String, Failure> {
    let scenario = Scenario::parse(text)?;
    let mut trace = std::io::sink();
    let mut player = Player::new(seed, &scenario.settings, &mut trace);
    player.begin().map_err(|stop| stop.at(1))?;
    let mut outputs = vec![];
    for block in &scenario.blocks {
        let output = player.perform(&block.command, &block.body);
        outputs.push(output.map_err(|stop| stop.at(block.line))?);
    }
    Ok(scenario.with_outputs(&outputs))
}

/// The first line in which two texts differ, counted from 1.
pub fn first_difference(expected: &str, played: &str) -> Option<usize> {
    let (mut expected_lines, mut played_lines) = (expected.lines(), played.lines());
    for line in 1.. {
        match (expected_lines.next(), played_lines.next()) {
            (None, None) => break,
            (expected, played) if expected != played => return Some(line),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
