//! A counterexample, step by step in the model: with its mutation, and without.

use super::{Counterexample, ReplayError};
use crate::checker::liveness::{Goal, is_fair_cycle};
use crate::checker::path::Step;
use crate::checker::plain::can_reach;
use crate::report::story::Story;
use crate::scenarios::{self, Unknown, Visitor};
use crate::slice::{Checked, Fact, Slice};
use crate::spec;
use crate::walks::WalkStep;
use serde::Serialize;
use std::fmt;

/// What a replay in the model has shown.
#[derive(Clone, Debug, Serialize)]
pub struct Replayed {
    /// The claim.
    pub claim: String,
    /// What it says.
    pub text: String,
    /// The scenario.
    pub scenario: String,
    /// The step that was replaced.
    pub mutation: Option<String>,
    /// The run, as far as it could be taken.
    pub story: Story,
    /// Why it does not violate the claim. Nothing where it does.
    pub fails: Option<String>,
    /// Where the run parts from what the model does without the mutation.
    pub parts: Option<Parted>,
}

/// The first step of a run that a model does not take like that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parted {
    /// How many steps it takes before.
    pub steps: usize,
    /// What the run does.
    pub says: String,
    /// What the model does instead.
    pub instead: String,
}

impl Counterexample {
    /// Takes its steps in the model: whether they violate the claim, and where the model without
    /// the mutation does something else.
    pub fn replay(&self) -> Result<Replayed, ReplayError> {
        let sentence = spec::sentence(&self.claim);
        let text = sentence.ok_or_else(|| Unknown::Claim(self.claim.clone()))?.text;
        let mutation = self.mutation.as_deref();
        let (story, fails) = scenarios::with(&self.scenario, &self.size, mutation, Mutated(self))??;
        let parts = match mutation {
            Some(_) => scenarios::with(&self.scenario, &self.size, None, Repaired(self, &story))??,
            None => None,
        };
        Ok(Replayed {
            claim: self.claim.clone(),
            text,
            scenario: self.scenario.clone(),
            mutation: self.mutation.clone(),
            story,
            fails,
            parts,
        })
    }

    fn claim_of<S: Slice>(&self, model: &Checked<S>) -> Result<usize, Unknown> {
        let place = model.claims.iter().position(|claim| claim.id == self.claim);
        place.ok_or_else(|| Unknown::Claim(self.claim.clone()))
    }

    /// The steps of this run as far as a model takes them as they are written, and the first that it
    /// does not.
    fn take<S: Slice>(&self, model: &Checked<S>) -> (Vec<Step<S>>, Option<Parted>) {
        let mut state = model.slice.initial();
        let mut steps: Vec<Step<S>> = Vec::new();
        for written in &self.steps {
            match take(model, state, written) {
                Ok(step) => {
                    steps.push(step);
                    state = step.2;
                }
                Err(instead) => {
                    let says = written.says.clone();
                    let parted = Parted { steps: steps.len(), says, instead };
                    return (steps, Some(parted));
                }
            }
        }
        (steps, None)
    }
}

/// Takes a step, or says what is done instead.
fn take<S: Slice>(
    model: &Checked<S>,
    before: S::State,
    written: &WalkStep,
) -> Result<Step<S>, String> {
    let is_it =
        |action: &&S::Action| serde_json::to_value(action).is_ok_and(|it| it == written.action);
    let Some(action) = model.candidates.iter().find(is_it) else {
        return Err("there is no such action".to_owned());
    };
    let Some(after) = model.slice.step(&before, *action) else {
        return Err("it is not possible".to_owned());
    };
    let says = model.slice.describe(&before, *action, &after);
    match says == written.says && model.slice.outcome(&before, *action, &after) == written.outcome {
        true => Ok((before, *action, after)),
        false => Err(says),
    }
}

/// Replays a counterexample in the model that it was found in.
struct Mutated<'a>(&'a Counterexample);

impl Visitor for Mutated<'_> {
    type Result = Result<(Story, Option<String>), Unknown>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let Mutated(run) = self;
        let claim = run.claim_of(&model)?;
        let (steps, parted) = run.take(&model);
        let repeats = if parted.is_some() { 0 } else { run.repeats };
        let (prefix, cycle) = steps.split_at(steps.len() - repeats);
        let fails = match parted {
            Some(Parted { steps, says, instead }) => {
                Some(format!("step {} is {says:?}; the model: {instead}", steps + 1))
            }
            None => why_not(&model, claim, prefix, cycle),
        };
        Ok((Story::of(&model.slice, prefix, cycle), fails))
    }
}

