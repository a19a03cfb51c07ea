//! The rule said once more, slowly: every domain is counted again for every node.

use proptest::prelude::*;

use super::*;

/// A constraint of a generated pod: by which key, how evenly, and over how many domains at least.
#[derive(Clone, Debug)]
struct Drawn {
    key: usize,
    max_skew: i64,
    min_domains: i64,
}

const KEYS: [&str; 2] = ["zone", "rack"];

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let one = (0..KEYS.len(), 1..3_i64, 1..4_i64);
    let one = one.prop_map(|(key, max_skew, min_domains)| Drawn { key, max_skew, min_domains });
    proptest::collection::vec(one, 1..3)
}

/// The labels of a node, 0 for none, and how many pods it has: those that are alike, and others.
type DrawnNode = ([usize; 2], usize, usize);

fn is_feasible(
    constraints: &[Drawn],
    is_alike: bool,
    here: &DrawnNode,
    nodes: &[DrawnNode],
) -> bool {
    let keys: Vec<usize> = constraints.iter().map(|constraint| constraint.key).collect();
    let eligible: Vec<&DrawnNode> =
        nodes.iter().filter(|(labels, ..)| keys.iter().all(|key| labels[*key] != 0)).collect();
    constraints.iter().all(|Drawn { key, max_skew, min_domains }| {
        let pods_of = |domain: usize| -> i64 {
            let of_domain = eligible.iter().filter(|(labels, ..)| labels[*key] == domain);
            of_domain.map(|(_, alike, _)| i64::try_from(*alike).unwrap()).sum()
        };
        let mut domains: Vec<usize> = eligible.iter().map(|(labels, ..)| labels[*key]).collect();
        domains.sort_unstable();
        domains.dedup();
        let is_enough = i64::try_from(domains.len()).unwrap() >= *min_domains;
        let least = domains.iter().map(|domain| pods_of(*domain)).min();
        let least = least.filter(|_| is_enough).unwrap_or(0);
        let here = here.0[*key];
        here != 0 && pods_of(here) + i64::from(is_alike) - least <= *max_skew
    })
}

proptest! {
    #[test]
    fn counting_once_says_what_counting_for_each_node_says(
        constraints in drawn(),
        is_alike in any::<bool>(),
        is_tracked in any::<bool>(),
        nodes in proptest::collection::vec(([0..3_usize, 0..3_usize], 0..3_usize, 0..2_usize), 1..6),
    ) {
        let mut cluster = Cluster::default();
        for (number, (values, alike, others)) in nodes.iter().enumerate() {
            let name = number.to_string();
            let mut labels = json!({});
            for (key, value) in KEYS.iter().zip(values).filter(|(_, value)| **value != 0) {
                labels[*key] = json!(value.to_string());
            }
            cluster.snapshot.set_node(node(&name, json!({"metadata": {"labels": labels}})));
            for (kind, count, labels) in [("alike", alike, json!({"foo": ""})), ("other", others, json!({}))] {
                for index in 0..*count {
                    let pod = labelled(&format!("{kind}-{name}-{index}"), labels.clone(), json!({}));
                    cluster.snapshot.add_pod(pod, &name);
                }
            }
        }
        let made: Vec<Value> = constraints.iter().map(|Drawn { key, max_skew, min_domains }| {
            let mut made = with(zones(*max_skew), "topologyKey", json!(KEYS[*key]));
            made["minDomains"] = json!(min_domains);
            made
        }).collect();
        let labels = if is_alike { json!({"foo": ""}) } else { json!({}) };
        let pod = labelled("web", labels, json!({"topologySpreadConstraints": made}));
        if is_tracked {
            cluster.snapshot.track_wishes(&pod);
        }
        let cycle = crate::testing::cycle(&pod, &cluster).unwrap();

        for (here, info) in nodes.iter().zip(cluster.snapshot.nodes()) {
            let found = PodTopologySpread::default().filter(&cycle, info) == Verdict::Feasible;
            prop_assert_eq!(found, is_feasible(&constraints, is_alike, here, &nodes));
        }
    }
}
