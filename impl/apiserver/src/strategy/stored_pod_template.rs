//! PodTemplates: templates that are objects of their own.
//!
//! Source: `pkg/registry/core/podtemplate/strategy.go` and `ValidatePodTemplate` (v1.36).

use api::names;
use api::status::Cause;
use serde_json::Value;

use super::fields::{or_null, same};
use super::{meta, pod_spec, pod_template};

/// Fills in what its author left out.
pub(super) fn apply_defaults(pod_template: &mut Value) {
    if let Some(fields) = pod_template.as_object_mut() {
        pod_template::apply_defaults(fields);
    }
}

/// Starts to count changes of the template.
pub(super) fn prepare_for_create(pod_template: &mut Value) {
    meta::set_generation(pod_template, 1);
}

/// Counts a change of the template.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    if !same(or_null(new, &["template"]), or_null(old, &["template"])) {
        meta::next_generation(new, old);
    }
}

/// What a new PodTemplate breaks.
pub(super) fn validate(pod_template: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(pod_template, true, names::dns_subdomain);
    causes.extend(pod_spec::validate_template(
        "template",
        or_null(pod_template, &["template"]),
        &Value::Null,
    ));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let (template, old) = (or_null(new, &["template"]), or_null(old, &["template"]));
    causes.extend(pod_spec::validate_template("template", template, old));
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_filled_in() {
        assert_eq!(pod_template()["template"]["spec"]["restartPolicy"], "Always");
        assert_eq!(validate(&pod_template()), []);
    }

    #[test]
    fn a_template_says_what_it_breaks() {
        let mut new = pod_template();
        new["template"]["spec"]["containers"] = json!([]);

        for causes in [validate(&new), validate_update(&new, &pod_template())] {
            assert_eq!(causes.len(), 1);
            assert_eq!(causes[0].to_string(), "template.spec.containers: Required value");
        }
    }

    #[test]
    fn changes_of_the_template_are_counted() {
        let mut old = pod_template();
        prepare_for_create(&mut old);
        let mut new = old.clone();
        new["template"]["metadata"] = json!({"labels": {"a": "b"}});

        prepare_for_update(&mut new, &old);

        assert_eq!(old["metadata"]["generation"], 1);
        assert_eq!(new["metadata"]["generation"], 2);
    }

    fn pod_template() -> Value {
        let mut pod_template = json!({
            "metadata": {"name": "p", "namespace": "default"},
            "template": {"spec": {"containers": [{"name": "c", "image": "a"}]}},
        });
        apply_defaults(&mut pod_template);
        pod_template
    }
}
