//! The claims of `specs/leader-election.md` hold of the real candidates in every order, and break with a fault.

use conformance::exhaustive::election::{Budgets, Election, ElectionFault, Held};

/// Nothing fails, and somebody waits for an answer while a Lease lasts.
const SLOW: Election = storm(4, Budgets { slow_seconds: 3, ..NOTHING });
/// A request is lost, or its answer, or its sender waits no longer.
const LOSSES: Election = storm(3, Budgets { losses: 1, slow_seconds: 1, ..NOTHING });
/// A replica crashes.
const CRASH: Election = storm(3, Budgets { crashes: 1, slow_seconds: 1, ..NOTHING });
/// A clock runs ahead.
const SKEW: Election = storm(4, Budgets { skew_seconds: 1, slow_seconds: 1, ..NOTHING });

const NOTHING: Budgets = Budgets { losses: 0, crashes: 0, skew_seconds: 0, slow_seconds: 0 };

const fn storm(stormy_seconds: i64, budgets: Budgets) -> Election {
    Election { replicas: 2, budgets, stormy_seconds, fault: ElectionFault::Nothing }
}

#[test]
fn one_leads_at_a_time_however_slow_the_answers() {
    holds(SLOW, 21_924);
}

#[test]
fn one_leads_at_a_time_whatever_is_lost() {
    holds(LOSSES, 11_579);
}

#[test]
fn one_leads_at_a_time_whoever_crashes() {
    holds(CRASH, 16_002);
}

#[test]
fn one_leads_at_a_time_though_a_clock_runs_ahead() {
    holds(SKEW, 11_930);
}

#[test]
fn one_of_three_leads_at_a_time() {
    holds(Election { replicas: 3, ..storm(5, NOTHING) }, 5_004);
}

/// The claim says by how much clocks may run apart: here it is more.
#[test]
fn two_lead_where_clocks_run_too_far_apart() {
    let budgets = Budgets { skew_seconds: 3, slow_seconds: 1, ..NOTHING };
    breaks("ELECTION-1", storm(5, budgets), ElectionFault::Nothing);
}

#[test]
fn a_leader_that_nobody_tells_acts_beside_the_next() {
    breaks("ELECTION-1", SLOW, ElectionFault::NobodyIsTold);
}

#[test]
fn a_takeover_that_compares_no_revision_takes_what_was_renewed() {
    breaks("ELECTION-2", SLOW, ElectionFault::ConcurrentTakeover);
}

#[test]
fn nobody_leads_where_a_silent_lease_stays() {
    breaks("ELECTION-4", CRASH, ElectionFault::SilentLeaseStays);
}

#[test]
fn the_page_of_planted_faults_names_every_fault_with_the_claim_that_it_breaks() {
    let page = include_str!("../../docs/planted-faults.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("- `election-")).collect();
    let named = ElectionFault::ALL.map(|fault| format!("- `{}`", fault.name()));

    assert_eq!(rows.len(), named.len());
    assert!(rows.iter().zip(&named).all(|(row, name)| row.starts_with(name)), "{rows:?}");
}

fn holds(election: Election, states: usize) {
    let held = election.check();

    assert!(held.broken.is_empty(), "{held:?}");
    assert_eq!(held.states, states);
}

fn breaks(claim: &str, election: Election, fault: ElectionFault) {
    let Held { broken, .. } = Election { fault, ..election }.check();

    assert!(broken.iter().any(|(found, _)| *found == claim), "{broken:?}");
}
