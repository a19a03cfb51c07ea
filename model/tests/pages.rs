//! A counterexample makes a page that needs nothing else.

use model::check::{self, Options};
use model::checker::progress::Progress;
use model::report::html::page;

const COMMAND: &str = "kanon check --scenario node --mutation k-59848";

#[test]
fn a_page_shows_every_lane_and_every_step() {
    let options = Options {
        scenario: Some("node".to_owned()),
        mutation: Some("k-59848".to_owned()),
        ..Options::default()
    };
    let report = check::run(&options, &mut Progress::silent()).unwrap();
    let (scenario, claim) = report.violations().next().unwrap();

    let page = page(scenario, claim, COMMAND);

    let story = claim.story.as_ref().unwrap();
    for lane in &story.start {
        assert!(page.contains(&lane.name), "{}", lane.name);
    }
    assert_eq!(page.matches("<tr id=\"step-").count(), story.steps.len());
    assert_eq!(page.matches("<g class=\"step\">").count(), story.steps.len());
    assert!(page.contains(&claim.id) && page.contains(COMMAND));
    for outside in ["<script src", "http"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<svg").count(), 1);
    assert_eq!(page.matches("</svg>").count(), 1);
}
