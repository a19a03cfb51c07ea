//! What can happen to replicas that stand for election.

use std::fmt;

/// A step of the election. Replicas are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A second passes.
    Tick,
    /// A second passes, and more by one clock.
    RunAhead(usize),
    /// A request is performed.
    Arrive(usize),
    /// An answer is heard.
    Hear(usize),
    /// A request is lost.
    LoseRequest(usize),
    /// An answer is lost.
    LoseAnswer(usize),
    /// A replica waits no longer, and its request travels on.
    GiveUp(usize),
    /// A request is performed that nobody waits for.
    ArriveLate,
    /// A replica loses its memory.
    Crash(usize),
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => formatter.write_str("a second passes"),
            Self::RunAhead(replica) => write!(formatter, "the clock of {replica} runs ahead"),
            Self::Arrive(replica) => write!(formatter, "the request of {replica} is performed"),
            Self::Hear(replica) => write!(formatter, "{replica} hears the answer"),
            Self::LoseRequest(replica) => write!(formatter, "the request of {replica} is lost"),
            Self::LoseAnswer(replica) => write!(formatter, "the answer to {replica} is lost"),
            Self::GiveUp(replica) => write!(formatter, "{replica} waits no longer"),
            Self::ArriveLate => formatter.write_str("what nobody waits for is performed"),
            Self::Crash(replica) => write!(formatter, "{replica} crashes"),
        }
    }
}
