//! `kanon sim`: the real cores under virtual time, at random or after a scenario.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use conformance::sim::scenario::{self, first_difference};
use conformance::sim::{self, Options};

use crate::cli::Sim;
use crate::failure::{Failure, VIOLATION, While};
use crate::output::print;

pub(crate) fn run(arguments: &Sim) -> Result<ExitCode, Failure> {
    if let Some(path) = &arguments.scenario {
        return play(path);
    }
    let options = Options {
        seed: arguments.seed,
        steps: arguments.steps,
        faults: arguments.faults.clone(),
        workloads: arguments.workloads.clone(),
        nodes: usize::from(arguments.nodes),
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

/// Prints a scenario as it comes true.
fn play(path: &Path) -> Result<ExitCode, Failure> {
    let expected = std::fs::read_to_string(path).while_doing(path.display())?;
    let played = scenario::play(&expected).map_err(|failure| {
        let told = format!("{}: {failure}", path.display());
        match failure {
            scenario::Failure::Command { .. } => Failure::cannot(told),
            scenario::Failure::Claim { .. } => Failure::violation(told),
        }
    })?;
    // Whoever reads may stop reading.
    drop(std::io::stdout().write_all(played.as_bytes()));
    match first_difference(&expected, &played) {
        None => Ok(ExitCode::SUCCESS),
        Some(line) => {
            let told = format!("{}: line {line} says something else", path.display());
            Err(Failure::violation(told))
        }
    }
}
