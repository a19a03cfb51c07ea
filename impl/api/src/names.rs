//! The syntax of names, label keys and label values, and what is said of a text that breaks it.
//!
//! Each function returns one message per broken rule, in the words clients know from Kubernetes v1.36
//! (`apimachinery/pkg/util/validation`, `apimachinery/pkg/api/validate/content`).

/// The longest DNS label.
pub const DNS_LABEL_LENGTH_MAX: usize = 63;
/// The longest DNS subdomain.
pub const DNS_SUBDOMAIN_LENGTH_MAX: usize = 253;
const LABEL_LENGTH_MAX: usize = 63;
const PORT_NAME_LENGTH_MAX: usize = 15;

const DNS_1123_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS_1123_LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const DNS_1123_SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const DNS_1123_SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const UNDERSCORE_SUBDOMAIN: &str =
    "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const UNDERSCORE_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
const DNS_1035_LABEL: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const DNS_1035_LABEL_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_KEY_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const CONFIG_MAP_KEY: &str = "[-._a-zA-Z0-9]+";
const CONFIG_MAP_KEY_RULE: &str =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
const C_IDENTIFIER_RULE: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
const ENV_VAR_RULE: &str = "a valid environment variable name must consist only of printable ASCII characters other than '='";
const HTTP_HEADER_RULE: &str = "a valid HTTP header must consist of alphanumeric characters or '-'";
const PERCENT_RULE: &str =
    "a valid percent string must be a numeric string followed by an ending '%'";

/// What is wrong with a DNS label, `my-name`.
pub fn dns_label(value: &str) -> Vec<String> {
    let mut errors = too_long(value, DNS_LABEL_LENGTH_MAX, "characters");
    if is_dns_label(value) {
        return errors;
    }
    if is_dns_subdomain(value) {
        errors.push("must not contain dots".to_owned());
    } else {
        errors.push(mismatch(DNS_1123_LABEL_RULE, DNS_1123_LABEL, &["my-name", "123-abc"]));
    }
    errors
}

/// What is wrong with a DNS subdomain, `example.com`.
pub fn dns_subdomain(value: &str) -> Vec<String> {
    subdomain(value, "characters")
}

/// What is wrong with a DNS subdomain in which underscores may be, `_dns.example.com`.
pub fn dns_subdomain_with_underscores(value: &str) -> Vec<String> {
    let mut errors = too_long(value, DNS_SUBDOMAIN_LENGTH_MAX, "characters");
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label =
        |label: &str| is_framed(label.strip_prefix('_').unwrap_or(label), alphanumeric, b"-_");
    if !value.split('.').all(is_label) {
        errors.push(mismatch(UNDERSCORE_RULE, UNDERSCORE_SUBDOMAIN, &["example.com"]));
    }
    errors
}

/// What is wrong with a DNS label that starts with a letter, `my-name`.
pub fn dns_1035_label(value: &str) -> Vec<String> {
    let mut errors = too_long(value, DNS_LABEL_LENGTH_MAX, "characters");
    if !is_dns_label(value) || !value.starts_with(|first: char| first.is_ascii_lowercase()) {
        errors.push(mismatch(DNS_1035_LABEL_RULE, DNS_1035_LABEL, &["my-name", "abc-123"]));
    }
    errors
}

/// What is wrong with a label key or any other qualified name, `example.com/MyName`.
pub fn label_key(value: &str) -> Vec<String> {
    let parts: Vec<&str> = value.split('/').collect();
    match parts.as_slice() {
        [name] => label_key_name(name),
        [prefix, name] => {
            let mut errors = label_key_prefix(prefix);
            errors.extend(label_key_name(name));
            errors
        }
        _ => vec![format!(
            "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
            mismatch(LABEL_KEY_RULE, LABEL_KEY, &["MyName", "my.name", "123-abc"])
        )],
    }
}

/// What is wrong with a label value.
pub fn label_value(value: &str) -> Vec<String> {
    let mut errors = too_long(value, LABEL_LENGTH_MAX, "bytes");
    if !value.is_empty() && !is_label_name(value) {
        errors.push(mismatch(LABEL_VALUE_RULE, LABEL_VALUE, &["MyValue", "my_value", "12345"]));
    }
    errors
}

