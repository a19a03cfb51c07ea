//! What can happen around schedulers.

use super::kubelets::Work;

/// A step. Schedulers, resources and flights are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Somebody asks for the next thing.
    Ask,
    /// A scheduler starts.
    Start(usize),
    /// A scheduler hears a line of a watch.
    Hear { scheduler: usize, resource: usize },
    /// A watch breaks, and a list tells what there is.
    List { scheduler: usize, resource: usize },
    /// A scheduler decides about the next Pod.
    Cycle(usize),
    /// A request is performed.
    Arrive { scheduler: usize, flight: usize },
    /// A scheduler hears an answer.
    Answer { scheduler: usize, flight: usize },
    /// A request is lost.
    LoseRequest { scheduler: usize, flight: usize },
    /// A request is performed, and its answer is lost.
    LoseAnswer { scheduler: usize, flight: usize },
    /// A scheduler crashes, or leads no more. What it has sent is on its way.
    Crash(usize),
    /// A request is performed whose sender has crashed.
    ArriveLate(usize),
    /// A kubelet does something.
    Work(Work),
    /// Time passes until a Pod has backed off.
    Wait,
}

impl Action {
    /// Whether it need not happen.
    pub(super) fn is_fault(&self) -> bool {
        match self {
            Self::List { .. }
            | Self::LoseRequest { .. }
            | Self::LoseAnswer { .. }
            | Self::Crash(_)
            | Self::Work(Work::Collect(_)) => true,
            Self::Ask
            | Self::Start(_)
            | Self::Hear { .. }
            | Self::Cycle(_)
            | Self::Arrive { .. }
            | Self::Answer { .. }
            | Self::ArriveLate(_)
            | Self::Work(Work::Admit(_) | Work::Stop(_))
            | Self::Wait => false,
        }
    }
}
