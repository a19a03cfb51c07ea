//! Our paths, in both versions, and our definitions of version 2, against those that Kubernetes publishes.
//!
//! The two files beside the digests of the schemas have a digest of each path, and of each definition. The document of
//! version 2 is `api/openapi-spec/swagger.json`; `KANON_UPSTREAM_OPENAPI_V2` names it.

use super::*;
use crate::openapi::v2::document_v2;

const PATHS: Held = Held {
    file: "kubernetes-1.36-paths.txt",
    digests: include_str!("../kubernetes-1.36-paths.txt"),
};
const VERSION_2: Held =
    Held { file: "kubernetes-1.36-v2.txt", digests: include_str!("../kubernetes-1.36-v2.txt") };

const MEANING: &str = "what parameters mean is not told";
const CBOR: &str = "CBOR is behind a feature that is off; Kubernetes publishes with all of them on";
const SCHEME: &str = "Kubernetes names all groups of its scheme, whether they are served or not";

/// What is left out of both before they are compared, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("the description of a parameter", MEANING),
    ("media types of CBOR", CBOR),
    ("the kinds of DeleteOptions", SCHEME),
    ("paths below /watch/", NO_PATHS),
];

/// A list of digests in the repository.
struct Held {
    file: &'static str,
    digests: &'static str,
}

/// Paths or definitions by name, in the form in which they are compared.
type Pieces = BTreeMap<String, Value>;

impl Held {
    fn check(&self, ours: &Pieces) {
        let ours = text(ours);
        let (ours, theirs): (BTreeSet<&str>, BTreeSet<&str>) =
            (ours.lines().collect(), self.digests.lines().collect());
        let wrong: Vec<_> = ours.symmetric_difference(&theirs).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", self.file);
    }

    /// Compares every word, and writes the digests anew if that is wanted.
    fn compare(&self, ours: &Pieces, theirs: &Pieces) {
        let mut wrong = vec![];
        for name in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            differences(name, ours.get(name), theirs.get(name), &mut wrong);
        }
        assert!(wrong.is_empty(), "{} words differ: {wrong:#?}", wrong.len());
        if std::env::var_os("KANON_UPDATE").is_some() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/openapi");
            std::fs::write(folder.join(self.file), text(theirs)).expect("the file can be written");
        } else {
            assert!(text(theirs) == self.digests, "{}: run with KANON_UPDATE=1", self.file);
        }
    }
}

#[test]
fn paths_are_those_that_kubernetes_publishes() {
    PATHS.check(&paths_of(roots().iter().filter_map(|root| document(root))));
}

#[test]
fn version_2_is_the_one_that_kubernetes_publishes() {
    VERSION_2.check(&pieces_of(document_v2()));
}

#[test]
fn a_digest_tells_of_every_word_of_a_path() {
    let path = |word: &str, value: Value| {
        let mut operation = json!({"parameters": [{"in": "query", "name": "a", "description": "b"}],
            "responses": {"200": {"description": "OK"}}, "consumes": ["application/cbor", "*/*"]});
        operation[word] = value;
        text(&paths_of([json!({"paths": {"/api/": {"get": operation}}})].into_iter()))
    };
    let usual = path("operationId", json!("a"));

    assert_ne!(usual, path("operationId", json!("b")));
    assert_ne!(usual, path("responses", json!({"200": {"description": "no"}})));
    assert_ne!(usual, path("parameters", json!([{"in": "path", "name": "a"}])));
    assert_ne!(usual, path("consumes", json!(["text/plain"])));
    for (what, why) in LEFT_OUT {
        assert!(!why.is_empty(), "{what}");
    }
    let unmeant = text(&paths_of(
        [json!({"paths": {"/api/": {"get": {"operationId": "a", "consumes": ["*/*"],
            "parameters": [{"in": "query", "name": "a"}],
            "responses": {"200": {"description": "OK"}}}}}})]
        .into_iter(),
    ));
    assert_eq!(usual, unmeant, "these may differ");
}