/// What is wrong with a key of a ConfigMap or Secret.
pub fn config_map_key(value: &str) -> Vec<String> {
    let mut errors = too_long(value, DNS_SUBDOMAIN_LENGTH_MAX, "characters");
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if value.is_empty() || !value.bytes().all(known) {
        let examples = ["key.name", "KEY_NAME", "key-name"];
        errors.push(mismatch(CONFIG_MAP_KEY_RULE, CONFIG_MAP_KEY, &examples));
    }
    errors.extend(dots(value));
    errors
}

/// What is wrong with an identifier, `my_name`.
pub fn c_identifier(value: &str) -> Vec<String> {
    let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphabetic();
    let is_valid = value.starts_with(is_letter)
        && value.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit());
    let examples = ["my_name", "MY_NAME", "MyName"];
    match is_valid {
        true => vec![],
        false => vec![mismatch(C_IDENTIFIER_RULE, "[A-Za-z_][A-Za-z0-9_]*", &examples)],
    }
}

/// What is wrong with the name of an environment variable.
pub fn env_var_name(value: &str) -> Vec<String> {
    let mut errors = vec![];
    if value.is_empty() {
        errors.push("environment variable name must be non-empty".to_owned());
    }
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=') {
        errors.push(ENV_VAR_RULE.to_owned());
    }
    errors
}

/// What is wrong with the name of a port.
pub fn port_name(value: &str) -> Vec<String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let mut errors = too_long(value, PORT_NAME_LENGTH_MAX, "characters");
    let rules = [
        (
            !value.is_empty() && value.bytes().all(known),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (
            value.bytes().any(|byte| byte.is_ascii_lowercase()),
            "must contain at least one letter (a-z)",
        ),
        (!value.contains("--"), "must not contain consecutive hyphens"),
        (!value.starts_with('-') && !value.ends_with('-'), "must not begin or end with a hyphen"),
    ];
    errors.extend(rules.into_iter().filter(|(holds, _)| !holds).map(|(_, rule)| rule.to_owned()));
    errors
}

/// What is wrong with the name of an HTTP header.
pub fn http_header_name(value: &str) -> Vec<String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !value.is_empty() && value.bytes().all(known) {
        true => vec![],
        false => vec![mismatch(HTTP_HEADER_RULE, "[-A-Za-z0-9]+", &["X-Header-Name"])],
    }
}

/// What is wrong with a percentage, `25%`.
pub fn percent(value: &str) -> Vec<String> {
    let digits = value.strip_suffix('%').unwrap_or_default();
    match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => vec![],
        false => vec![mismatch(PERCENT_RULE, "[0-9]+%", &["1%", "93%"])],
    }
}

/// What is wrong with a name that must fit between two slashes of a path.
pub fn path_segment(value: &str) -> Vec<String> {
    if value == "." || value == ".." {
        return vec![format!("may not be '{value}'")];
    }
    let illegal = ["/", "%"].into_iter().filter(|illegal| value.contains(illegal));
    illegal.map(|illegal| format!("may not contain '{illegal}'")).collect()
}

/// A prefix of generated names as it is checked: a trailing dash is no fault of it.
///
/// Upstream drops the last *two* characters and appends one (v1.36,
/// `apimachinery/pkg/api/validation/generic.go`); the texts of the messages do not show it.
pub fn mask_trailing_dash(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let cut = rest.char_indices().next_back().map_or(0, |(index, _)| index);
            format!("{}a", &rest[..cut])
        }
        Some(_) | None => prefix.to_owned(),
    }
}

fn subdomain(value: &str, unit: &str) -> Vec<String> {
    let mut errors = too_long(value, DNS_SUBDOMAIN_LENGTH_MAX, unit);
    if !is_dns_subdomain(value) {
        errors.push(mismatch(DNS_1123_SUBDOMAIN_RULE, DNS_1123_SUBDOMAIN, &["example.com"]));
    }
    errors
}

