//! Who is due, and when.

use super::*;

#[test]
fn higher_priority_goes_first_then_first_come() {
    let mut queue = queue();
    for (name, priority) in [("a", 0), ("b", 0), ("c", 9)] {
        queue.add(&Key::cluster(name), priority);
    }

    let order: Vec<String> = std::iter::from_fn(|| queue.pop(at(0))).map(|key| key.name).collect();

    assert_eq!(order, ["c", "a", "b"]);
}

#[test]
fn an_unschedulable_pod_waits_for_a_change_and_its_backoff() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    assert_eq!(queue.pop(at(12)), None);

    queue.move_if(at(12), |_, _| true);

    assert_eq!(queue.pop(at(12)), Some(key()));
}

#[test]
fn a_change_that_does_not_help_wakes_only_those_that_no_plugin_was_against() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.move_if(at(12), |_, _| false);
    assert_eq!(queue.pop(at(12)), None);

    queue.add_unschedulable(&key(), BTreeSet::new(), at(12));
    queue.move_if(at(20), |_, _| false);

    assert_eq!(queue.pop(at(20)), Some(key()));
}

#[test]
fn a_pod_for_which_room_is_being_made_waits_until_that_is_done() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.begin_preemption(&key());
    queue.move_if(at(20), |_, _| true);
    queue.add(&key(), 0);
    assert_eq!(queue.pop(at(900)), None);

    queue.end_preemption(&key(), false, at(900));

    assert_eq!(queue.pop(at(900)), Some(key()));
}

#[test]
fn a_pod_for_which_room_was_made_waits_for_the_change() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.begin_preemption(&key());
    queue.end_preemption(&key(), false, at(20));
    assert_eq!(queue.pop(at(20)), None);

    queue.move_if(at(21), |_, _| true);

    assert_eq!(queue.pop(at(21)), Some(key()));
}

#[test]
fn a_pod_for_which_no_room_could_be_made_is_tried_again() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.begin_preemption(&key());

    queue.end_preemption(&key(), true, at(20));

    assert_eq!(queue.pop(at(20)), Some(key()));
}

#[test]
fn a_pod_that_is_gone_is_not_waited_for() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.begin_preemption(&key());

    queue.remove(&key());
    queue.end_preemption(&key(), true, at(20));

    assert_eq!((queue.pop(at(900)), queue.contains(&key())), (None, false));
}

#[test]
fn a_pod_that_backs_off_is_tried_early_when_no_other_is_due() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.move_if(at(10), |_, _| true);
    queue.add(&Key::cluster("other"), -1);

    assert_eq!(queue.pop(at(10)), Some(Key::cluster("other")));
    assert_eq!(queue.next_deadline(at(10)), Some(at(10)));
    assert_eq!(queue.pop(at(10)), Some(key()));
    assert_eq!(queue.pop(at(900)), None);
}

#[test]
fn a_pod_is_not_tried_early_before_what_was_said_of_it_is_written() {
    let mut queue = popped();
    queue.begin_report(&key());
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.move_if(at(10), |_, _| true);
    queue.begin_report(&key());
    queue.end_report(&key());
    assert_eq!(queue.next_deadline(at(10)), Some(at(11)));
    assert_eq!(queue.pop(at(10)), None);

    queue.end_report(&key());

    assert_eq!(queue.next_deadline(at(10)), Some(at(10)));
    assert_eq!(queue.pop(at(10)), Some(key()));
}

#[test]
fn those_whose_backoff_ends_in_the_same_second_are_tried_early_by_priority() {
    let mut queue = queue();
    for (name, priority) in [("a", 0), ("b", 9), ("c", 9)] {
        queue.add(&Key::cluster(name), priority);
    }
    while queue.pop(at(9)).is_some() {}
    let half = Duration::from_millis(500);
    for (name, when) in [("a", at(10)), ("b", at(10) + half), ("c", at(11))] {
        queue.add_unschedulable(&Key::cluster(name), rejected(), when);
    }

    queue.move_if(at(10), |_, _| true);

    let order: Vec<String> = std::iter::from_fn(|| queue.pop(at(10))).map(|key| key.name).collect();
    assert_eq!(order, ["b", "a", "c"]);
}

#[test]
fn after_an_error_a_pod_is_not_tried_early() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));
    queue.move_if(at(10), |_, _| true);
    queue.pop(at(10));

    queue.add_failed(&key(), at(10));

    assert_eq!(queue.next_deadline(at(10)), Some(at(12)));
    assert_eq!(queue.pop(at(10)), None);
    assert_eq!(queue.pop(at(12)), Some(key()));
}

#[test]
fn an_unschedulable_pod_is_tried_again_after_five_minutes() {
    let mut queue = popped();
    queue.add_unschedulable(&key(), rejected(), at(10));

    assert_eq!(queue.next_deadline(at(10)), Some(at(310)));
    assert_eq!(queue.pop(at(310)), Some(key()));
}

#[test]
fn the_backoff_doubles_up_to_ten_seconds() {
    let seconds: Vec<u64> = (1..=6).map(|attempts| queue().backoff(attempts).as_secs()).collect();

    assert_eq!(seconds, [1, 2, 4, 8, 10, 10]);
}

#[test]
fn each_pod_that_waits_is_counted_where_it_does() {
    let named = |name: &str| Key::new("default", name);
    let mut queue = queue();
    for name in ["a", "b", "c", "d", "e"] {
        queue.add(&named(name), 0);
    }
    for _ in 0..4 {
        queue.pop(at(0));
    }
    queue.add_unschedulable(&named("a"), rejected(), at(0));
    queue.add_failed(&named("b"), at(0));
    queue.keep_out(&named("c"), "SchedulingGates", at(0));
    queue.add_unschedulable(&named("d"), rejected(), at(0));
    queue.begin_preemption(&named("d"));

    let pending = queue.pending();
    queue.remove(&named("c"));

    assert_eq!(pending, Pending { active: 1, backoff: 1, gated: 2, unschedulable: 1 });
    assert_eq!(queue.pending(), Pending { gated: 1, ..pending });
}

fn popped() -> Queue {
    let mut queue = queue();
    queue.add(&key(), 0);
    queue.pop(at(0));
    queue
}

fn rejected() -> BTreeSet<&'static str> {
    BTreeSet::from(["NodeResourcesFit"])
}

fn key() -> Key {
    Key::new("default", "web")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn queue() -> Queue {
    Queue::new(Duration::from_secs(1), Duration::from_secs(10))
}
