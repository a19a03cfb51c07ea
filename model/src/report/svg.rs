//! A story as a sequence diagram: a lane for each component, a row for each step.

use super::story::{Story, Told};
use crate::slice::{Lane, Outcome};

const LANE: usize = 118;
const ROW: usize = 24;
const LEFT: usize = 44;
const TOP: usize = 70;
const WORDS: usize = 470;
/// How many letters of a step fit beside the lanes.
const LETTERS_MAX: usize = 78;
/// How many letters of a name fit above a lane.
const NAME_MAX: usize = 17;
/// The number of events behind from which on the bar grows no longer.
const BEHIND_MAX: usize = 6;

const BLUE: &str = "#1f5fbf";
const GREY: &str = "#555";
const ORANGE: &str = "#e08a00";
const PURPLE: &str = "#7a3fb0";
const RED: &str = "#c62828";

/// Draws the story: who acts, what the store answers, and how many events each component is behind.
pub fn drawing(story: &Story) -> String {
    let lanes = names(story);
    let width = LEFT + LANE * lanes.len() + WORDS;
    let height = top(story.steps.len()) + 38;
    [
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        ),
        legend(),
        lane_lines(&lanes, top(story.steps.len())),
        (0..story.steps.len()).map(|place| row(story, &lanes, place, width)).collect(),
        for_ever(story, width),
        "</svg>\n".to_owned(),
    ]
    .concat()
}

/// Text as HTML and SVG take it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The lanes, then who acts and has none.
fn names(story: &Story) -> Vec<&str> {
    let mut names: Vec<&str> = story.start.iter().map(|lane| lane.name.as_str()).collect();
    for step in &story.steps {
        if !names.contains(&step.actor.as_str()) {
            names.push(&step.actor);
        }
    }
    names
}

fn top(place: usize) -> usize {
    TOP + ROW * place
}

fn x(lane: usize) -> usize {
    LEFT + LANE * lane + LANE / 2
}

fn x_of(lanes: &[&str], name: &str) -> usize {
    x(lanes.iter().position(|lane| *lane == name).unwrap_or(0))
}

fn legend() -> String {
    let entries = [
        (BLUE, "→ request committed"),
        (RED, "⇢ request refused"),
        (GREY, "● other step"),
        (RED, "✖ fault"),
        (ORANGE, "▬ n events behind"),
    ];
    let entry = |(place, (colour, text)): (usize, (&str, &str))| {
        format!("<text x=\"{}\" y=\"16\" fill=\"{colour}\">{text}</text>\n", 10 + 138 * place)
    };
    entries.into_iter().enumerate().map(entry).collect()
}

fn lane_lines(lanes: &[&str], bottom: usize) -> String {
    let line = |(place, name): (usize, &&str)| {
        let x = x(place);
        format!(
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#bbb\"/>\n{}",
            TOP - 4,
            heading(x, name)
        )
    };
    lanes.iter().enumerate().map(line).collect()
}

/// A name in one line or in two.
fn heading(x: usize, name: &str) -> String {
    let (first, second) = in_two(name);
    let lines = [(first, TOP - 24), (second, TOP - 10)];
    let lines = lines.into_iter().filter(|(text, _)| !text.is_empty());
    let tspans: String = lines
        .map(|(text, y)| format!("<tspan x=\"{x}\" y=\"{y}\">{}</tspan>", escape(text)))
        .collect();
    let name = escape(name);
    format!(
        "<text text-anchor=\"middle\" font-weight=\"bold\"><title>{name}</title>{tspans}</text>\n"
    )
}

fn in_two(name: &str) -> (&str, &str) {
    if name.len() <= NAME_MAX {
        return ("", name);
    }
    let ends = name.char_indices().filter(|(_, letter)| ['-', ' ', '/'].contains(letter));
    let mut ends = ends.map(|(place, _)| place + 1).filter(|end| *end <= NAME_MAX);
    name.split_at(ends.next_back().unwrap_or(0))
}

