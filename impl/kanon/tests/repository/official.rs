//! The list of official conformance tests: each has a test of ours, or says why not. `docs/conformance.md` is
//! made of it; `KANON_UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{PathBuf, root, sources};

const LIST: &str = "conformance/official/kubernetes-1.36.txt";
const PAGE: &str = "docs/conformance.md";
/// What a trial of an official test begins with, and what such a test says of itself elsewhere.
const CALLS: [&str; 8] = [
    "official",
    "supports",
    "lifecycle",
    "shows",
    "with_containers",
    "with_own_containers",
    "restarted",
    "left_alone",
];
const DOC: &str = "/// Conformance: ";

/// An official test.
struct Official {
    name: String,
    /// Why there is no test of ours; empty where there is one.
    why_not: String,
}

/// The official tests by their group.
fn list() -> Vec<(String, Vec<Official>)> {
    let text = std::fs::read_to_string(root().join(LIST)).expect("the list is there");
    let mut groups: Vec<(String, Vec<Official>)> = vec![];
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("[sig-").and_then(|line| line.strip_suffix(']')) {
            Some(group) => groups.push((format!("sig-{group}"), vec![])),
            None => {
                let (name, why_not) = line.split_once('\t').unwrap_or((line, ""));
                let (name, why_not) = (name.to_owned(), why_not.to_owned());
                let (_, tests) = groups.last_mut().expect("a test has a group");
                tests.push(Official { name, why_not });
            }
        }
    }
    groups
}

/// The official tests that have one of ours, each with the file where it stands.
fn held() -> BTreeMap<String, String> {
    let named = |(path, text): (PathBuf, String)| {
        let file = path.strip_prefix(root()).expect("it is below").display().to_string();
        names(&text).into_iter().map(move |name| (name, file.clone())).collect::<Vec<_>>()
    };
    sources().into_iter().flat_map(named).collect()
}

/// A source file without what is commented out.
fn code(text: &str) -> String {
    let is_code = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with("//") || line.starts_with(DOC)
    };
    text.split_inclusive('\n').filter(is_code).collect()
}

/// The names of official tests in a source file. What is always ignored is none.
fn names(text: &str) -> Vec<String> {
    let text = &code(text);
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix(DOC)?.to_owned()))
        .filter(|name| !name.contains('"'))
        .collect();
    for call in CALLS {
        for (place, call) in text.match_indices(&format!("{call}(")) {
            let argument = text[place + call.len()..].trim_start();
            let (_, after) = argument.split_once(')').unwrap_or_default();
            if after.trim_start().starts_with(".with_ignored_flag(true)") {
                continue;
            }
            if let Some(argument) = argument.strip_prefix('"') {
                // A quote in a name is written with a backslash.
                let unquoted = argument.replace("\\\"", "\u{1}");
                let literal = unquoted.split('"').next().unwrap_or_default().replace('\u{1}', "\"");
                let lines = literal.split("\\\n").enumerate();
                let lines = lines.map(|(at, line)| if at == 0 { line } else { line.trim_start() });
                names.push(lines.collect());
            }
        }
    }
    names
}

fn page(groups: &[(String, Vec<Official>)], held: &BTreeMap<String, String>) -> String {
    let count = |tests: &[Official]| tests.iter().filter(|test| test.why_not.is_empty()).count();
    let all: usize = groups.iter().map(|(_, tests)| tests.len()).sum();
    let done: usize = groups.iter().map(|(_, tests)| count(tests)).sum();
    let mut page = format!(
        "# Conformance\n\n\
         Kubernetes v1.36 has {all} conformance tests. {done} of them have a test of ours that does what their\n\
         description requires, in requests of our own and under the same name; the gate runs all of these, so\n\
         they pass. Where kubectl or root is missing, those that need it are reported as skipped, by name. The\n\
         others say why they have none yet. Made from [the list](../{LIST}) and the sources by\n\
         `KANON_UPDATE=1 cargo test -p kanon --test repository`.\n\n\
         `KANON_OFFICIAL_KUBECONFIG=FILE cargo test -p kanon --test cluster should` runs those of the folder\n\
         `official` against any other cluster.\n\n\
         | group | with a test | of |\n| --- | --- | --- |\n"
    );
    for (group, tests) in groups {
        writeln!(page, "| {group} | {} | {} |", count(tests), tests.len()).expect("text takes all");
    }
    for (group, tests) in groups {
        writeln!(page, "\n## {group}\n\n| test | ours |\n| --- | --- |").expect("text takes all");
        for Official { name, why_not } in tests {
            let ours = match held.get(name) {
                Some(file) => format!("[{file}](../{file})"),
                None => why_not.clone(),
            };
            writeln!(page, "| {} | {ours} |", name.replace('|', "\\|")).expect("text takes all");
        }
    }
    page
}

#[test]
fn every_official_test_has_one_of_ours_or_says_why_not() {
    let (groups, held) = (list(), held());
    let all: BTreeMap<&str, &str> = groups
        .iter()
        .flat_map(|(_, tests)| tests)
        .map(|test| (test.name.as_str(), test.why_not.as_str()))
        .collect();

    assert_eq!(all.len(), 446);
    for (name, file) in &held {
        let why_not = all.get(name.as_str());
        assert_eq!(why_not, Some(&""), "{file}: {name}");
    }
    for (name, why_not) in all {
        assert!(held.contains_key(name) || !why_not.is_empty(), "{name} has no test and no reason");
    }
}

#[test]
fn a_test_that_is_commented_out_or_ignored_is_none() {
    assert_eq!(names("    official(\"a should b\", body),\n"), ["a should b"]);
    assert_eq!(names("/// Conformance: a should b\nasync fn c() {}\n"), ["a should b"]);
    for gone in [
        "    // official(\"a should b\", body),\n",
        "    official(\"a should b\", body).with_ignored_flag(true),\n",
        "    official(\n        \"a should b\",\n        body,\n    )\n    .with_ignored_flag(true),\n",
        "// /// Conformance: a should b\n",
    ] {
        assert!(names(gone).is_empty(), "{gone}");
    }
}

#[test]
fn the_page_about_conformance_is_what_the_sources_say() {
    let page = page(&list(), &held());
    let path = root().join(PAGE);
    if std::env::var_os("KANON_UPDATE").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }

    let written = std::fs::read_to_string(&path).unwrap_or_default();

    assert!(written == page, "{PAGE} is out of date: run this test with KANON_UPDATE=1");
}
