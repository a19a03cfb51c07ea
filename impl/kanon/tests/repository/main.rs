//! Rules about the repository that make its oracle an oracle.

mod official;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PURE: &[&str] =
    &["api", "cel", "store", "apiserver", "client", "scheduler", "controllers", "kubelet"];

/// Crates for waiting, networks, clocks and chance.
const EFFECTS: &[&str] = &[
    "async-std",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "uuid",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The normal dependencies of each package, as Cargo resolves them.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let name = |id: &Value| {
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let package = packages.into_iter().find(|package| package["id"] == *id);
        package.and_then(|package| package["name"].as_str()).unwrap_or_default().to_owned()
    };
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let normal = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    nodes
        .map(|node| {
            let dependencies = node["deps"].as_array().into_iter().flatten().filter(normal);
            (name(&node["id"]), dependencies.map(|dependency| name(&dependency["pkg"])).collect())
        })
        .collect()
}

/// Everything that a package reaches.
fn reach(package: &str, dependencies: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![package.to_owned()];
    while let Some(package) = next.pop() {
        for dependency in dependencies.get(&package).into_iter().flatten() {
            if reached.insert(dependency.clone()) {
                next.push(dependency.clone());
            }
        }
    }
    reached
}

/// All source files, each with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = vec![];
    let mut folders = vec![root().join("impl"), root().join("model"), root().join("conformance")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file is text");
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn a_pure_crate_reaches_no_waiting_network_clock_or_chance() {
    let dependencies = dependencies();

    for package in PURE {
        let reached = reach(package, &dependencies);
        let effects: Vec<_> = EFFECTS.iter().filter(|name| reached.contains(**name)).collect();

        assert!(reached.len() > 1, "{package} is not found");
        assert!(effects.is_empty(), "{package} reaches {effects:?}");
    }
}

#[test]
fn the_model_depends_on_none_of_our_crates() {
    let dependencies = dependencies();
    let ours = ["conformance", "etcd", "host", "kanon", "node"].iter().chain(PURE);

    let reached = reach("model", &dependencies);

    assert!(reached.contains("stateright"));
    let known: Vec<_> = ours.filter(|name| reached.contains(**name)).collect();
    assert!(known.is_empty(), "model reaches {known:?}");
}

#[test]
fn cores_do_not_talk_to_each_other_and_the_store_knows_no_kind() {
    let dependencies = dependencies();

    for (package, strangers) in [
        ("scheduler", &["apiserver", "controllers", "kubelet", "store"][..]),
        ("controllers", &["apiserver", "kubelet", "scheduler", "store"]),
        ("kubelet", &["apiserver", "controllers", "scheduler", "store"]),
        ("store", &["api", "k8s-openapi"]),
        ("apiserver", &["controllers", "kubelet", "scheduler", "host"]),
    ] {
        let reached = reach(package, &dependencies);
        let met: Vec<_> = strangers.iter().filter(|name| reached.contains(**name)).collect();

        assert!(met.is_empty(), "{package} reaches {met:?}");
    }
}

#[test]
fn every_source_file_says_first_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not begin with //!", path.display());
    }
}

#[test]
fn cores_never_read_a_clock() {
    let clocks = ["Instant::now", "SystemTime::now", "Timestamp::now", "HashMap", "HashSet"];

    for (path, text) in sources() {
        let parts: Vec<_> = path.components().map(|part| part.as_os_str()).collect();
        let of_core =
            |pair: &[&OsStr]| PURE.iter().any(|name| pair[0] == *name) && pair[1] == "src";
        let is_core = parts.windows(2).any(of_core);
        let found: Vec<_> = clocks.iter().filter(|clock| text.contains(**clock)).collect();

        assert!(!is_core || found.is_empty(), "{} has {found:?}", path.display());
    }
}

#[test]
fn only_the_crate_that_runs_containers_is_unsafe() {
    for (path, text) in sources() {
        let is_node = path.components().any(|part| part.as_os_str() == "node");
        let is_unsafe = text.lines().any(|line| line.trim_start().starts_with("unsafe "));

        assert!(is_node || !is_unsafe, "{} is unsafe", path.display());
    }
}
