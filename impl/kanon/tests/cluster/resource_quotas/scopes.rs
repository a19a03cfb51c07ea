//! Quotas that are only about some pods.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{PODS, World, pod};
use crate::support::{Outcome, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_quota_may_be_about_pods_that_end_by_themselves", terminating),
        trial("a_quota_may_be_about_pods_that_ask_for_nothing", best_effort),
    ]
}

/// Runs a pod, of which `uses` is counted by one quota and nothing by the other.
async fn is_counted(world: &World, pod: Value, by: &str, not_by: &str, uses: Value) -> Outcome {
    world.raw.post(PODS, &pod).await?;
    world.uses(by, uses).await?;
    world.uses(not_by, json!({})).await?;
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    world.raw.delete(&format!("{PODS}/{name}")).await?;
    world.uses(by, json!({})).await
}

/// Conformance: ResourceQuota should verify ResourceQuota with terminating scopes.
async fn terminating() -> Outcome {
    let world = World::new().await?;
    let hard = json!({"pods": "5", "requests.cpu": "1", "requests.memory": "500Mi",
        "limits.cpu": "2", "limits.memory": "1Gi"});
    for (name, scope) in [("ends", "Terminating"), ("stays", "NotTerminating")] {
        world.quota(name, json!({"hard": hard, "scopes": [scope]}), json!({})).await?;
    }
    let resources = json!({"requests": {"cpu": "500m", "memory": "200Mi"},
        "limits": {"cpu": "1", "memory": "400Mi"}});
    let uses = json!({"pods": "1", "requests.cpu": "500m", "requests.memory": "200Mi",
        "limits.cpu": "1", "limits.memory": "400Mi"});

    is_counted(&world, pod("a", resources.clone()), "stays", "ends", uses.clone()).await?;
    let mut short = pod("b", resources);
    short["spec"]["activeDeadlineSeconds"] = json!(3600);
    is_counted(&world, short, "ends", "stays", uses).await
}

/// Conformance: ResourceQuota should verify ResourceQuota with best effort scope.
async fn best_effort() -> Outcome {
    let world = World::new().await?;
    for (name, scope) in [("best", "BestEffort"), ("sure", "NotBestEffort")] {
        let spec = json!({"hard": {"pods": "5"}, "scopes": [scope]});
        world.quota(name, spec, json!({})).await?;
    }
    let uses = json!({"pods": "1"});

    is_counted(&world, pod("a", json!({})), "best", "sure", uses.clone()).await?;
    let resources = json!({"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}});
    is_counted(&world, pod("b", resources), "sure", "best", uses).await
}
