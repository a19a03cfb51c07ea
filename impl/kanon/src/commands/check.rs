//! `kanon check`: explores the model.

use std::io::IsTerminal;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use model::check::{self, CheckError, Options};
use model::checker::limits::{Limits, Until};
use model::checker::progress::{Progress, Report as Far};
use model::checker::save::ResumeError;
use model::checker::walk::Walks;
use model::counterexample::{Counterexample, ReplayError};
use model::report::{Report, html};
use model::scenarios;
use model::slice::{Fault, Size};

use crate::cli::{Check, Output};
use crate::failure::{CANNOT, Failure, VIOLATION, While};
use crate::output::print;

pub(crate) fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    if arguments.list {
        print(&check::list(), arguments.output);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = &arguments.replay {
        return replay(file, arguments.output);
    }
    let options = options(arguments)?;
    if let Some(address) = &arguments.explore {
        let say = || {
            println!("The states of the model are served at http://{address}; interrupt to end.");
        };
        check::explore(address, &options, say).map_err(Failure::usage)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.mutations {
        let mutations = check::mutations(&options).map_err(failure)?;
        print(&mutations, arguments.output);
        return Ok(ExitCode::from(if mutations.any_survived() { VIOLATION } else { 0 }));
    }
    let report = checked(&options)?;
    print(&report, arguments.output);
    if let Some(file) = &arguments.html {
        let page = page(&report, &options.size)
            .ok_or_else(|| Failure::cannot("no claim is violated: no page"))?;
        std::fs::write(file, page).while_doing(format!("writing {}", file.display()))?;
    }
    if let Some(file) = &arguments.export {
        let found = Counterexample::first_of(&report, &options.size);
        let found = found.ok_or_else(|| Failure::cannot("no claim is violated: no file"))?;
        std::fs::write(file, found.write()).while_doing(format!("writing {}", file.display()))?;
    }
    Ok(ExitCode::from(match (report.is_violated(), report.is_stopped()) {
        (true, _) => VIOLATION,
        (false, true) => CANNOT,
        (false, false) => 0,
    }))
}

/// Takes the steps of a counterexample in the model.
fn replay(file: &Path, output: Output) -> Result<ExitCode, Failure> {
    let replayed = read(file)?.replay().map_err(|error| unreadable(file, &error))?;
    print(&replayed, output);
    Ok(ExitCode::from(if replayed.shows_it() { VIOLATION } else { CANNOT }))
}

/// Reads a counterexample.
pub(super) fn read(file: &Path) -> Result<Counterexample, Failure> {
    let text = std::fs::read_to_string(file).while_doing(format!("reading {}", file.display()))?;
    Counterexample::parse(&text).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &ReplayError) -> Failure {
    Failure::usage(format!("{}: {error}", file.display()))
}

/// Runs the check; tells how far it is where somebody watches.
fn checked(options: &Options) -> Result<Report, Failure> {
    let mut tell = |far: &Far| eprintln!("{far}");
    let mut progress = if std::io::stderr().is_terminal() {
        Progress::every(Duration::from_secs(2), &mut tell)
    } else {
        Progress::silent()
    };
    check::run(options, &mut progress).map_err(failure)
}

/// The first counterexample, on scenarios of this size.
fn page(report: &Report, size: &Size) -> Option<String> {
    let (scenario, claim) = report.violations().next()?;
    let mutation = scenario.mutation.as_ref().map(|id| format!(" --mutation {id}"));
    let counts = [("nodes", size.nodes), ("pods", size.pods), ("replicas", size.replicas)];
    let counts =
        counts.into_iter().filter_map(|(what, count)| Some(format!(" --{what} {}", count?)));
    let times = size.faults.map(|times| times.to_string());
    let names = size.only.as_ref().map(|only| match only.as_slice() {
        [] => "none".to_owned(),
        faults => faults.iter().map(Fault::name).collect::<Vec<_>>().join(","),
    });
    let faults = times.or(names).map(|faults| format!(" --faults {faults}"));
    let options: String = counts.chain(faults).chain(mutation).collect();
    let command = format!("kanon check {}{options}", scenario.scenario);
    Some(html::page(scenario, claim, &command))
}

fn failure(error: CheckError) -> Failure {
    match error {
        CheckError::Unknown(unknown) => Failure::usage(unknown),
        CheckError::Resume(error @ ResumeError::OtherModel { .. }) => Failure::usage(error),
        CheckError::Resume(error) => Failure::cannot(error),
        CheckError::File(error) => Failure::cannot(error),
    }
}

fn options(arguments: &Check) -> Result<Options, Failure> {
    let is_scenario = |what: &&String| scenarios::names().contains(&what.as_str());
    let is_claim = |what: &&String| check::kinds().contains_key(what.as_str());
    let what = arguments.what.as_ref();
    let claim = what.filter(|what| !is_scenario(what)).filter(is_claim).cloned();
    let scenario = what.filter(|_| claim.is_none()).cloned();
    let in_a_file = arguments.save.is_some() || arguments.resume.is_some();
    if in_a_file && scenario.is_none() {
        return Err(Failure::usage("--save and --resume need a scenario"));
    }
    let (faults, only) = faults(arguments.faults.as_deref())?;
    let threads = arguments.threads.map_or(Options::default().threads, NonZero::get);
    let (seed, steps_max) = (arguments.seed, arguments.steps);
    Ok(Options {
        scenario,
        claim,
        size: Size {
            nodes: arguments.nodes,
            pods: arguments.pods,
            replicas: arguments.replicas,
            faults,
            only,
            lazy: false,
            at_own_pace: false,
        },
        mutation: arguments.mutation.clone(),
        threads,
        limits: Limits {
            until: Until::Everything,
            states_max: arguments.max_states,
            timeout: arguments.timeout.map(Duration::from_secs),
            memory_max: arguments.memory.map(|mebibytes| mebibytes << 20),
        },
        symmetry: !arguments.no_symmetry,
        liveness: !(arguments.no_liveness || in_a_file || arguments.on_disk.is_some()),
        spill: arguments.on_disk.clone(),
        save: arguments.save.clone(),
        resume: arguments.resume.clone(),
        simulate: arguments.simulate.map(|walks| Walks { seed, walks: walks.get(), steps_max }),
    })
}

type Faults = (Option<u8>, Option<Vec<Fault>>);

/// Reads `2`, `none` or `crash,lost-request`.
fn faults(text: Option<&str>) -> Result<Faults, Failure> {
    let Some(text) = text else {
        return Ok((None, None));
    };
    if let Ok(times) = text.parse() {
        return Ok((Some(times), None));
    }
    let names = text.split(',').filter(|name| *name != "none");
    let known = names.map(|name| {
        Fault::of(name).ok_or_else(|| {
            let all = Fault::ALL.map(|(known, _)| known).join(", ");
            Failure::usage(format!("there is no fault {name:?}; there are {all}"))
        })
    });
    Ok((None, Some(known.collect::<Result<_, _>>()?)))
}
