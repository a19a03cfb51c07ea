//! The claims of `specs/scheduler.md` hold of the real scheduler in every order, and break with a fault.

use std::collections::BTreeSet;
use std::process::ExitCode;

use conformance::exhaustive::scheduling::{Scheduled, SchedulingFault as Fault, Story, schedule};
use libtest_mimic::{Arguments, Failed, Trial};

/// Fewer states than any story has.
const STATES_MIN: usize = 40;

/// Faults, each with a story in which a claim notices it.
const PLANTED: [(Fault, &str, &str); 27] = [
    (Fault::MissesNodeDeletions, "stale-node", "SCHEDULER-6"),
    (Fault::MissesNodeDeletions, "nominated-node-gone", "SCHEDULER-22"),
    (Fault::MissesNodesThatListsLack, "stale-node", "SCHEDULER-6"),
    (Fault::MissesPodsThatListsLack, "node-returns", "SCHEDULER-5"),
    (Fault::MissesPodsOfMissingNodes, "node-returns", "SCHEDULER-5"),
    (Fault::PanicsWithoutNode, "node-returns", "SCHEDULER-8"),
    (Fault::ForgetsPodsOfNode, "node-returns", "SCHEDULER-7"),
    (Fault::ForgetsEventsInFlight, "queue", "SCHEDULER-12"),
    (Fault::ForgetsEventsInFlight, "queue", "SCHEDULER-15"),
    (Fault::MissesPodsOfLists, "queue", "SCHEDULER-11"),
    (Fault::MissesPodsOfLists, "queue", "SCHEDULER-15"),
    (Fault::CountsFinishedPods, "queue", "SCHEDULER-15"),
    (Fault::ForgetsAssumedPods, "crash", "SCHEDULER-1"),
    (Fault::ForgetsAssumedPods, "two-schedulers", "SCHEDULER-26"),
    (Fault::BindingIgnoresUid, "pod-returns", "SCHEDULER-2"),
    (Fault::KeepsFailedAssumptions, "losses", "SCHEDULER-3"),
    (Fault::KeepsFailedAssumptions, "node-returns", "SCHEDULER-9"),
    (Fault::MissesPodsOfLists, "two-schedulers", "SCHEDULER-30"),
    (Fault::HintIgnored, "node-returns", "SCHEDULER-13"),
    (Fault::BackoffIgnored, "queue", "SCHEDULER-14"),
    (Fault::TakesEqualPriority, "preemption", "SCHEDULER-17"),
    (Fault::IgnoresNominatedPods, "preemption", "SCHEDULER-18"),
    (Fault::IgnoresDisruptionBudgets, "preemption", "SCHEDULER-19"),
    (Fault::IgnoresTerminatingVictims, "victim-terminates", "SCHEDULER-20"),
    (Fault::SparesVictims, "preemption", "SCHEDULER-21"),
    (Fault::LateBindingOverwrites, "both-lead", "SCHEDULER-25"),
    (Fault::KubeletSkipsAdmission, "two-schedulers", "SCHEDULER-27"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let stories = Story::ALL
        .iter()
        .map(|story| Trial::test(format!("{} holds in every order", story.name), || holds(story)));
    let planted = PLANTED.into_iter().map(|(fault, story, claim)| {
        let name = format!("{} in {story} is noticed by {claim}", fault.name());
        Trial::test(name, move || is_noticed(fault, story, claim))
    });
    let page = Trial::test("the page of planted faults names each of these", page_names_each);
    let trials = stories.chain(planted).chain([page]).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn holds(story: &'static Story) -> Result<(), Failed> {
    let Scheduled { states, ends, broken, happened } = schedule(story, Fault::Nothing, None);
    let can_happen = BTreeSet::from_iter(story.can_happen.iter().copied());
    if !broken.is_empty() {
        return Err(format!("{broken:#?}").into());
    }
    if happened != can_happen {
        return Err(format!("{happened:?} has happened, and not {can_happen:?}").into());
    }
    match states > STATES_MIN && ends > 0 {
        true => Ok(()),
        false => Err(format!("hardly anything happens: {states} states, {ends} ends").into()),
    }
}

fn is_noticed(fault: Fault, story: &str, claim: &str) -> Result<(), Failed> {
    let story = Story::named(story).ok_or("there is no such story")?;
    let found = schedule(story, fault, Some(claim));
    match found.broken.contains_key(claim) {
        true => Ok(()),
        false => Err(format!("it is not noticed: {found:#?}").into()),
    }
}

fn page_names_each() -> Result<(), Failed> {
    let page = include_str!("../../docs/planted-faults.md");
    let rows: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.contains("tests/scheduling.rs"))
        .filter(|line| line.starts_with("- `"))
        .collect();
    for (fault, name) in Fault::ALL {
        let row = rows.iter().find(|row| row.starts_with(&format!("- `{name}`")));
        let row = row.ok_or_else(|| format!("{name} is not on the page"))?;
        let mut planted = PLANTED.iter().filter(|(planted, ..)| *planted == fault).peekable();
        if planted.peek().is_none() {
            return Err(format!("{name} is planted nowhere").into());
        }
        if let Some((_, _, claim)) = planted.find(|(_, _, claim)| !row.contains(claim)) {
            return Err(
                format!("{name} is noticed by {claim}, which the page does not tell").into()
            );
        }
    }
    Ok(())
}