/// Says what differs, where their documents are at hand.
#[test]
#[ignore = "needs the documents of Kubernetes in the folder KANON_UPSTREAM_OPENAPI"]
fn every_word_of_every_path_is_that_of_kubernetes() {
    let folder = std::env::var_os("KANON_UPSTREAM_OPENAPI").map(PathBuf::from);
    let folder = folder.expect("the variable names a folder");
    let roots = roots();
    let ours = paths_of(roots.iter().filter_map(|root| document(root)));
    let documents = roots.iter().filter(is_published).map(|root| published(&folder, root));
    let mut theirs = paths_of(documents);
    // It has no document in their repository.
    let unpublished = "/.well-known/openid-configuration/";
    theirs.insert(unpublished.to_owned(), ours[unpublished].clone());

    PATHS.compare(&ours, &theirs);
}

/// Says what differs, where their document is at hand.
#[test]
#[ignore = "needs the document of Kubernetes that KANON_UPSTREAM_OPENAPI_V2 names"]
fn every_word_of_version_2_is_that_of_kubernetes() {
    let file = std::env::var_os("KANON_UPSTREAM_OPENAPI_V2").expect("the variable names a file");
    let theirs = std::fs::read(file).expect("the file is there");
    let theirs: Value = serde_json::from_slice(&theirs).expect("it is JSON");
    let ours = pieces_of(document_v2());
    let mut theirs = pieces_of(theirs);
    // Version 3 has shown which of them are served here: the same paths and definitions are in both.
    theirs.retain(|name, _| ours.contains_key(name));

    VERSION_2.compare(&ours, &theirs);
}

fn paths_of(documents: impl Iterator<Item = Value>) -> Pieces {
    let mut pieces = Pieces::new();
    for mut document in documents {
        let shared = document["parameters"].take();
        let paths = document["paths"].as_object().into_iter().flatten();
        let told = paths.filter(|(path, _)| !path.contains("/watch/"));
        pieces
            .extend(told.map(|(path, item)| (path.clone(), canonical(&comparable(item, &shared)))));
    }
    pieces
}

/// The paths and the definitions of version 2.
fn pieces_of(mut document: Value) -> Pieces {
    let definitions = document["definitions"].take();
    let mut pieces = paths_of([document].into_iter());
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        let mut definition = without_what_may_differ(name, definition);
        if name.ends_with("meta.v1.DeleteOptions") {
            definition["x-kubernetes-group-version-kind"].take();
        }
        pieces.insert(name.clone(), canonical(&definition));
    }
    pieces
}

/// The same without what is left out, and with the parameters that several operations share where they are shared.
fn comparable(value: &Value, shared: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let items = items.iter().filter(|item| !is_cbor(item.as_str().unwrap_or_default()));
            items.map(|item| comparable(item, shared)).collect()
        }
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|reference| reference.strip_prefix("#/parameters/"));
            if let Some(name) = name {
                return comparable(&shared[name], shared);
            }
            let is_parameter = fields.contains_key("in");
            let is_left_out = |name: &str| is_cbor(name) || (is_parameter && name == "description");
            let fields = fields.iter().filter(|(name, _)| !is_left_out(name));
            fields.map(|(name, value)| (name.clone(), comparable(value, shared))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_cbor(media_type: &str) -> bool {
    media_type.starts_with("application/") && media_type.contains("cbor")
}

/// A line with the digest of each.
fn text(pieces: &Pieces) -> String {
    let line = |(name, piece): (&String, &Value)| {
        format!("{name} {}\n", digest(piece.to_string().as_bytes()))
    };
    pieces.iter().map(line).collect()
}

/// A line for each word that one side has, or has otherwise.
fn differences(at: &str, ours: Option<&Value>, theirs: Option<&Value>, lines: &mut Vec<String>) {
    match (ours, theirs) {
        (Some(ours @ Value::Object(_)), Some(theirs @ Value::Object(_))) => {
            for (name, ours, theirs) in pairs(ours, theirs) {
                differences(&format!("{at} {name}"), ours, theirs, lines);
            }
        }
        _ if ours == theirs => {}
        _ => lines.push(format!("{at}: {ours:?}, not {theirs:?}")),
    }
}
