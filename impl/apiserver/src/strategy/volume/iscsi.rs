//! Volumes over iSCSI, and the names of its targets and initiators.
//!
//! Source: `validateISCSIVolumeSource` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use crate::strategy::fields::{flag, get, int};
use crate::strategy::rules::in_range;

/// The longest name of a volume and its portal, where the initiator has a name.
const NAME_LENGTH_MAX: usize = 64;

/// What the source breaks, but for the portal that it must have.
pub(super) fn causes(path: &str, source: &Value) -> Vec<Cause> {
    let field = format!("{path}.iqn");
    let mut causes: Vec<Cause> = match text(source, &["iqn"]) {
        "" => vec![Cause::required(field, "")],
        name => name_cause(field, name).into_iter().collect(),
    };
    let number = int(source, &["lun"]).unwrap_or_default();
    causes.extend(in_range(format!("{path}.lun"), number, 0, 255));
    let has_secret = get(source, &["secretRef"]).is_some();
    let asks = ["chapAuthDiscovery", "chapAuthSession"].iter().any(|auth| flag(source, &[auth]));
    if asks && !has_secret {
        causes.push(Cause::required(format!("{path}.secretRef"), ""));
    }
    if let Some(initiator) = get(source, &["initiatorName"]) {
        causes.extend(name_cause(format!("{path}.initiatorname"), text(initiator, &[])));
    }
    causes
}

/// The name of a volume and its portal are in the name of a session, if the initiator has a name.
pub(super) fn length_cause(path: &str, volume: &Value) -> Option<Cause> {
    get(volume, &["iscsi", "initiatorName"])?;
    let (name, portal) = (text(volume, &["name"]), text(volume, &["iscsi", "targetPortal"]));
    let rule = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
    (format!("{name}:{portal}").len() > NAME_LENGTH_MAX)
        .then(|| Cause::invalid(format!("{path}.name"), &json!(name), rule))
}

fn name_cause(field: String, name: &str) -> Option<Cause> {
    let is_valid = match name.get(..3) {
        Some("iqn") => is_qualified(name),
        Some("eui") => has_identifier(name, 16),
        Some("naa") => has_identifier(name, 32),
        Some(_) | None => {
            let rule = "must be valid format starting with iqn, eui, or naa";
            return Some(Cause::invalid(field, &json!(name), rule));
        }
    };
    (!is_valid).then(|| Cause::invalid(field, &json!(name), "must be valid format"))
}

/// `iqn.2001-04.com.example:storage`: when its authority had the domain, the domain, and what it has named.
fn is_qualified(name: &str) -> bool {
    let Some((authority, given)) = name.strip_prefix("iqn.").and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    let is_number = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut parts = authority.splitn(2, '.');
    let (date, domain) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_date =
        date.split_once('-').is_some_and(|(year, month)| is_number(year, 4) && is_number(month, 2));
    let is_domain = !domain.is_empty()
        && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let is_given = !given.is_empty()
        && !given.contains(|character: char| {
            ",;*&$|".contains(character) || character.is_ascii_whitespace()
        });
    is_date && is_domain && is_given
}

fn has_identifier(name: &str, digits: usize) -> bool {
    let identifier: Vec<char> = name.chars().skip(4).collect();
    identifier.len() == digits && identifier.iter().all(char::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_name_of_one_of_three_forms() {
        let eui = format!("eui.{}", "0".repeat(16));
        let naa = format!("naa.{}", "0".repeat(32));
        let other = "must be valid format starting with iqn, eui, or naa";
        let broken = "must be valid format";
        let table = [
            ("iqn.2001-04.com.example:storage.disk1", None),
            (eui.as_str(), None),
            (naa.as_str(), None),
            ("disk", Some(other)),
            ("iqn.2001-04.com.example", Some(broken)),
            ("iqn.01-04.com.example:a", Some(broken)),
            ("iqn.2001-04.com.example:a b", Some(broken)),
            ("eui.0", Some(broken)),
        ];
        for (name, rule) in table {
            let told = name_cause("n".to_owned(), name).map(|cause| cause.to_string());
            let expected = rule.map(|rule| format!("n: Invalid value: \"{name}\": {rule}"));
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn who_is_asked_for_a_secret_has_one() {
        let source =
            json!({"iqn": "iqn.2001-04.com.example:a", "lun": 256, "chapAuthSession": true});

        let told: Vec<String> = causes("s", &source).iter().map(ToString::to_string).collect();

        assert_eq!(
            told,
            [
                "s.lun: Invalid value: 256: must be between 0 and 255, inclusive",
                "s.secretRef: Required value"
            ]
        );
    }

    #[test]
    fn the_name_of_a_session_is_short() {
        let volume = |portal: usize| json!({"name": "v", "iscsi": {"initiatorName": "i", "targetPortal": "p".repeat(portal)}});

        assert_eq!(length_cause("v", &volume(62)), None);
        assert!(length_cause("v", &volume(63)).is_some());
    }
}
