//! CronJobs.
//!
//! Source: `pkg/registry/batch/cronjob/strategy.go`, `SetDefaults_CronJob` and `ValidateCronJobCreate`
//! (v1.36).

mod time_zone;

use api::cron::Schedule;
use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, flag, get, keep, made, or_null};
use super::rules::{non_negative, one_of};
use super::{job, meta};

/// A label of 63 characters, without the suffix that the controller gives its Jobs.
const NAME_LENGTH_MAX: usize = 63 - 11;
const CONCURRENCY_POLICIES: [&str; 3] = ["Allow", "Forbid", "Replace"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(cron_job: &mut Value) {
    let spec = object_at_mut(cron_job, "spec");
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    job::template_defaults(made(made(spec, "jobTemplate"), "spec"));
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(cron_job: &mut Value) {
    cron_job["status"] = json!({});
    meta::set_generation(cron_job, 1);
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// What a new CronJob breaks.
pub(super) fn validate(cron_job: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(cron_job, true, names::dns_subdomain);
    causes.extend(spec_causes(or_null(cron_job, &["spec"]), None));
    let name = text(cron_job, &["metadata", "name"]);
    if name.len() > NAME_LENGTH_MAX {
        let rule = format!("must be no more than {NAME_LENGTH_MAX} characters");
        causes.push(Cause::invalid("metadata.name", &json!(name), &rule));
    }
    causes
}

/// What an update breaks. A schedule that has always named a time zone may go on.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(spec_causes(or_null(new, &["spec"]), Some(or_null(old, &["spec"]))));
    causes
}

fn spec_causes(spec: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = schedule_causes(spec, old);
    causes.extend(non_negative(spec, "spec", "startingDeadlineSeconds"));
    let time_zone = get(spec, &["timeZone"]);
    if old.is_none_or(|old| get(old, &["timeZone"]) != time_zone) {
        causes.extend(time_zone.iter().flat_map(|zone| time_zone::causes("spec.timeZone", zone)));
    }
    let policy = get(spec, &["concurrencyPolicy"]);
    causes.extend(one_of("spec.concurrencyPolicy".to_owned(), policy, &CONCURRENCY_POLICIES, true));
    let old_template =
        old.map_or(&Value::Null, |old| or_null(old, &["jobTemplate", "spec", "template"]));
    let job_spec = or_null(spec, &["jobTemplate", "spec"]);
    causes.extend(job_causes("spec.jobTemplate.spec", job_spec, old_template));
    for limit in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        causes.extend(non_negative(spec, "spec", limit));
    }
    causes
}

fn schedule_causes(spec: &Value, old: Option<&Value>) -> Vec<Cause> {
    let (field, text) = ("spec.schedule", or_null(spec, &["schedule"]));
    let schedule = text.as_str().unwrap_or_default();
    if schedule.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let had_zone = old.is_some_and(|old| has_zone(old["schedule"].as_str().unwrap_or_default()));
    let rule = match (has_zone(schedule), had_zone, get(spec, &["timeZone"])) {
        (true, true, Some(_)) => {
            Some("cannot use both timeZone field and TZ or CRON_TZ in schedule")
        }
        (true, false, _) => {
            Some("cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        }
        (true, true, None) | (false, _, _) => None,
    };
    let error = Schedule::parse(schedule).err();
    let rules = error.into_iter().chain(rule.map(str::to_owned));
    rules.map(|rule| Cause::invalid(field, text, &rule)).collect()
}

fn has_zone(schedule: &str) -> bool {
    schedule.contains("TZ")
}

/// Selectors are made for each Job.
fn job_causes(path: &str, spec: &Value, old_template: &Value) -> Vec<Cause> {
    let mut causes = job::template_causes(path, spec, old_template);
    if let Some(selector) = get(spec, &["selector"]) {
        let rule = "`selector` will be auto-generated";
        causes.push(Cause::invalid(format!("{path}.selector"), selector, rule));
    }
    if flag(spec, &["manualSelector"]) {
        let field = format!("{path}.manualSelector");
        causes.push(Cause::not_supported(field, &json!(true), &["nil", "false"]));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cron_job_is_filled_in() {
        let mut spec = cron_job(json!({}))["spec"].take();

        let job = spec["jobTemplate"]["spec"].take();

        assert_eq!(
            spec,
            json!({
                "schedule": "*/5 * * * *", "concurrencyPolicy": "Allow", "suspend": false,
                "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
                "jobTemplate": {"spec": null},
            })
        );
        assert_eq!(job["template"]["spec"]["dnsPolicy"], "ClusterFirst");
        assert_eq!(job.get("backoffLimit"), None);
        assert_eq!(validate(&cron_job(json!({}))), []);
    }

    #[test]
    fn a_cron_job_says_what_it_breaks() {
        let table = [
            (json!({"schedule": ""}), "spec.schedule: Required value".to_owned()),
            (
                json!({"schedule": "* * * *"}),
                "spec.schedule: Invalid value: \"* * * *\": expected exactly 5 fields, found 4: [* * * *]".to_owned(),
            ),
            (
                json!({"schedule": "TZ=UTC * * * * *"}),
                "spec.schedule: Invalid value: \"TZ=UTC * * * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead".to_owned(),
            ),
            (
                json!({"startingDeadlineSeconds": -1}),
                "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0".to_owned(),
            ),
            (json!({"timeZone": "Europe/Berlin"}), String::new()),
            (
                json!({"timeZone": "Moon/Crater"}),
                "spec.timeZone: Invalid value: \"Moon/Crater\": unknown time zone Moon/Crater".to_owned(),
            ),
            (
                json!({"concurrencyPolicy": "Wait"}),
                "spec.concurrencyPolicy: Unsupported value: \"Wait\": supported values: \"Allow\", \"Forbid\", \"Replace\"".to_owned(),
            ),
            (
                json!({"failedJobsHistoryLimit": -1}),
                "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0".to_owned(),
            ),
        ];
        for (change, message) in table {
            assert_eq!(messages(validate(&cron_job(change))), message);
        }
    }

    #[test]
    fn the_template_leaves_the_selector_to_its_jobs() {
        let mut cron_job = cron_job(json!({}));
        let job = &mut cron_job["spec"]["jobTemplate"]["spec"];
        job["selector"] = json!({});
        job["manualSelector"] = json!(true);
        job["template"]["spec"]["restartPolicy"] = json!("Always");

        assert_eq!(
            messages(validate(&cron_job)),
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"\n\
             spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated\n\
             spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: \"nil\", \"false\""
        );
    }

    #[test]
    fn the_name_leaves_room_for_the_names_of_jobs() {
        let mut cron_job = cron_job(json!({}));
        let name = "x".repeat(53);
        cron_job["metadata"]["name"] = json!(name);

        assert_eq!(
            messages(validate(&cron_job)),
            format!("metadata.name: Invalid value: \"{name}\": must be no more than 52 characters")
        );
        assert_eq!(validate_update(&cron_job, &cron_job), []);
    }

    #[test]
    fn a_schedule_with_a_time_zone_may_go_on() {
        let old = cron_job(json!({"schedule": "TZ=UTC 0 * * * *"}));
        let both = cron_job(json!({"schedule": "TZ=UTC 0 * * * *", "timeZone": "UTC"}));

        assert_eq!(validate_update(&old, &old), []);
        assert_eq!(
            messages(validate_update(&both, &old)),
            "spec.schedule: Invalid value: \"TZ=UTC 0 * * * *\": cannot use both timeZone field and TZ or CRON_TZ in schedule"
        );
    }

    fn messages(causes: Vec<Cause>) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn cron_job(change: Value) -> Value {
        let pod_spec =
            json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "a"}]});
        let mut cron_job = json!({
            "metadata": {"name": "c", "namespace": "default"},
            "spec": {
                "schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": {"spec": pod_spec}}},
            },
        });
        cron_job["spec"].as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        apply_defaults(&mut cron_job);
        cron_job
    }
}
