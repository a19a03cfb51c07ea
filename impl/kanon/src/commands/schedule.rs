//! `kanon schedule`: what the scheduler would do, and why.

mod explain;
mod objects;
mod simulate;
mod table;

use std::process::ExitCode;

use crate::cli::Schedule;
use crate::failure::Failure;

pub(crate) fn run(arguments: &Schedule) -> Result<ExitCode, Failure> {
    match arguments {
        Schedule::Explain(arguments) => explain::run(arguments),
        Schedule::Simulate(arguments) => simulate::run(arguments),
    }
}
