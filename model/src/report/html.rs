//! A counterexample as one page.

use super::story::{Story, Told};
use super::svg::{drawing, escape};
use super::{ClaimReport, ScenarioReport, Verdict};
use crate::slice::{Kind, Lane};

const STYLE: &str = "body{font:15px/1.45 sans-serif;color:#222;background:#fff;margin:2em}\
h1{font-size:1.5em;margin:0 0 .3em}h2{font-size:1.15em;margin:1.8em 0 .5em}\
code{font-size:.95em;background:#f2f2f2;padding:.15em .4em;border-radius:3px}\
svg{max-width:100%;height:auto;border:1px solid #ddd}\
table{border-collapse:collapse}td,th{border-bottom:1px solid #ddd;padding:.35em .7em;\
text-align:left;vertical-align:top}td.number{text-align:right;color:#777}\
td.actor{white-space:nowrap}tr.fault{color:#c62828}tr.parted{background:#fff3b0}\
tr.for-ever td{color:#7a3fb0;font-style:italic}.change{font-size:.87em;color:#222}\
del{color:#999}.behind{color:#a86500}.verdict{font-weight:bold}.violated{color:#c62828}";

/// The page of a claim in a scenario, and the command that finds the same again.
pub fn page(scenario: &ScenarioReport, claim: &ClaimReport, command: &str) -> String {
    let title = format!("{}: {}", escape(&claim.id), escape(&claim.text));
    [
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".to_owned(),
        format!("<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"),
        format!("<h1>{title}</h1>\n{}", verdict(scenario, claim)),
        format!("<p>Find it again: <code>{}</code></p>\n", escape(command)),
        match &claim.story {
            Some(story) => told(claim, story),
            None => "<p>There is no run to show.</p>\n".to_owned(),
        },
        "</body>\n</html>\n".to_owned(),
    ]
    .concat()
}

fn verdict(scenario: &ScenarioReport, claim: &ClaimReport) -> String {
    let (class, word) = match (claim.verdict, claim.kind) {
        (Verdict::Holds, Kind::Safety | Kind::Liveness) => ("holds", "holds"),
        (Verdict::Holds, Kind::Reachability) => ("holds", "reached"),
        (Verdict::Violated, Kind::Safety | Kind::Liveness) => ("violated", "violated"),
        (Verdict::Violated, Kind::Reachability) => ("violated", "never reached"),
        (Verdict::NotExhausted, _) => ("unknown", "not exhausted"),
        (Verdict::Unknown, _) => ("unknown", "unknown"),
    };
    let mutation = scenario.mutation.as_ref();
    let mutation = mutation.map(|id| format!(" with mutation <b>{}</b>", escape(id)));
    format!(
        "<p><span class=\"verdict {class}\">{word}</span> in scenario <b>{}</b>{}; {} states.</p>\n",
        escape(&scenario.scenario),
        mutation.unwrap_or_default(),
        scenario.states
    )
}

fn told(claim: &ClaimReport, story: &Story) -> String {
    [
        format!("<h2>Who did what</h2>\n{}{}", parted(story), drawing(story)),
        match claim.kind == Kind::Liveness && story.repeats == 0 {
            true => "<p>And nothing that happens from here on helps.</p>\n".to_owned(),
            false => String::new(),
        },
        table(story),
        beliefs(story),
    ]
    .concat()
}

fn parted(story: &Story) -> String {
    let Some((place, step)) = story.parted.and_then(|at| Some((at, story.steps.get(at)?))) else {
        return String::new();
    };
    format!(
        "<p>They parted at <a href=\"#step-{0}\">step {0}</a>: {1} did not know of {2} events.</p>\n",
        place + 1,
        escape(&step.actor),
        step.behind.unwrap_or(0)
    )
}

fn table(story: &Story) -> String {
    let rows: String = (0..story.steps.len()).map(|place| row(story, place)).collect();
    format!(
        "<h2>Step by step</h2>\n<table>\n<tr><th>step</th><th>who</th>\
         <th>what happened, and what it changed</th></tr>\n{rows}</table>\n"
    )
}

fn row(story: &Story, place: usize) -> String {
    let step = &story.steps[place];
    let begins = story.repeats > 0 && place + story.repeats == story.steps.len();
    let for_ever = match begins {
        true => "<tr class=\"for-ever\"><td colspan=\"3\">and then, for ever:</td></tr>\n",
        false => "",
    };
    let class = match (story.parted == Some(place), step.is_fault) {
        (true, _) => "parted",
        (false, true) => "fault",
        (false, false) => "step",
    };
    format!(
        "{for_ever}<tr id=\"step-{0}\" class=\"{class}\"><td class=\"number\">{0}</td>\
         <td class=\"actor\">{1}</td><td>{2}{3}</td></tr>\n",
        place + 1,
        escape(&step.actor),
        escape(&step.says),
        changes(step, &story.lanes_after(place))
    )
}

/// What the step has changed, given what everybody held before it.
fn changes(step: &Told, before: &[Lane]) -> String {
    let change = |after: &Lane| {
        let before = before.iter().find(|lane| lane.name == after.name)?;
        Some(change(before, after))
    };
    step.changes.iter().filter_map(change).collect()
}

fn change(before: &Lane, after: &Lane) -> String {
    let holds = match before.holds == after.holds {
        true => String::new(),
        false => format!("<del>{}</del> → {}", escape(&before.holds), escape(&after.holds)),
    };
    let behind = match before.behind == after.behind {
        true => String::new(),
        false => format!(
            " <span class=\"behind\">events behind: {} → {}</span>",
            number(before.behind),
            number(after.behind)
        ),
    };
    format!("<div class=\"change\"><b>{}</b>: {holds}{behind}</div>", escape(&after.name))
}

fn number(behind: Option<usize>) -> String {
    behind.map_or("none known".to_owned(), |behind| behind.to_string())
}

/// What was true is what the store holds, the first lane.
fn beliefs(story: &Story) -> String {
    let lanes = story.lanes_after(story.steps.len());
    let rows: String = lanes.iter().enumerate().map(|(place, lane)| belief(place, lane)).collect();
    format!(
        "<h2>What each component believed, and what was true</h2>\n<table>\n<tr><th></th>\
         <th>at the end</th><th>events behind</th></tr>\n{rows}</table>\n"
    )
}

fn belief(place: usize, lane: &Lane) -> String {
    let truth = if place == 0 { " (what was true)" } else { "" };
    let behind = lane.behind.map(|behind| behind.to_string()).unwrap_or_default();
    format!(
        "<tr><td class=\"actor\"><b>{}</b>{truth}</td><td>{}</td><td class=\"behind\">{behind}</td></tr>\n",
        escape(&lane.name),
        escape(&lane.holds)
    )
}
