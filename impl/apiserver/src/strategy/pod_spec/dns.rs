//! How a pod resolves names.
//!
//! Source: `validatePodDNSConfig` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::super::fields::{get, items};
use super::super::ip::ip_errors;
use super::super::rules::named;

const NAMESERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCH_CHARACTERS_MAX: usize = 2048;

/// What the DNS configuration of a pod breaks.
pub(super) fn causes(path: &str, spec: &Value) -> Vec<Cause> {
    let config = get(spec, &["dnsConfig"]);
    let nameservers = config.map_or(&[][..], |config| items(config, &["nameservers"]));
    if text(spec, &["dnsPolicy"]) == "None" && nameservers.is_empty() {
        return vec![match config {
            None => Cause::required(path, "must provide `dnsConfig` when `dnsPolicy` is None"),
            Some(_) => Cause::required(
                format!("{path}.nameservers"),
                "must provide at least one DNS nameserver when `dnsPolicy` is None",
            ),
        }];
    }
    let Some(config) = config else {
        return vec![];
    };
    let mut causes = nameserver_causes(&format!("{path}.nameservers"), config);
    causes.extend(search_causes(&format!("{path}.searches"), config));
    for (index, option) in items(config, &["options"]).iter().enumerate() {
        if text(option, &["name"]).is_empty() {
            causes.push(Cause::required(format!("{path}.options[{index}]"), "must not be empty"));
        }
    }
    causes
}

fn nameserver_causes(field: &str, config: &Value) -> Vec<Cause> {
    let nameservers = items(config, &["nameservers"]);
    let mut causes = vec![];
    if nameservers.len() > NAMESERVERS_MAX {
        let rule = format!("must not have more than {NAMESERVERS_MAX} nameservers");
        causes.push(Cause::invalid(field, &config["nameservers"], &rule));
    }
    for (index, nameserver) in nameservers.iter().enumerate() {
        causes.extend(named(&format!("{field}[{index}]"), text(nameserver, &[]), ip_errors));
    }
    causes
}

fn search_causes(field: &str, config: &Value) -> Vec<Cause> {
    let searches: Vec<&str> =
        items(config, &["searches"]).iter().map(|search| text(search, &[])).collect();
    let mut rules = vec![];
    if searches.len() > SEARCHES_MAX {
        rules.push(format!("must not have more than {SEARCHES_MAX} search paths"));
    }
    if searches.join(" ").len() > SEARCH_CHARACTERS_MAX {
        rules.push(format!(
            "must not have more than {SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list"
        ));
    }
    let whole = |rule: String| Cause::invalid(field, &config["searches"], &rule);
    let mut causes: Vec<Cause> = rules.into_iter().map(whole).collect();
    for (index, search) in searches.into_iter().enumerate().filter(|(_, search)| *search != ".") {
        let domain = search.strip_suffix('.').unwrap_or(search);
        let rule = names::dns_subdomain_with_underscores;
        causes.extend(named(&format!("{field}[{index}]"), domain, rule));
    }
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_says_what_it_breaks() {
        let of = |config: Value| json!({"dnsPolicy": "Default", "dnsConfig": config});
        let table = [
            (of(json!({"nameservers": ["10.0.0.1"], "searches": [".", "_a.b."]})), ""),
            (
                json!({"dnsPolicy": "None"}),
                "d: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
            ),
            (
                json!({"dnsPolicy": "None", "dnsConfig": {}}),
                "d.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
            ),
            (
                of(json!({"nameservers": ["a"]})),
                "d.nameservers[0]: Invalid value: \"a\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ),
            (
                of(json!({"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]})),
                "d.nameservers: Invalid value: [\"1.1.1.1\",\"1.1.1.2\",\"1.1.1.3\",\"1.1.1.4\"]: must not have more than 3 nameservers",
            ),
            (
                of(json!({"searches": ["a b"]})),
                "d.searches[0]: Invalid value: \"a b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
            ),
            (of(json!({"options": [{}]})), "d.options[0]: Required value: must not be empty"),
        ];
        for (spec, expected) in table {
            let told: Vec<String> = causes("d", &spec).iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected, "{spec}");
        }
    }

    #[test]
    fn there_are_only_so_many_searches() {
        let many = |count: usize, search: &str| {
            let config = json!({"searches": vec![search; count]});
            let causes = causes("d", &json!({"dnsPolicy": "Default", "dnsConfig": config}));
            causes.iter().filter(|cause| cause.field == "d.searches").count()
        };

        assert_eq!((many(32, "a"), many(33, "a")), (0, 1));
        assert_eq!((many(32, &"a".repeat(63)), many(33, &"a".repeat(63))), (0, 2));
    }
}