fn row(story: &Story, lanes: &[&str], place: usize, width: usize) -> String {
    let step = &story.steps[place];
    let middle = top(place) + ROW / 2;
    let parted = story.parted == Some(place);
    let words = match parted {
        true => format!("⚠ parted: {}", step.says),
        false => step.says.clone(),
    };
    [
        format!("<g class=\"step\"><title>{}. {}</title>", place + 1, escape(&step.says)),
        if parted { background(place, width) } else { String::new() },
        format!("<text x=\"30\" y=\"{}\" text-anchor=\"end\">{}</text>", middle + 4, place + 1),
        story.lanes_after(place + 1).iter().map(|lane| lag(lanes, lane, middle)).collect(),
        mark(step, lanes, middle),
        format!(
            "<text x=\"{}\" y=\"{}\" fill=\"{}\">{}</text></g>\n",
            LEFT + LANE * lanes.len() + 8,
            middle + 4,
            if step.is_fault { RED } else { "#222" },
            escape(&shortened(&words))
        ),
    ]
    .concat()
}

fn background(place: usize, width: usize) -> String {
    let y = top(place);
    format!("<rect x=\"6\" y=\"{y}\" width=\"{}\" height=\"{ROW}\" fill=\"#fff3b0\"/>", width - 12)
}

/// A bar as long as there are events that have not reached the component, and their number.
fn lag(lanes: &[&str], lane: &Lane, middle: usize) -> String {
    let Some(behind) = lane.behind.filter(|behind| *behind > 0) else {
        return String::new();
    };
    let x = x_of(lanes, &lane.name) + 8;
    let length = 6 * behind.min(BEHIND_MAX);
    format!(
        "<rect x=\"{x}\" y=\"{}\" width=\"{length}\" height=\"7\" fill=\"#f6c46b\"/>\
         <text x=\"{}\" y=\"{}\" font-size=\"9\" fill=\"{ORANGE}\">{behind}</text>",
        middle + 3,
        x + length + 3,
        middle + 10
    )
}

fn mark(step: &Told, lanes: &[&str], middle: usize) -> String {
    let x = x_of(lanes, &step.actor);
    if step.is_fault {
        let (left, right, up, down) = (x - 5, x + 5, middle - 5, middle + 5);
        return format!(
            "<path d=\"M{left} {up}L{right} {down}M{right} {up}L{left} {down}\" \
             stroke=\"{RED}\" stroke-width=\"3\"/>"
        );
    }
    let (colour, dashes) = match step.outcome {
        Outcome::Committed => (BLUE, "none"),
        Outcome::Refused => (RED, "4 3"),
        Outcome::Done => return dot(x, middle, GREY),
    };
    dot(x, middle, colour) + &arrow_to_store(x, middle, colour, dashes)
}

fn dot(x: usize, y: usize, colour: &str) -> String {
    format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"{colour}\"/>")
}

fn arrow_to_store(from: usize, y: usize, colour: &str, dashes: &str) -> String {
    let store = x(0);
    if from == store {
        return String::new();
    }
    let (tip, up, down) = (store + 9, y - 4, y + 4);
    format!(
        "<line x1=\"{from}\" y1=\"{y}\" x2=\"{tip}\" y2=\"{y}\" stroke=\"{colour}\" \
         stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"/>\
         <path d=\"M{store} {y}L{tip} {up}L{tip} {down}Z\" fill=\"{colour}\"/>"
    )
}

fn shortened(words: &str) -> String {
    if words.chars().count() <= LETTERS_MAX {
        return words.to_owned();
    }
    words.chars().take(LETTERS_MAX - 1).chain(['…']).collect()
}

/// A line where the steps begin that repeat for ever.
fn for_ever(story: &Story, width: usize) -> String {
    if story.repeats == 0 {
        return String::new();
    }
    let y = top(story.steps.len() - story.repeats);
    let bottom = top(story.steps.len());
    let right = width - 6;
    format!(
        "<path d=\"M6 {y}H{right}M6 {y}V{bottom}H{right}\" fill=\"none\" stroke=\"{PURPLE}\" \
         stroke-width=\"2\" stroke-dasharray=\"6 4\"/>\
         <text x=\"10\" y=\"{}\" fill=\"{PURPLE}\">↺ the steps inside repeat for ever</text>\n",
        bottom + 16
    )
}
