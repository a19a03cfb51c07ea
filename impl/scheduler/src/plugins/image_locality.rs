//! ImageLocality: a node that has a pod's images is better, the more so the more nodes have them.
//!
//! Source: framework/plugins/imagelocality (v1.36).

use std::borrow::Cow;

use k8s_openapi::api::core::v1::PodSpec;

use crate::cycle::Cycle;
use crate::framework::{Plugin, SCORE_MAX, Score};
use crate::node_info::NodeInfo;
use crate::scoring::Scoring;
use crate::snapshot::Snapshot;

/// Images that are smaller than this in all count nothing.
const THRESHOLD_MIN: i64 = 23 << 20;
/// More than this for each container counts no more.
const THRESHOLD_MAX_PER_CONTAINER: i64 = 1000 << 20;

/// Compares the images of nodes with those of a pod.
#[derive(Clone, Copy, Debug)]
pub struct ImageLocality;

impl Plugin for ImageLocality {
    fn name(&self) -> &'static str {
        "ImageLocality"
    }
}

impl Score for ImageLocality {
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let Some(spec) = scoring.cycle.pod.spec() else { return 0 };
        let snapshot = &scoring.cycle.cluster.snapshot;
        let present = images(spec).map(|image| present(snapshot, node, &normalized(image))).sum();
        let containers = spec.init_containers.iter().flatten().count() + spec.containers.len();
        priority(present, i64::try_from(containers).unwrap_or(i64::MAX))
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        let Some(spec) = cycle.pod.spec() else { return true };
        images(spec).all(|image| cycle.cluster.snapshot.image(&normalized(image)).is_none())
    }
}

/// The images of a pod, each as often as it is used.
fn images(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
    let volumes = spec.volumes.iter().flatten().filter_map(|volume| volume.image.as_ref());
    let of_volumes = volumes.filter_map(|image| image.reference.as_deref());
    containers.filter_map(|container| container.image.as_deref()).chain(of_volumes)
}

/// The bytes of an image that a node has, times the share of nodes that have it.
fn present(snapshot: &Snapshot, node: &NodeInfo, image: &str) -> i64 {
    let Some(found) = snapshot.image(image) else { return 0 };
    if !found.nodes.contains(node.name()) {
        return 0;
    }
    let share = found.nodes.len() as f64 / snapshot.nodes_len() as f64;
    (found.size_bytes as f64 * share) as i64
}

fn priority(present: i64, containers: i64) -> i64 {
    let most = THRESHOLD_MAX_PER_CONTAINER.saturating_mul(containers).max(THRESHOLD_MIN + 1);
    let counted = present.clamp(THRESHOLD_MIN, most);
    SCORE_MAX * (counted - THRESHOLD_MIN) / (most - THRESHOLD_MIN)
}

/// The name of an image with its tag.
fn normalized(name: &str) -> Cow<'_, str> {
    let has_tag = name.rfind(':') > name.rfind('/');
    if has_tag { name.into() } else { format!("{name}:latest").into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::Cluster;
    use crate::testing::{node, pod_info, scores_of_all};

    fn images_of(images: &[(&str, i64)]) -> Value {
        let images: Vec<Value> =
            images.iter().map(|(name, size)| json!({"names": [name], "sizeBytes": size})).collect();
        json!({"status": {"images": images}})
    }

    /// The nodes of upstream's own table: one with 300 MiB that only it has, one with 40 MiB.
    fn cluster() -> Cluster {
        let mut cluster = Cluster::default();
        let first = images_of(&[("gcr.io/40:latest", 40 << 20), ("gcr.io/300:latest", 300 << 20)]);
        let second = images_of(&[("gcr.io/250:latest", 250 << 20), ("gcr.io/10:latest", 10 << 20)]);
        cluster.snapshot.set_node(node("a", first));
        cluster.snapshot.set_node(node("b", second));
        cluster
    }

    fn scores(images: &[&str]) -> Vec<i64> {
        let containers: Vec<Value> =
            images.iter().map(|image| json!({"name": "c", "image": image})).collect();
        let pod = pod_info(json!({"containers": containers}));
        scores_of_all(&ImageLocality, &pod, &cluster())
    }

    /// Source: `TestImageLocalityPriority` (v1.36): a sum is halved because one of two nodes has the image.
    #[test]
    fn images_count_by_their_size_and_spread() {
        let cases = [
            (["gcr.io/40", "gcr.io/250"], [0, 5]),
            (["gcr.io/40", "gcr.io/300"], [7, 0]),
            (["gcr.io/10", "gcr.io/none"], [0, 0]),
        ];

        for (images, expected) in cases {
            assert_eq!(scores(&images), expected, "{images:?}");
        }
    }

    proptest! {
        /// The rule said once more, in whole numbers: every container's image is looked for on every node.
        #[test]
        fn nodes_score_by_what_each_container_finds_there(
            nodes in proptest::collection::vec([any::<bool>(), any::<bool>(), any::<bool>()], 1..5),
            sizes in [0..3000_i64, 0..3000_i64, 0..3000_i64],
            used in proptest::collection::vec(0..3_usize, 1..4),
        ) {
            let name = |image: usize| format!("image-{image}:latest");
            let mut cluster = Cluster::default();
            for (number, has) in nodes.iter().enumerate() {
                let found = (0..3).filter(|image| has[*image]);
                let images: Vec<(String, i64)> =
                    found.map(|image| (name(image), sizes[image] << 20)).collect();
                let images: Vec<(&str, i64)> =
                    images.iter().map(|(name, size)| (name.as_str(), *size)).collect();
                cluster.snapshot.set_node(node(&number.to_string(), images_of(&images)));
            }
            let containers: Vec<Value> =
                used.iter().map(|image| json!({"name": "c", "image": name(*image)})).collect();
            let pod = pod_info(json!({"containers": containers}));
            let all = i64::try_from(nodes.len()).unwrap();

            for (has, score) in nodes.iter().zip(scores_of_all(&ImageLocality, &pod, &cluster)) {
                let mut sum = 0;
                for image in used.iter().filter(|image| has[**image]) {
                    let having = nodes.iter().filter(|has| has[*image]).count();
                    sum += (sizes[*image] << 20) * i64::try_from(having).unwrap() / all;
                }
                let most = i64::try_from(used.len()).unwrap() * (1000 << 20);
                let counted = sum.clamp(23 << 20, most) - (23 << 20);
                let expected = 100 * counted / (most - (23 << 20));
                prop_assert!((score - expected).abs() <= 1, "{} {}", score, expected);
            }
        }
    }

    #[test]
    fn a_name_without_a_tag_means_the_latest() {
        let cases = [
            ("a", "a:latest"),
            ("a:1", "a:1"),
            ("host:5000/a", "host:5000/a:latest"),
            ("host:5000/a:1", "host:5000/a:1"),
        ];

        for (name, expected) in cases {
            assert_eq!(normalized(name), expected);
        }
    }

    #[test]
    fn a_node_that_has_everything_scores_a_hundred() {
        assert_eq!((priority(1 << 40, 2), priority(THRESHOLD_MIN, 1)), (100, 0));
    }
}
