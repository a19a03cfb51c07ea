//! The bugs that Kubernetes and etcd had: each a mutation, with its shortest counterexample in a file.

use model::check::{self, Options};
use model::checker::progress::Progress;
use model::counterexample::Counterexample;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Bugs that Kubernetes and etcd had, by the numbers of their issues.
const BUGS: [&str; 45] = [
    "k-59848",
    "k-56261",
    "k-94437",
    "k-55587",
    "k-51313",
    "k-89552",
    "k-93938",
    "k-72122",
    "k-102790",
    "k-106884",
    "k-104560",
    "k-135296",
    "k-112814",
    "k-58711",
    "k-141473",
    "k-61832",
    "k-54096",
    "k-109429",
    "k-108645",
    "k-29735",
    "k-127429",
    "k-82149",
    "k-88097",
    "k-98040",
    "k-91073",
    "k-107133",
    "k-83520",
    "k-67998",
    "k-36891",
    "k-131421",
    "k-23731",
    "k-67651",
    "k-19209",
    "k-76703",
    "k-80475",
    "k-45346",
    "etcd-13766",
    "etcd-14370",
    "etcd-15220",
    "etcd-17529",
    "etcd-17780",
    "etcd-18089",
    "etcd-19179",
    "etcd-20221",
    "etcd-20418",
];

#[test]
fn every_bug_has_a_counterexample() {
    let files = files();
    let names: BTreeSet<_> = files.iter().filter_map(|path| path.file_stem()?.to_str()).collect();

    assert_eq!(names, BTreeSet::from(BUGS));
    for (path, counterexample) in read_all() {
        let mutation = counterexample.mutation.as_deref();
        assert_eq!(mutation, path.file_stem().and_then(|name| name.to_str()));
    }
}

#[test]
fn counterexamples_violate_their_claims_with_the_bug_and_part_without_it() {
    for (path, counterexample) in read_all() {
        let replayed = counterexample.replay().unwrap();

        assert_eq!(replayed.fails, None, "{}", path.display());
        assert!(replayed.parts.is_some(), "{}: {replayed}", path.display());
    }
}

#[test]
fn there_is_no_shorter_counterexample() {
    for (path, counterexample) in read_all() {
        let Counterexample { scenario, claim, mutation, .. } = counterexample.clone();
        let (scenario, claim) = (Some(scenario), Some(claim));
        let options = Options { scenario, claim, mutation, ..Options::default() };

        let report = check::run(&options, &mut Progress::silent()).unwrap();

        let found = Counterexample::first_of(&report, &options.size);
        let length = |run: Counterexample| (run.steps.len(), run.repeats);
        assert_eq!(found.map(length), Some(length(counterexample)), "{}", path.display());
    }
}

#[test]
fn a_counterexample_that_was_changed_shows_nothing() {
    let (_, mut counterexample) = read_all().remove(0);
    counterexample.steps.remove(0);

    assert!(!counterexample.replay().unwrap().shows_it());
}

#[test]
fn garbage_is_no_counterexample() {
    for text in
        ["", "{}", "[1, 2]", r#"{"scenario":"node","claim":"POD-1","steps":[],"repeats":7}"#]
    {
        let error = Counterexample::parse(text).unwrap_err().to_string();

        assert!(error.starts_with("no counterexample: "), "{error}");
    }
}

#[test]
fn a_counterexample_of_something_unknown_says_what() {
    let of = |scenario: &str, claim: &str| {
        let (scenario, claim) = (scenario.to_owned(), claim.to_owned());
        let (_, known) = read_all().remove(0);
        Counterexample { scenario, claim, mutation: None, ..known }
            .replay()
            .unwrap_err()
            .to_string()
    };

    assert!(of("weather", "POD-1").contains("\"weather\""));
    assert!(of("node", "POD-0").contains("\"POD-0\""));
    assert!(of("etcd", "POD-1").contains("\"POD-1\""));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/scenarios/counterexamples")
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.sort();
    files
}

fn read_all() -> Vec<(PathBuf, Counterexample)> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        (path, Counterexample::parse(&text).expect("it is a counterexample"))
    };
    files().into_iter().map(read).collect()
}
