//! `kanon check`: explores the model.

use std::process::ExitCode;

use model::check::{self, Options};
use model::slice::Size;

use crate::cli::Check;
use crate::failure::{Failure, VIOLATION};
use crate::output::print;

pub(crate) fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    if arguments.list {
        print(&check::list(), arguments.output);
        return Ok(ExitCode::SUCCESS);
    }
    let options = options(arguments);
    if let Some(address) = &arguments.explore {
        println!("The states of the model are served at http://{address}; interrupt to end.");
        check::explore(address, &options).map_err(Failure::usage)?;
        return Ok(ExitCode::SUCCESS);
    }
    let violated = if arguments.mutations {
        let mutations = check::mutations(&options).map_err(Failure::usage)?;
        print(&mutations, arguments.output);
        mutations.any_survived()
    } else {
        let report = check::run(&options, &mut model::checker::progress::Progress::silent()).map_err(Failure::usage)?;
        print(&report, arguments.output);
        report.is_violated()
    };
    Ok(ExitCode::from(if violated { VIOLATION } else { 0 }))
}

fn options(arguments: &Check) -> Options {
    Options {
        scenario: arguments.scenario.clone(),
        size: Size {
            nodes: arguments.nodes,
            pods: arguments.pods,
            replicas: arguments.replicas,
            faults: arguments.faults,
            ..Size::default()
        },
        mutation: arguments.mutation.clone(),
        ..Options::default()
    }
}
