//! How a command fails: one line and an exit code.

use std::fmt;

/// The invariant is violated, the trace not allowed, the check not passed.
pub(crate) const VIOLATION: u8 = 1;
/// The command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// It could not run.
pub(crate) const CANNOT: u8 = 3;

/// One line and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    message: String,
}

impl Failure {
    /// The command line makes no sense.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: USAGE, message: message.to_string() }
    }

    /// Something is not as it must be.
    pub(crate) fn violation(message: impl fmt::Display) -> Self {
        Self { code: VIOLATION, message: message.to_string() }
    }

    /// It could not run.
    pub(crate) fn cannot(message: impl fmt::Display) -> Self {
        Self { code: CANNOT, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message.lines().next().unwrap_or_default())
    }
}

/// Says what was being done when something failed.
pub(crate) trait While<T> {
    /// `what: why`, exit code 3.
    fn while_doing(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn while_doing(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::cannot(format!("{what}: {error}")))
    }
}
