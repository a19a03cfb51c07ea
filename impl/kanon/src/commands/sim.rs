//! `kanon sim`: the real cores under virtual time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use conformance::sim::{self, Options};

use crate::cli::Sim;
use crate::failure::{Failure, VIOLATION, While};
use crate::output::print;

pub(crate) fn run(arguments: &Sim) -> Result<ExitCode, Failure> {
    let options = Options {
        seed: arguments.seed,
        steps: arguments.steps,
        faults: arguments.faults.clone(),
        workloads: arguments.workloads.clone(),
    };
    let mut trace: Box<dyn Write> = match &arguments.trace {
        Some(path) => Box::new(BufWriter::new(File::create(path).while_doing(path.display())?)),
        None => Box::new(std::io::sink()),
    };
    let result = sim::run(&options, &mut *trace);
    trace.flush().while_doing("the trace")?;
    match result {
        Ok(summary) => {
            print(&summary, arguments.output);
            Ok(ExitCode::SUCCESS)
        }
        Err(violation) => {
            print(&violation, arguments.output);
            Ok(ExitCode::from(VIOLATION))
        }
    }
}
