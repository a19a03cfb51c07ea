//! Pods of the node's own files, with their mirrors.

use serde_json::{Value, json};

use crate::bench::Bench;

/// What a file says.
fn file(image: &str) -> Value {
    json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "main", "image": image}]}})
}

/// The container of the static pod that runs.
fn running(bench: &Bench) -> Vec<String> {
    let started = bench.commands.iter().filter_map(|command| {
        use kubelet::runtime::RuntimeCommand::StartContainer;
        if let StartContainer(spec) = command { Some(spec.id.to_string()) } else { None }
    });
    started.filter(|id| bench.is_running(id)).collect()
}

fn annotation(pod: &Value, name: &str) -> Value {
    pod["metadata"]["annotations"][format!("kubernetes.io/config.{name}")].clone()
}

#[test]
fn a_pod_of_a_file_runs_and_its_mirror_says_so() {
    let mut bench = Bench::new();

    bench.read_files(&[file("a")]);

    let mirror = bench.pod("web-node-1").unwrap();
    assert_eq!(mirror["spec"]["nodeName"], "node-1");
    assert_eq!(
        (annotation(&mirror, "source"), mirror["status"]["phase"].clone()),
        (json!("file"), json!("Running"))
    );
    assert_eq!(annotation(&mirror, "mirror"), annotation(&mirror, "hash"));
    assert_eq!(mirror["metadata"]["ownerReferences"][0]["name"], "node-1");
    assert_eq!(running(&bench).len(), 1);
}

#[test]
fn a_mirror_that_is_deleted_comes_again_and_its_pod_runs_on() {
    let mut bench = Bench::new();
    bench.read_files(&[file("a")]);
    let before = running(&bench);

    bench.delete_pod("web-node-1", 30);

    assert!(bench.pod("web-node-1").unwrap()["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(bench.status("web-node-1")["phase"], "Running");
    assert_eq!((running(&bench), bench.stops()), (before, vec![]));
}

#[test]
fn another_file_is_another_pod_once_the_last_has_ended() {
    let mut bench = Bench::new();
    bench.read_files(&[file("a")]);
    let first = running(&bench)[0].clone();
    let hash = annotation(&bench.pod("web-node-1").unwrap(), "mirror");

    bench.read_files(&[file("b")]);
    let meanwhile = running(&bench);
    bench.exit(&first, 0);

    assert_eq!(meanwhile, std::slice::from_ref(&first));
    assert_eq!(running(&bench).len(), 1);
    assert_ne!(running(&bench), [first]);
    assert_ne!(annotation(&bench.pod("web-node-1").unwrap(), "mirror"), hash);
}

#[test]
fn without_its_file_a_pod_ends_and_its_mirror_goes() {
    let mut bench = Bench::new();
    bench.read_files(&[file("a")]);
    let id = running(&bench)[0].clone();

    bench.read_files(&[]);
    let meanwhile = bench.pod("web-node-1").is_some();
    bench.exit(&id, 0);

    assert!(meanwhile);
    assert_eq!(bench.pod("web-node-1"), None);
}

#[test]
fn a_kubelet_that_starts_again_finds_its_static_pods_running() {
    let mut bench = Bench::new();
    bench.read_files(&[file("a")]);
    let before = running(&bench);

    bench.pass(1);
    bench.restart_unlisted();
    bench.read_files(&[file("a")]);
    bench.list();

    assert_eq!((running(&bench), bench.stops()), (before, vec![]));
    assert_eq!(bench.started_count(), 1);
}
