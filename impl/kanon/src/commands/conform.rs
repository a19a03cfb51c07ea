//! `kanon conform`: the model against an API server, and against a trace.

use std::process::ExitCode;

use conformance::refine::{self, Verdict};
use conformance::suite;
use model::walks::Walk;

use super::check::read;
use crate::cli::Conform;
use crate::failure::{Failure, VIOLATION};
use crate::output::print;

pub(crate) fn run(arguments: &Conform) -> Result<ExitCode, Failure> {
    match arguments {
        Conform::Run { kubeconfig, walk, output } => {
            let walks = match walk {
                Some(file) => vec![Walk::from(read(file)?)],
                None => suite::walks().map_err(Failure::cannot)?,
            };
            let report =
                suite::run_blocking(kubeconfig.as_deref(), &walks).map_err(Failure::cannot)?;
            print(&report, *output);
            Ok(exit_code(report.failed == 0))
        }
        Conform::Validate { file, output } => {
            let verdict = refine::validate_file(file).map_err(Failure::cannot)?;
            print(&verdict, *output);
            Ok(exit_code(matches!(verdict, Verdict::Allowed(_))))
        }
    }
}

fn exit_code(holds: bool) -> ExitCode {
    ExitCode::from(if holds { 0 } else { VIOLATION })
}
