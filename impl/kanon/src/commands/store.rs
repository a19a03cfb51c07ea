//! `kanon store`: the store alone.

mod serve;

use std::process::ExitCode;

use crate::cli::Store;
use crate::failure::Failure;

pub(crate) fn run(store: &Store) -> Result<ExitCode, Failure> {
    match store {
        Store::Serve(arguments) => serve::run(arguments),
    }
}
