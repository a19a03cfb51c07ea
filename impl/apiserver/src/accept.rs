//! What the `Accept` header asks for: how an answer is written, and what it shows of an object.
//!
//! Source: apiserver/pkg/endpoints/handlers/negotiation/negotiate.go, v1.36.

use api::{Reason, Status};
use http::Method;

use crate::call::Call;

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// JSON for people.
    PrettyJson,
    /// YAML.
    Yaml,
    /// Kubernetes' protobuf.
    Protobuf,
}

/// What an answer shows of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All of it.
    Object,
    /// `PartialObjectMetadata`.
    Metadata(MetaVersion),
    /// `PartialObjectMetadataList`.
    MetadataList(MetaVersion),
    /// `Table`.
    Table(MetaVersion),
}

/// The version of `meta.k8s.io` that a representation is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaVersion {
    /// `v1`.
    V1,
    /// `v1beta1`.
    V1Beta1,
}

impl MetaVersion {
    /// `meta.k8s.io/v1`.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// Programs that people read the answers of. Source: apiserver/pkg/endpoints/handlers/negotiation, v1.36.
const PRETTY_AGENTS: [&str; 3] = ["curl", "Wget", "Mozilla/5.0"];

/// How the answer to a request is written. What no encoding can be found for is answered in JSON.
pub(crate) fn encoding(call: &Call) -> Encoding {
    let encoding = best(call, true).map_or(Encoding::Json, |(encoding, _)| encoding);
    let is_pretty = match call.parameter("pretty") {
        "" => PRETTY_AGENTS.iter().any(|agent| call.user_agent.starts_with(agent)),
        _ => call.flag("pretty"),
    };
    if encoding == Encoding::Json && is_pretty { Encoding::PrettyJson } else { encoding }
}

/// What the answer to a request shows. A 406 where none of what is asked for can be had; a `Table` cannot
/// be had of what has no columns.
pub(crate) fn shown(call: &Call, has_columns: bool) -> Result<Shown, Status> {
    let offered = if is_watch(call) {
        "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    } else {
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    };
    best(call, has_columns).map(|(_, shown)| shown).ok_or_else(|| {
        let message = format!("only the following media types are accepted: {offered}");
        Status::new(Reason::NotAcceptable, message)
    })
}

/// The media types that are accepted, the most wanted first.
pub(crate) fn media_types(call: &Call) -> impl Iterator<Item = &str> {
    clauses(call).into_iter().map(|clause| clause.media_type)
}

/// The first of the wanted that can be had.
fn best(call: &Call, has_columns: bool) -> Option<(Encoding, Shown)> {
    let (clauses, is_watch) = (clauses(call), is_watch(call));
    let mut served = clauses.iter().filter_map(|clause| clause.served(is_watch));
    served.find(|(_, shown)| has_columns || !matches!(shown, Shown::Table(_)))
}

fn clauses(call: &Call) -> Vec<Clause<'_>> {
    let accept = if call.accept.trim().is_empty() { "*/*" } else { &call.accept };
    let mut clauses: Vec<Clause<'_>> = accept.split(',').map(Clause::of).collect();
    clauses.sort_by(|left, right| right.quality.total_cmp(&left.quality));
    clauses
}

pub(crate) fn is_watch(call: &Call) -> bool {
    call.method == Method::GET && call.info().is_watch()
}

