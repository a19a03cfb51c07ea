//! What controllers plan that do something again and again, with a fault in it.

use api::object::object_at_mut;
use api::{Request, Verb, resources};
use serde_json::{Value, json};

use super::Plant;

/// What a controller has planned, with the fault in it.
pub(super) fn planned(plant: Plant, controller: &str, requests: &mut [Request]) {
    let change: fn(&mut Value) = match (plant, controller) {
        (Plant::CronJobsHaveOtherNames, "cronjob-controller") => renamed,
        (Plant::AutoscalerIgnoresLimits, "horizontal-pod-autoscaler-controller") => enlarged,
        (Plant::AutoscalerOverwrites, "horizontal-pod-autoscaler-controller") => |body| {
            object_at_mut(body, "metadata").remove("resourceVersion");
        },
        (Plant::NodeTtlCountsWrong, "ttl-controller") => |body| {
            body["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] = json!("15");
        },
        _ => return,
    };
    let meant = requests.iter_mut().filter(|request| is_meant(request));
    meant.filter_map(|request| request.body.as_mut()).for_each(change);
}

/// Whether the fault is in a request, and not in what goes with it.
fn is_meant(request: &Request) -> bool {
    let is_job = request.verb == Verb::Create && request.resource == &resources::JOBS;
    is_job || request.subresource == "scale" || request.resource == &resources::NODES
}

fn renamed(job: &mut Value) {
    job["metadata"]["generateName"] = json!("other-");
    object_at_mut(job, "metadata").remove("name");
}

fn enlarged(scale: &mut Value) {
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    scale["spec"]["replicas"] = json!(replicas + 2);
}
