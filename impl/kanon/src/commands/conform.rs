//! `kanon conform`: the model against an API server, and against a trace.

use std::process::ExitCode;

use conformance::refine::{self, Verdict};
use conformance::store::{Core, Embedded, Failed, Served, Wire, run as run_traces};
use conformance::suite;
use model::etcd::exchange::traces;
use model::walks::Walk;

use super::check::read;
use crate::cli::{Conform, Output};
use crate::failure::{Failure, VIOLATION, While};
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
        Conform::Store { endpoint, output } => store(endpoint.as_deref(), *output),
        Conform::Validate { file, output } => {
            let verdict = refine::validate_file(file).map_err(Failure::cannot)?;
            print(&verdict, *output);
            Ok(exit_code(matches!(verdict, Verdict::Allowed(_))))
        }
    }
}

fn store(endpoint: Option<&str>, output: Output) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().while_doing("starting threads")?;
    let traces = traces(None).map_err(Failure::cannot)?;
    let reports = runtime.block_on(async {
        Ok::<_, Failed>(match endpoint {
            Some(url) => vec![run_traces(&mut Wire::connect(url).await?, &traces).await?],
            None => vec![
                run_traces(&mut Core::default(), &traces).await?,
                run_traces(&mut Embedded::create()?, &traces).await?,
                run_traces(&mut Served::start().await?, &traces).await?,
            ],
        })
    });
    let reports = reports.while_doing(endpoint.unwrap_or("our store"))?;
    reports.iter().for_each(|report| print(report, output));
    Ok(exit_code(reports.iter().all(|report| report.divergences.is_empty())))
}

fn exit_code(holds: bool) -> ExitCode {
    ExitCode::from(if holds { 0 } else { VIOLATION })
}