/// One thing that is accepted.
struct Clause<'a> {
    media_type: &'a str,
    quality: f32,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Clause<'a> {
    fn of(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let quality = parameters.iter().find(|(name, _)| *name == "q");
        let quality = quality.and_then(|(_, value)| value.parse().ok()).unwrap_or(1.0);
        Self { media_type, quality, parameters }
    }

    fn parameter(&self, name: &str) -> &'a str {
        self.parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value)
    }

    /// How it is served, if it is. Streams are not written as YAML, nor tables as protobuf.
    fn served(&self, is_watch: bool) -> Option<(Encoding, Shown)> {
        let encoding = match self.media_type {
            "application/json" | "application/*" | "*/*" => Encoding::Json,
            "application/yaml" if !is_watch => Encoding::Yaml,
            "application/vnd.kubernetes.protobuf" => Encoding::Protobuf,
            _ => return None,
        };
        let version = match (self.parameter("g"), self.parameter("v")) {
            ("meta.k8s.io", "v1") => Some(MetaVersion::V1),
            ("meta.k8s.io", "v1beta1") => Some(MetaVersion::V1Beta1),
            _ => None,
        };
        let shown = match (self.parameter("as"), version) {
            ("", _) => Shown::Object,
            ("Table", Some(version)) if encoding != Encoding::Protobuf => Shown::Table(version),
            ("PartialObjectMetadata", Some(version)) => Shown::Metadata(version),
            ("PartialObjectMetadataList", Some(version)) => Shown::MetadataList(version),
            _ => return None,
        };
        Some((encoding, shown))
    }
}

#[cfg(test)]
mod answers;

#[cfg(test)]
mod tests {
    use super::*;

    fn call(accept: &str, query: &[(&str, &str)]) -> Call {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Call { accept: accept.to_owned(), query: query.collect(), ..Call::default() }
    }

    #[test]
    fn the_first_that_can_be_had_is_taken() {
        const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
        let table = "as=Table;g=meta.k8s.io;v=v1";
        let cases = [
            (String::new(), Some((Encoding::Json, Shown::Object))),
            ("text/html,*/*".to_owned(), Some((Encoding::Json, Shown::Object))),
            ("application/yaml".to_owned(), Some((Encoding::Yaml, Shown::Object))),
            (format!("{PROTOBUF},application/json"), Some((Encoding::Protobuf, Shown::Object))),
            (format!("{PROTOBUF};{table},application/json"), Some((Encoding::Json, Shown::Object))),
            (
                format!("application/json;{table}"),
                Some((Encoding::Json, Shown::Table(MetaVersion::V1))),
            ),
            (
                "application/json;as=Table;g=meta.k8s.io;v=v1beta1".to_owned(),
                Some((Encoding::Json, Shown::Table(MetaVersion::V1Beta1))),
            ),
            ("application/json;as=Table;g=meta.k8s.io;v=v2".to_owned(), None),
            ("application/cbor".to_owned(), None),
            (
                "application/json;q=0.5,application/yaml;q=0.9".to_owned(),
                Some((Encoding::Yaml, Shown::Object)),
            ),
        ];
        for (accept, expected) in cases {
            assert_eq!(best(&call(&accept, &[]), true), expected, "{accept}");
        }
    }

    #[test]
    fn what_has_no_columns_is_no_table() {
        let table = "application/json;as=Table;g=meta.k8s.io;v=v1";

        let refusal = shown(&call(table, &[]), false).unwrap_err();
        let second = shown(&call(&format!("{table},application/json"), &[]), false);

        assert_eq!(refusal.reason, Reason::NotAcceptable);
        assert_eq!(second, Ok(Shown::Object));
    }

    #[test]
    fn a_watch_is_not_written_as_yaml() {
        let call = call("application/yaml", &[("watch", "1")]);
        let watch = Call { path: "/api/v1/pods".to_owned(), ..call };
        let refusal = shown(&watch, true).unwrap_err();

        let offered =
            "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
        assert!(refusal.message.ends_with(offered), "{}", refusal.message);
    }

    #[test]
    fn people_get_lines() {
        let curl = Call { user_agent: "curl/8.0".to_owned(), ..Call::default() };
        let asked = |pretty: &str| encoding(&call("", &[("pretty", pretty)]));

        assert_eq!(encoding(&curl), Encoding::PrettyJson);
        assert_eq!((asked("true"), asked("false")), (Encoding::PrettyJson, Encoding::Json));
        assert_eq!(encoding(&call("application/yaml", &[("pretty", "1")])), Encoding::Yaml);
    }
}
