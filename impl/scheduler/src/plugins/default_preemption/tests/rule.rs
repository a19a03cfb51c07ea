//! The rule said once more, slowly: of every node, every set of pods that could go is looked at.

use proptest::prelude::*;

use super::*;

/// The cpu of a node, in fifths.
const FIFTHS: u32 = 5;

/// A pod: its priority and how many fifths of a node it takes.
type Drawn = (i32, u32);

fn takes(fifths: u32) -> String {
    format!("{}m", fifths * 400)
}

/// The pods that go from a node, by their place: the least important by as little as must be. Greedy by importance:
/// of two sets, the one that keeps the most important pod in which they differ.
fn victims(priority: i32, wanted: u32, pods: &[Drawn]) -> Option<Vec<usize>> {
    let taken: u32 = pods.iter().map(|(_, fifths)| fifths).sum();
    if taken + wanted <= FIFTHS {
        return None;
    }
    let mut order: Vec<usize> = (0..pods.len()).collect();
    order.sort_by_key(|index| (Reverse(pods[*index].0), *index));
    let fits = |set: u32| {
        let stays = |index: &usize| set & (1 << index) == 0;
        let stay: u32 = (0..pods.len()).filter(stays).map(|index| pods[index].1).sum();
        stay + wanted <= FIFTHS
    };
    let may_go =
        |set: u32| (0..pods.len()).all(|index| set & (1 << index) == 0 || pods[index].0 < priority);
    let sets = (0..1_u32 << pods.len()).filter(|set| fits(*set) && may_go(*set));
    let going = |set: &u32| order.iter().map(|index| set & (1 << index) != 0).collect::<Vec<_>>();
    let best = sets.min_by_key(going)?;
    Some(order.into_iter().filter(|index| best & (1 << index) != 0).collect())
}

proptest! {
    #[test]
    fn sparing_one_by_one_says_what_looking_at_every_set_says(
        priority in 0..4_i32,
        wanted in 1..=FIFTHS,
        nodes in proptest::collection::vec(proptest::collection::vec((0..4_i32, 1..3_u32), 0..5), 1..4),
    ) {
        let names: Vec<String> = (0..nodes.len()).map(|number| format!("node-{number}")).collect();
        let mut all = cluster(&names.iter().map(String::as_str).collect::<Vec<_>>(), vec![]);
        for (name, pods) in names.iter().zip(&nodes) {
            for (index, (priority, fifths)) in pods.iter().enumerate() {
                all.snapshot.add_pod(pod(&format!("{name}-{index}"), *priority, &takes(*fifths)), name);
            }
        }
        let web = pod("web", priority, &takes(wanted));
        let cycle = crate::testing::cycle(&web, &all).unwrap();
        prop_assume!(all.snapshot.nodes().all(|node| cycle.rejection(node).is_some()));

        let mut best: Option<(Option<i32>, i64, usize, String)> = None;
        for (name, pods) in names.iter().zip(&nodes) {
            let Some(going) = victims(priority, wanted, pods).filter(|going| !going.is_empty()) else {
                continue;
            };
            let priorities = going.iter().map(|index| pods[*index].0);
            let sum = priorities.clone().map(|priority| i64::from(priority) + (1 << 31)).sum();
            let named: Vec<String> = going.iter().map(|index| format!("{name}-{index}")).collect();
            let harm = (priorities.max(), sum, going.len());
            let found = (harm.0, harm.1, harm.2, format!("{name}: {}", named.join(" ")));
            if best.as_ref().is_none_or(|best| harm < (best.0, best.1, best.2)) {
                best = Some(found);
            }
        }

        let found = found(&all, &web);
        match best {
            Some((.., expected)) => prop_assert_eq!(found, expected),
            None => prop_assert!(found.starts_with("0/"), "{}", found),
        }
    }
}