/// Why a run does not violate a claim, if it does not.
fn why_not<S: Slice>(
    model: &Checked<S>,
    claim: usize,
    prefix: &[Step<S>],
    cycle: &[Step<S>],
) -> Option<String> {
    let last = prefix.last().map_or(model.slice.initial(), |step| step.2);
    match model.claims[claim].fact {
        Fact::Always(_) | Fact::EachStep(_) => {
            let falls = |(before, _, after): &Step<S>| {
                model.step_discovers(claim, before, after) || model.state_discovers(claim, after)
            };
            match prefix.iter().position(falls) {
                Some(place) if place + 1 == prefix.len() => None,
                Some(place) => Some(format!("it falls at step {} already", place + 1)),
                None => Some("it holds in every step".to_owned()),
            }
        }
        Fact::Reachable(_) => Some("no run shows that something is never reached".to_owned()),
        Fact::Eventually(goal) => why_not_for_ever(model, goal, last, cycle),
        Fact::Possible(goal) => match can_reach(model, last, goal) {
            true => Some("what it asks for can still be reached".to_owned()),
            false => None,
        },
    }
}

fn why_not_for_ever<S: Slice>(
    model: &Checked<S>,
    goal: Goal<S>,
    start: S::State,
    cycle: &[Step<S>],
) -> Option<String> {
    let arrives = |state: &S::State| goal(&model.slice, state);
    if arrives(&start) || cycle.iter().any(|step| arrives(&step.2)) {
        return Some("what it asks for is reached".to_owned());
    }
    if cycle.last().is_some_and(|step| step.2 != start) {
        return Some("the steps that are to repeat do not return".to_owned());
    }
    let is_fair = is_fair_cycle(model, start, cycle);
    (!is_fair).then(|| "some action that is always possible is never taken".to_owned())
}

/// Looks where the model as it should be parts from a counterexample.
struct Repaired<'a>(&'a Counterexample, &'a Story);

impl Visitor for Repaired<'_> {
    type Result = Result<Option<Parted>, Unknown>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let Repaired(run, story) = self;
        let claim = run.claim_of(&model)?;
        let (steps, parted) = run.take(&model);
        let differs = |(place, step): (usize, &Step<S>)| {
            let (theirs, ours) = (story.lanes_after(place + 1), model.slice.lanes(&step.2));
            let (theirs, ours) = theirs.iter().zip(&ours).find(|(theirs, ours)| theirs != ours)?;
            let says = format!("{}: {}", run.steps[place].says, theirs.believes());
            Some(Parted { steps: place, says, instead: ours.believes() })
        };
        if let Some(parted) = steps.iter().enumerate().find_map(differs).or(parted) {
            return Ok(Some(parted));
        }
        let (prefix, cycle) = steps.split_at(steps.len() - run.repeats);
        Ok(why_not(&model, claim, prefix, cycle).map(|why| Parted {
            steps: steps.len(),
            says: "the claim falls".to_owned(),
            instead: format!("it does not: {why}"),
        }))
    }
}

impl Replayed {
    /// Whether the run violates the claim with its last step, as it is written.
    pub fn shows_it(&self) -> bool {
        self.fails.is_none()
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.scenario)?;
        if let Some(mutation) = &self.mutation {
            write!(formatter, " with {mutation}")?;
        }
        writeln!(formatter, ": {} steps", self.story.steps.len())?;
        let verdict = if self.shows_it() { "VIOLATED" } else { "NOT SHOWN" };
        writeln!(formatter, "  {:<16} {verdict:<20} {}", self.claim, self.text)?;
        self.story.fmt(formatter)?;
        if let Some(why) = &self.fails {
            writeln!(formatter, "  It does not violate the claim: {why}.")?;
        }
        match (&self.parts, &self.mutation) {
            (Some(Parted { steps, says, instead }), _) => writeln!(
                formatter,
                "  Without the mutation it goes like this for {steps} steps. Then, instead of\n    \
                 {says}\n  the model says\n    {instead}"
            ),
            (None, Some(_)) => {
                writeln!(formatter, "  Without the mutation it goes like this, too.")
            }
            (None, None) => Ok(()),
        }
    }
}
