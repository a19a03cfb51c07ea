//! Profiles of seccomp and AppArmor: what processes may do.
//!
//! Source: `validateSeccompProfileField` and `ValidateAppArmorProfileField` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, or_null};
use super::super::go_struct::{Field, Shape, show};
use super::super::rules::{invalid_struct, too_long};
use super::super::volume::descending;

const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
const APP_ARMOR_LENGTH_MAX: usize = 4095;

/// The fields of either profile, as upstream shows them.
pub(super) const FIELDS: &[Field] =
    &[("Type", "type", Shape::Text), ("LocalhostProfile", "localhostProfile", Shape::Plain)];

/// What the profiles of a security context break.
pub(super) fn seccomp_causes(path: &str, context: &Value) -> Vec<Cause> {
    let path = format!("{path}.seccompProfile");
    let Some(profile) = get(context, &["seccompProfile"]) else {
        return vec![];
    };
    let mut causes: Vec<Cause> = type_cause(&path, profile, "seccompProfile").into_iter().collect();
    let field = format!("{path}.localhostProfile");
    let local = get(profile, &["localhostProfile"]);
    match (text(profile, &["type"]), local) {
        ("Localhost", None) => {
            causes.push(Cause::required(field, "must be set when seccomp type is Localhost"));
        }
        ("Localhost", Some(local)) => {
            causes.extend(descending(&field, local.as_str().unwrap_or_default()));
        }
        (_, Some(_)) => {
            let rule = "can only be set when seccomp type is Localhost";
            causes.push(invalid_struct(&field, &show(profile, FIELDS), rule));
        }
        (_, None) => {}
    }
    causes
}

/// What the AppArmor profile of a security context breaks.
pub(super) fn app_armor_causes(path: &str, context: &Value) -> Vec<Cause> {
    let path = format!("{path}.appArmorProfile");
    let Some(profile) = get(context, &["appArmorProfile"]) else {
        return vec![];
    };
    let field = format!("{path}.localhostProfile");
    let local = get(profile, &["localhostProfile"]);
    match text(profile, &["type"]) {
        "Localhost" => local_app_armor_causes(&field, or_null(profile, &["localhostProfile"])),
        "RuntimeDefault" | "Unconfined" => {
            let rule = "can only be set when AppArmor type is Localhost";
            local.map(|local| Cause::invalid(field, local, rule)).into_iter().collect()
        }
        _ => type_cause(&path, profile, "appArmorProfile").into_iter().collect(),
    }
}

fn local_app_armor_causes(field: &str, profile: &Value) -> Vec<Cause> {
    let name = profile.as_str().unwrap_or_default();
    let mut causes = vec![];
    if name.trim() != name {
        causes.push(Cause::invalid(field, profile, "must not be padded with whitespace"));
    } else if name.is_empty() {
        causes.push(Cause::required(field, "must be set when AppArmor type is Localhost"));
    }
    if name.len() > APP_ARMOR_LENGTH_MAX {
        causes.push(too_long(field, APP_ARMOR_LENGTH_MAX));
    }
    causes
}

fn type_cause(path: &str, profile: &Value, of: &str) -> Option<Cause> {
    let field = format!("{path}.type");
    match text(profile, &["type"]) {
        "" => Some(Cause::required(field, &format!("type is required when {of} is set"))),
        kind if TYPES.contains(&kind) => None,
        kind => Some(Cause::not_supported(field, &json!(kind), &TYPES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_what_it_breaks() {
        let seccomp = |profile: Value| json!({"seccompProfile": profile});
        let app_armor = |profile: Value| json!({"appArmorProfile": profile});
        let types = "supported values: \"Localhost\", \"RuntimeDefault\", \"Unconfined\"";
        let table = [
            (seccomp(json!({"type": "RuntimeDefault"})), String::new()),
            (seccomp(json!({"type": "Localhost", "localhostProfile": "a/b"})), String::new()),
            (
                seccomp(json!({"type": "Localhost"})),
                "c.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost".to_owned(),
            ),
            (
                seccomp(json!({"type": "Localhost", "localhostProfile": "/a"})),
                "c.seccompProfile.localhostProfile: Invalid value: \"/a\": must be a relative path".to_owned(),
            ),
            (
                seccomp(json!({"type": "Unconfined", "localhostProfile": "a"})),
                "c.seccompProfile.localhostProfile: Invalid value: {\"Type\":\"Unconfined\",\"LocalhostProfile\":\"a\"}: can only be set when seccomp type is Localhost".to_owned(),
            ),
            (
                seccomp(json!({"type": "Foo"})),
                format!("c.seccompProfile.type: Unsupported value: \"Foo\": {types}"),
            ),
            (
                seccomp(json!({})),
                "c.seccompProfile.type: Required value: type is required when seccompProfile is set".to_owned(),
            ),
            (app_armor(json!({"type": "Localhost", "localhostProfile": "a"})), String::new()),
            (
                app_armor(json!({"type": "Localhost"})),
                "c.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost".to_owned(),
            ),
            (
                app_armor(json!({"type": "Localhost", "localhostProfile": " a"})),
                "c.appArmorProfile.localhostProfile: Invalid value: \" a\": must not be padded with whitespace".to_owned(),
            ),
            (
                app_armor(json!({"type": "RuntimeDefault", "localhostProfile": "a"})),
                "c.appArmorProfile.localhostProfile: Invalid value: \"a\": can only be set when AppArmor type is Localhost".to_owned(),
            ),
            (
                app_armor(json!({"type": "Foo"})),
                format!("c.appArmorProfile.type: Unsupported value: \"Foo\": {types}"),
            ),
        ];
        for (context, expected) in table {
            let mut causes = seccomp_causes("c", &context);
            causes.extend(app_armor_causes("c", &context));
            let told: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected, "{context}");
        }
    }
}
