//! The `kanon` command: flags and wiring, no decisions.

mod cli;
mod cluster;
mod commands;
mod components;
mod control;
mod demo;
mod failure;
mod kubeconfig;
mod nodes;
mod output;
mod pki;
mod profile;
mod scheduling;
mod serve;
mod steps;
mod storage;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// What one thread allocates another frees here, with each request: the C library's allocator waits there.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    node::shim::main_if_shim();
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // The only thing left to do if the terminal is gone is to say so by the exit code.
            drop(error.print());
            let is_help = error.exit_code() == 0;
            return if is_help { ExitCode::SUCCESS } else { ExitCode::from(failure::USAGE) };
        }
    };
    match commands::run(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("kanon: {failure}");
            ExitCode::from(failure.code)
        }
    }
}
