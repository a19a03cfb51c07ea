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

proptest! {
    #[test]
    fn counting_says_what_looking_at_each_pod_says(
        pod in drawn(),
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
