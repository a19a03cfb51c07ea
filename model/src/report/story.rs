//! A counterexample as a story: who did what, what each component believed and what was true, and
//! where they parted.

use crate::checker::path::Step;
use crate::request::Request;
use crate::slice::{Lane, Outcome, Slice};
use serde::Serialize;
use std::fmt;

/// A run, told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Story {
    /// What everybody held at the start; the store first.
    pub start: Vec<Lane>,
    /// The requests that make what is there at the start, as far as an API server sees it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Request>,
    /// The steps.
    pub steps: Vec<Told>,
    /// How many of the steps, counted from the last, repeat for ever.
    pub repeats: usize,
    /// The place of the first step that was taken by somebody whom events had not reached, counted
    /// from zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parted: Option<usize>,
}

/// A step, told.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// What happened, in Kubernetes' words.
    pub says: String,
    /// Who did it: the name of a lane, or of somebody who has none.
    pub actor: String,
    /// The action, with the names of its objects.
    pub action: serde_json::Value,
    /// The request that an API server sees, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<serde_json::Value>,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it is a fault.
    pub is_fault: bool,
    /// How many events had not reached who took the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<usize>,
    /// The lanes that have changed, as they are after the step.
    pub changes: Vec<Lane>,
}

impl Story {
    /// Tells the steps of a run and those that repeat for ever after them.
    pub fn of<S: Slice>(slice: &S, steps: &[Step<S>], cycle: &[Step<S>]) -> Self {
        let start = steps.iter().chain(cycle).next();
        let start = slice.lanes(&start.map_or(slice.initial(), |step| step.0));
        let told: Vec<_> = steps.iter().chain(cycle).map(|step| tell(slice, step)).collect();
        let parted = told.iter().position(|step| {
            step.outcome == Outcome::Done && !step.changes.is_empty() && step.is_late()
        });
        Story {
            start,
            objects: slice.objects_at_start(),
            steps: told,
            repeats: cycle.len(),
            parted,
        }
    }

    /// What the steps say, those that repeat for ever left out.
    pub fn says(&self) -> Vec<String> {
        self.first().iter().map(|step| step.says.clone()).collect()
    }

    /// What the steps say that repeat for ever.
    pub fn says_for_ever(&self) -> Vec<String> {
        let (_, repeats) = self.steps.split_at(self.steps.len() - self.repeats);
        repeats.iter().map(|step| step.says.clone()).collect()
    }

    /// What everybody held after so many steps.
    pub fn lanes_after(&self, steps: usize) -> Vec<Lane> {
        let mut lanes = self.start.clone();
        for change in self.steps.iter().take(steps).flat_map(|step| &step.changes) {
            if let Some(lane) = lanes.iter_mut().find(|lane| lane.name == change.name) {
                *lane = change.clone();
            }
        }
        lanes
    }

    fn first(&self) -> &[Told] {
        self.steps.split_at(self.steps.len() - self.repeats).0
    }
}

impl Told {
    /// Whether it is a decision of somebody whom events had not reached. To receive one is none, and
    /// a fault is none either.
    fn is_late(&self) -> bool {
        let receives = self.action["action"].as_str().is_some_and(|kind| {
            ["deliver", "list", "receive", "observe", "relist", "reconnect"]
                .iter()
                .any(|word| kind.starts_with(word))
        });
        !receives && !self.is_fault && self.behind.is_some_and(|behind| behind > 0)
    }
}

fn tell<S: Slice>(slice: &S, (before, action, after): &Step<S>) -> Told {
    let lanes = slice.lanes(before);
    let actor = slice.actor(*action);
    Told {
        says: slice.describe(before, *action, after),
        behind: lanes.iter().find(|lane| lane.name == actor).and_then(|lane| lane.behind),
        actor,
        is_fault: slice.fault(*action).is_some(),
        action: serde_json::to_value(action).unwrap_or_default(),
        request: slice.request(before, *action),
        outcome: slice.outcome(before, *action, after),
        changes: slice.lanes(after).into_iter().filter(|lane| !lanes.contains(lane)).collect(),
    }
}

/// The steps, numbered; then who knew what at the end.
impl fmt::Display for Story {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            if self.repeats > 0 && place + self.repeats == self.steps.len() {
                writeln!(formatter, "         and then, for ever:")?;
            }
            writeln!(formatter, "    {:>3}. {step}", place + 1)?;
        }
        if let Some(parted) = self.parted {
            let step = &self.steps[parted];
            writeln!(
                formatter,
                "         They parted at step {}: {} did not know of {} events.",
                parted + 1,
                step.actor,
                step.behind.unwrap_or(0)
            )?;
        }
        writeln!(formatter, "         At the end:")?;
        self.lanes_after(self.steps.len())
            .iter()
            .try_for_each(|lane| writeln!(formatter, "           {}", lane.believes()))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.says)
    }
}
