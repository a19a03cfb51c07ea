//! Reports for people.

use super::{
    ClaimReport, Entry, Listing, MutationReport, Mutations, Report, ScenarioReport, Verdict,
};
use crate::checker::limits::End;
use crate::slice::Kind;
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scenarios.iter().try_for_each(|scenario| scenario.fmt(formatter))
    }
}

impl fmt::Display for ScenarioReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.scenario)?;
        if let Some(mutation) = &self.mutation {
            write!(formatter, " with {mutation}")?;
        }
        if self.end == End::Sampled {
            writeln!(
                formatter,
                ": {} steps of random walks, at most {} each, {:.1} s",
                self.transitions, self.depth, self.seconds
            )?;
        } else {
            self.searched(formatter)?;
        }
        match self.end {
            End::Stopped(limit) => writeln!(formatter, "  not exhausted: stopped by {limit}")?,
            End::Bounded => {
                writeln!(formatter, "  not exhausted: states at the bounds of the slice")?;
            }
            End::Sampled => writeln!(formatter, "  not exhausted: random walks")?,
            End::Exhausted | End::Found => {}
        }
        self.claims.iter().try_for_each(|claim| claim.fmt(formatter))
    }
}

impl ScenarioReport {
    /// What a search has seen, and at what price.
    fn searched(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_all = if self.end == End::Exhausted { "" } else { ", not all" };
        let resumed = match self.states_resumed {
            0 => String::new(),
            resumed => format!(" ({resumed} of them before)"),
        };
        writeln!(
            formatter,
            ": {} states{resumed}{not_all}, {} steps, depth {}, {:.1} s, {} states/s, {:.1} bytes/state",
            self.states,
            self.transitions,
            self.depth,
            self.seconds,
            self.states_per_second,
            self.bytes as f64 / self.states as f64,
        )
    }
}

impl fmt::Display for ClaimReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.verdict, self.kind) {
            (Verdict::Holds, Kind::Safety | Kind::Liveness) => "holds".to_owned(),
            (Verdict::Holds, Kind::Reachability) => {
                format!("reached in {} steps", self.steps.len())
            }
            (Verdict::Violated, Kind::Safety | Kind::Liveness) => "VIOLATED".to_owned(),
            (Verdict::Violated, Kind::Reachability) => "NEVER REACHED".to_owned(),
            (Verdict::NotExhausted, _) => "not exhausted".to_owned(),
            (Verdict::Unknown, _) => "unknown".to_owned(),
        };
        writeln!(formatter, "  {:<16} {verdict:<20} {}", self.id, self.text)?;
        let Some(story) = &self.story else {
            return Ok(());
        };
        story.fmt(formatter)?;
        if self.kind == Kind::Liveness && self.repeats.is_empty() {
            writeln!(formatter, "         and nothing that happens from here on helps")?;
        }
        Ok(())
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut component = "";
        for entry in &self.claims {
            if entry.component != component {
                component = &entry.component;
                writeln!(formatter, "{component}")?;
            }
            let Entry { id, text, mutations, .. } = entry;
            writeln!(formatter, "  {id:<16} {text}")?;
            writeln!(formatter, "  {:<16} kills {}", "", mutations.join(", "))?;
        }
        Ok(())
    }
}

/// A line for each mutation, and what they come to.
impl fmt::Display for Mutations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mutations.iter().try_for_each(|mutation| writeln!(formatter, "{mutation}"))?;
        let survived = self.mutations.iter().filter(|mutation| mutation.killed_by.is_empty());
        let seconds = self.mutations.iter().map(|mutation| mutation.seconds);
        write!(
            formatter,
            "{} mutations, {} survived; the slowest took {:.1} s",
            self.mutations.len(),
            survived.count(),
            seconds.fold(0.0, f64::max)
        )
    }
}

impl fmt::Display for MutationReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MutationReport { id, scenario, killed_by, seconds, .. } = self;
        let killer = |claim: &String| match self.steps_to.get(claim) {
            Some(1) => format!("{claim} in 1 step"),
            Some(steps) => format!("{claim} in {steps} steps"),
            None => format!("{claim} (never reached)"),
        };
        let killers: Vec<_> = killed_by.iter().map(killer).collect();
        let fate = match (scenario, killers.as_slice()) {
            (None, _) => "SURVIVED: no claim names it".to_owned(),
            (Some(_), []) => "SURVIVED".to_owned(),
            (Some(_), killers) => killers.join(", "),
        };
        let scenario = scenario.as_deref().unwrap_or("nowhere");
        write!(formatter, "{id:<42} {scenario:<17} {seconds:>5.1} s  {fate}")
    }
}
