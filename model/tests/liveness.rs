//! The fair-cycle search, on machines of a few states.

use model::cause::Cause;
use model::checker::graph::Graph;
use model::checker::limits::Limits;
use model::checker::liveness::fair_run_without;
use model::checker::progress::Progress;
use model::slice::{Checked, Claim, Fact, Fault, Lane, Slice};
use serde::Serialize;

#[test]
fn a_cycle_that_always_leaves_out_a_possible_action_is_not_fair() {
    let toy = Toy(&[(0, 'a', 1), (1, 'b', 0), (0, 'g', 2), (1, 'g', 2)]);

    assert_eq!(failure(toy), None);
}

#[test]
fn a_cycle_on_which_the_goals_action_is_possible_only_now_and_then_is_fair() {
    let toy = Toy(&[(0, 'a', 1), (1, 'b', 0), (0, 'g', 2)]);

    assert_eq!(failure(toy), Some("ab".to_owned()));
}

#[test]
fn a_sink_without_the_goal_is_a_failure() {
    let toy = Toy(&[(0, 'a', 1), (0, 'g', 2)]);

    assert_eq!(failure(toy), Some(String::new()));
}

#[test]
fn a_cycle_through_the_goal_is_none() {
    let toy = Toy(&[(0, 'a', 1), (1, 'g', 2), (2, 'b', 0)]);

    assert_eq!(failure(toy), None);
}

#[test]
fn a_fault_keeps_no_cycle_alive() {
    let toy = Toy(&[(0, 'a', 1), (1, 'F', 0), (1, 'g', 2)]);

    assert_eq!(failure(toy), None);
}

/// Edges between numbered states; state 2 is the goal, capital letters are faults.
#[derive(Clone, Copy)]
struct Toy(&'static [(u8, char, u8)]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Taken(char);

impl Slice for Toy {
    type State = u8;
    type Action = Taken;

    fn initial(&self) -> u8 {
        0
    }

    fn candidates(&self) -> Vec<Taken> {
        ['a', 'b', 'g', 'F'].map(Taken).to_vec()
    }

    fn step(&self, state: &u8, Taken(action): Taken) -> Option<u8> {
        let edge = self.0.iter().find(|(from, by, _)| from == state && *by == action)?;
        Some(edge.2)
    }

    fn cause(&self, Taken(action): Taken) -> Cause {
        match action.is_uppercase() {
            true => Cause::Fault(Fault::Crash),
            false => Cause::Duty,
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        vec![Claim { id: "TOY-1", fact: Fact::Eventually(goal) }]
    }

    fn describe(&self, _: &u8, Taken(action): Taken, _: &u8) -> String {
        action.to_string()
    }

    fn actor(&self, _: Taken) -> String {
        "toy".to_owned()
    }

    fn lanes(&self, state: &u8) -> Vec<Lane> {
        vec![Lane { name: "toy".to_owned(), holds: state.to_string(), behind: None }]
    }
}

fn goal(_: &Toy, state: &u8) -> bool {
    *state == 2
}

/// The actions of the cycle on which the toy never reaches its goal, if it has one.
fn failure(toy: Toy) -> Option<String> {
    let graph = Graph::explore(Checked::new(toy), false, &Limits::NONE, &mut Progress::silent());
    let lasso = fair_run_without(&graph, goal)?;
    Some(lasso.cycle.iter().map(|step| step.1.0).collect())
}
