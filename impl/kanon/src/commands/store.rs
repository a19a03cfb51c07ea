//! `kanon store`: the store alone.

mod offline;
mod serve;

use std::process::ExitCode;

use crate::cli::Store;
use crate::failure::Failure;

pub(crate) fn run(store: &Store) -> Result<ExitCode, Failure> {
    match store {
        Store::Serve(arguments) => serve::run(arguments),
        Store::Check(folder) => offline::check(folder),
        Store::Compact { folder, revision } => offline::compact(folder, *revision),
        Store::Snapshot { folder, file } => offline::snapshot(folder, file),
        Store::Restore { folder, file } => offline::restore(folder, file),
        Store::Hash(folder) => offline::hash(folder),
    }
}
