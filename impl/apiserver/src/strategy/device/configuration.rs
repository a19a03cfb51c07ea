//! What a driver is told about a device, in words that only it understands.

use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::super::fields::get;
use super::super::rules::too_long;
use super::super::storage::driver_name_causes;

const PARAMETERS_BYTES_MAX: usize = 10 * 1024;

/// What a configuration breaks.
pub(super) fn opaque_causes(path: &str, configuration: &Value) -> Vec<Cause> {
    let field = format!("{path}.opaque");
    let Some(opaque) = get(configuration, &["opaque"]) else {
        return vec![Cause::required(field, "")];
    };
    let mut causes = driver_name_causes(&format!("{field}.driver"), text(opaque, &["driver"]));
    causes.extend(raw_cause(&format!("{field}.parameters"), get(opaque, &["parameters"])));
    causes
}

/// Raw data must be an object, and not too long.
pub(super) fn raw_cause(field: &str, raw: Option<&Value>) -> Option<Cause> {
    match raw {
        None => Some(Cause::required(field, "")),
        Some(raw) if raw.to_string().len() > PARAMETERS_BYTES_MAX => {
            Some(too_long(field, PARAMETERS_BYTES_MAX))
        }
        Some(_) => None,
    }
}
