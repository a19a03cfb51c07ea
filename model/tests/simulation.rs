//! Random walks find what is wrong, and claim nothing that they cannot know.

use model::checker::walk::{Simulation, Walks, simulate};
use model::scenarios::{self, Visitor};
use model::slice::{Checked, Kind, Size, Slice};

const WALKS: Walks = Walks { seed: 7, walks: 300, steps_max: 200 };

#[test]
fn the_same_seed_gives_the_same_walks() {
    let twice = [walk("scheduling", None, WALKS), walk("scheduling", None, WALKS)];
    let other = walk("scheduling", None, Walks { seed: 8, ..WALKS });

    assert_eq!(twice[0].text, twice[1].text);
    assert_ne!(twice[0].text, other.text);
}

#[test]
fn a_second_binding_is_found_by_walks() {
    let walked = walk("scheduling", Some("binding-overwrites-node-name"), WALKS);

    assert!(walked.found.contains(&("POD-1".to_owned(), Kind::Safety)), "{:?}", walked.found);
    assert!(walked.violated);
    assert!(walked.walks < WALKS.walks, "the walk that violates a claim is the last");
}

#[test]
fn walks_of_a_correct_model_violate_nothing_and_decide_no_liveness() {
    for name in scenarios::names() {
        let walked = walk(name, None, Walks { walks: 30, ..WALKS });

        let others = walked.found.iter().find(|(_, kind)| *kind != Kind::Reachability);
        assert_eq!(others, None, "{name}");
        assert!(!walked.violated, "{name}");
        assert_eq!(walked.walks, 30, "{name}");
        assert!(walked.are_runs, "{name}");
    }
}

#[test]
fn walks_reach_what_can_be_reached() {
    let names = scenarios::names();
    let mut found = names.iter().flat_map(|name| walk(name, None, WALKS).found);

    assert!(found.any(|(_, kind)| kind == Kind::Reachability));
}

#[test]
fn no_steps_are_taken_where_none_may_be() {
    let walked = walk("scheduling", None, Walks { steps_max: 0, ..WALKS });

    assert_eq!((walked.walks, walked.steps), (WALKS.walks, 0));
}

fn walk(scenario: &str, mutation: Option<&str>, how: Walks) -> Walked {
    scenarios::with(scenario, &Size::default(), mutation, Walking(how))
        .expect("the scenario exists")
}

struct Walking(Walks);

struct Walked {
    walks: u64,
    steps: u64,
    violated: bool,
    found: Vec<(String, Kind)>,
    /// Whether each run that was found begins at the start and goes on where it was.
    are_runs: bool,
    text: String,
}

impl Visitor for Walking {
    type Result = Walked;

    fn visit<S: Slice>(self, model: Checked<S>) -> Walked {
        let simulation = simulate(&model, &self.0);
        let claims = model.claims.iter().zip(&simulation.found);
        let found = claims.filter(|(_, run)| run.is_some());
        Walked {
            walks: simulation.walks,
            steps: simulation.steps,
            violated: simulation.violation(&model).is_some(),
            found: found.map(|(claim, _)| (claim.id.to_owned(), claim.fact.kind())).collect(),
            are_runs: are_runs(&model, &simulation),
            text: format!("{} {} {:?}", simulation.walks, simulation.steps, simulation.found),
        }
    }
}

fn are_runs<S: Slice>(model: &Checked<S>, simulation: &Simulation<S>) -> bool {
    simulation.found.iter().flatten().all(|run| {
        let mut state = model.slice.initial();
        run.iter().all(|(before, action, after)| {
            let goes_on = *before == state && model.slice.step(before, *action) == Some(*after);
            state = *after;
            goes_on
        })
    })
}
