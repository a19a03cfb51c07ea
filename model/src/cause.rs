//! Why a step is taken: it is somebody's duty, somebody's choice, or a fault.

use crate::slice::Fault;

/// Why a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A component does it as its work, or time passes: it is taken at last if it can be taken for
    /// ever.
    Duty,
    /// It may never be taken, and is no fault: what clients ask for, a container that ends.
    Choice,
    /// Something goes wrong. It may never happen.
    Fault(Fault),
}

impl Cause {
    /// Whether the step is taken at last if it can be taken for ever.
    pub fn is_fair(self) -> bool {
        self == Cause::Duty
    }

    /// The fault that the step is, if it is one.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Cause::Fault(fault) => Some(fault),
            Cause::Duty | Cause::Choice => None,
        }
    }
}
