//! The rule said once more, slowly: pod by pod, without counting.

use proptest::prelude::*;

use super::*;

const KEYS: [&str; 2] = ["zone", "rack"];

/// A pod of a generated cluster: its label, and whom it must be near to and far from, by which key.
#[derive(Clone, Debug)]
struct Drawn {
    app: usize,
    near: Vec<(usize, usize)>,
    far: Vec<(usize, usize)>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let terms = || proptest::collection::vec((0..3_usize, 0..KEYS.len()), 0..2);
    (0..3_usize, terms(), terms()).prop_map(|(app, near, far)| Drawn { app, near, far })
}

/// The labels of nodes: a value for each key, 0 for none.
fn nodes() -> impl Strategy<Value = Vec<[usize; 2]>> {
    proptest::collection::vec([0..3_usize, 0..3_usize], 1..5)
}

fn made(name: &str, drawn: &Drawn) -> PodInfo {
    let terms = |terms: &[(usize, usize)]| -> Value {
        let term = |(app, key): &(usize, usize)| {
            let labels = json!({"app": app.to_string()});
            json!({"topologyKey": KEYS[*key], "labelSelector": {"matchLabels": labels}})
        };
        json!({"requiredDuringSchedulingIgnoredDuringExecution": terms.iter().map(term).collect::<Vec<_>>()})
    };
    let affinity = json!({"podAffinity": terms(&drawn.near), "podAntiAffinity": terms(&drawn.far)});
    let spec = json!({"containers": [], "affinity": affinity});
    labelled(name, json!({"app": drawn.app.to_string()}), spec)
}

/// Whether two nodes have the same value of a label that both have.
fn same(one: [usize; 2], two: [usize; 2], key: usize) -> bool {
    one[key] != 0 && one[key] == two[key]
}

fn is_feasible(pod: &Drawn, here: [usize; 2], others: &[(Drawn, [usize; 2])]) -> bool {
    let is_meant = |other: &Drawn| pod.near.iter().all(|(app, _)| other.app == *app);
    let has_keys = |node: [usize; 2]| pod.near.iter().any(|(_, key)| node[*key] != 0);
    let nobody = !others.iter().any(|(other, there)| is_meant(other) && has_keys(*there));
    let near = pod.near.iter().all(|(_, key)| {
        let is_there =
            |(other, there): &(Drawn, [usize; 2])| is_meant(other) && same(here, *there, *key);
        others.iter().any(is_there) || (nobody && is_meant(pod) && here[*key] != 0)
    });
    let far = others.iter().all(|(other, there)| {
        let avoids = |(app, key): &(usize, usize)| other.app == *app && same(here, *there, *key);
        let is_avoided = |(app, key): &(usize, usize)| pod.app == *app && same(here, *there, *key);
        !pod.far.iter().any(avoids) && !other.far.iter().any(is_avoided)
    });
    near && far
}

/// What is generated as weights of terms: whom a pod would be near to, or far from where it is negative.
fn weighted() -> impl Strategy<Value = Vec<(usize, i64)>> {
    proptest::collection::vec((0..3_usize, -3..4_i64), 0..3)
}

/// A pod that would be near to or far from others, by their zone.
fn wishing(name: &str, app: usize, wishes: &[(usize, i64)]) -> PodInfo {
    let wish = |(app, weight): &(usize, i64)| {
        let term = term(&app.to_string());
        json!({"weight": weight.abs(), "podAffinityTerm": term})
    };
    let of_sign = |sign: i64| -> Value {
        let wishes = wishes.iter().filter(|(_, weight)| weight.signum() == sign).map(wish);
        json!({"preferredDuringSchedulingIgnoredDuringExecution": wishes.collect::<Vec<_>>()})
    };
    let affinity = json!({"podAffinity": of_sign(1), "podAntiAffinity": of_sign(-1)});
    pod(name, &app.to_string(), &affinity)
}

proptest! {
    #[test]
    fn weighing_once_says_what_weighing_for_each_node_says(
        app in 0..3_usize,
        wishes in weighted(),
        is_tracked in any::<bool>(),
        others in proptest::collection::vec((0..3_usize, weighted(), 0..3_usize), 0..5),
    ) {
        let mut cluster = cluster();
        if is_tracked {
            cluster.snapshot.track_wishes(&wishing("web", app, &wishes));
        }
        for (number, (app, wishes, at)) in others.iter().enumerate() {
            let other = wishing(&format!("other-{number}"), *app, wishes);
            cluster.snapshot.add_pod(other, ["a", "b", "c"][*at]);
        }
        let sum = |of: &[(usize, i64)], app: usize| -> i64 {
            of.iter().filter(|(wanted, _)| *wanted == app).map(|(_, weight)| weight).sum()
        };
        let raw: Vec<i64> = (0..3).map(|here| {
            let near = others.iter().filter(|(.., there)| *there == here && here != 2);
            near.map(|(other, theirs, _)| sum(&wishes, *other) + sum(theirs, app)).sum()
        }).collect();
        let (least, most) = (*raw.iter().min().unwrap(), *raw.iter().max().unwrap());
        let expected: Vec<i64> = raw.iter().map(|score| match most - least {
            0 => 0,
            span => 100 * (score - least) / span,
        }).collect();

        let found = scores_of_all(&InterPodAffinity::default(), &wishing("web", app, &wishes), &cluster);

        for (found, expected) in found.into_iter().zip(expected) {
            prop_assert!((found - expected).abs() <= 1, "{} {}", found, expected);
        }
    }

    #[test]
    fn counting_says_what_looking_at_each_pod_says(
        pod in drawn(),
        is_tracked in any::<bool>(),
        nodes in nodes(),
        others in proptest::collection::vec((drawn(), any::<proptest::sample::Index>()), 0..6),
    ) {
        let mut cluster = Cluster::default();
        for (number, values) in nodes.iter().enumerate() {
            let mut labels = json!({});
            for (key, value) in KEYS.iter().zip(values).filter(|(_, value)| **value != 0) {
                labels[*key] = json!(value.to_string());
            }
            let object = json!({"metadata": {"labels": labels}});
            cluster.snapshot.set_node(node(&number.to_string(), object));
        }
        if is_tracked {
            cluster.snapshot.track_wishes(&made("web", &pod));
        }
        let mut placed = vec![];
        for (number, (other, index)) in others.iter().enumerate() {
            let at = index.index(nodes.len());
            cluster.snapshot.add_pod(made(&format!("other-{number}"), other), &at.to_string());
            placed.push((other.clone(), nodes[at]));
        }

        let found = verdicts(&made("web", &pod), &cluster);

        for (here, verdict) in nodes.iter().zip(found) {
            prop_assert_eq!(verdict == Verdict::Feasible, is_feasible(&pod, *here, &placed));
        }
    }
}