fn label_key_prefix(prefix: &str) -> Vec<String> {
    if prefix.is_empty() {
        return vec!["prefix part must be non-empty".to_owned()];
    }
    subdomain(prefix, "bytes").into_iter().map(|error| format!("prefix part {error}")).collect()
}

fn label_key_name(name: &str) -> Vec<String> {
    let mut errors = match name {
        "" => vec!["must be non-empty".to_owned()],
        name => too_long(name, LABEL_LENGTH_MAX, "bytes"),
    };
    if !is_label_name(name) {
        errors.push(mismatch(LABEL_KEY_RULE, LABEL_KEY, &["MyName", "my.name", "123-abc"]));
    }
    errors.into_iter().map(|error| format!("name part {error}")).collect()
}

fn is_dns_label(value: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    is_framed(value, alphanumeric, b"-")
}

fn is_dns_subdomain(value: &str) -> bool {
    value.split('.').all(is_dns_label)
}

fn is_label_name(value: &str) -> bool {
    is_framed(value, u8::is_ascii_alphanumeric, b"-_.")
}

/// Whether `value` begins and ends with an `edge` byte and has only those and `inner` ones.
fn is_framed(value: &str, edge: impl Fn(&u8) -> bool, inner: &[u8]) -> bool {
    let bytes = value.as_bytes();
    bytes.first().is_some_and(&edge)
        && bytes.last().is_some_and(&edge)
        && bytes.iter().all(|byte| edge(byte) || inner.contains(byte))
}

fn too_long(value: &str, length_max: usize, unit: &str) -> Vec<String> {
    match value.len() > length_max {
        true => vec![format!("must be no more than {length_max} {unit}")],
        false => vec![],
    }
}

fn dots(value: &str) -> Option<String> {
    match value {
        "." | ".." => Some(format!("must not be '{value}'")),
        value => value.starts_with("..").then(|| "must not start with '..'".to_owned()),
    }
}

fn mismatch(rule: &str, regex: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_may_have_underscores_in_searches() {
        let valid = ["a", "_a.b_c", "0.1"];
        assert!(valid.iter().all(|name| dns_subdomain_with_underscores(name).is_empty()));
        let invalid = ["", "__a", "a_", "A", "a..b"];
        assert!(invalid.iter().all(|name| dns_subdomain_with_underscores(name).len() == 1));
    }

    #[test]
    fn a_dns_label_is_lower_case_and_has_no_dots() {
        let valid = ["a", "a-b", "0", &"x".repeat(63)];
        assert!(valid.iter().all(|name| dns_label(name).is_empty()));
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            dns_label("A"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(dns_label(&"x".repeat(64)), ["must be no more than 63 characters"]);
    }

    #[test]
    fn a_dns_subdomain_is_dns_labels_with_dots_between() {
        assert!(dns_subdomain("a.b-c.0").is_empty());
        for name in ["", ".", "a.", "a..b", "-a", "a_b", "A"] {
            assert_eq!(dns_subdomain(name).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_label_key_may_have_one_prefix() {
        assert!(label_key("example.com/My_Name").is_empty());
        assert_eq!(label_key("/a"), ["prefix part must be non-empty"],);
        assert_eq!(label_key("a/b/c").len(), 1);
        assert_eq!(label_key("").len(), 2);
        assert_eq!(label_key(&"x".repeat(64)), ["name part must be no more than 63 bytes"]);
    }

    #[test]
    fn a_label_value_may_be_empty() {
        assert!(label_value("").is_empty());
        assert!(label_value("v1.2_3").is_empty());
        assert_eq!(label_value("a b").len(), 1);
    }

    #[test]
    fn a_generated_name_may_have_a_prefix_that_ends_in_a_dash() {
        assert!(dns_subdomain(&mask_trailing_dash("web-")).is_empty());
        assert_eq!(mask_trailing_dash("web-"), "wea");
        assert_eq!(mask_trailing_dash("-"), "-");
    }

    #[test]
    fn port_names_have_a_letter() {
        assert!(port_name("http-1").is_empty());
        assert_eq!(port_name("80"), ["must contain at least one letter (a-z)"]);
        assert_eq!(port_name("a--b"), ["must not contain consecutive hyphens"]);
    }
}
