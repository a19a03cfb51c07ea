//! DeviceClasses: what kinds of devices there are to ask for.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::resource_names;
use super::{configuration, each, request};

const CONFIGURATIONS_MAX: usize = 32;

/// The strategy of DeviceClasses.
pub(in crate::strategy) struct Class;

impl KindStrategy for Class {
    fn causes(&self, class: &Value) -> Vec<Cause> {
        let spec = or_null(class, &["spec"]);
        let mut causes = request::selector_causes("spec.selectors", items(spec, &["selectors"]));
        let configurations = items(spec, &["config"]);
        causes.extend(each(
            "spec.config",
            configurations,
            CONFIGURATIONS_MAX,
            configuration::opaque_causes,
        ));
        if get(spec, &["extendedResourceName"]).is_some() {
            causes.extend(extended_cause(text(spec, &["extendedResourceName"])));
        }
        causes
    }
}

fn extended_cause(name: &str) -> Option<Cause> {
    let is_extended = !resource_names::is_native(name)
        && !name.starts_with("requests.")
        && names::label_key(&format!("requests.{name}")).is_empty();
    let rule = "must be a valid extended resource name";
    (!is_extended).then(|| Cause::invalid("spec.extendedResourceName", &json!(name), rule))
}
