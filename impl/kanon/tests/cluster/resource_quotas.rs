//! ResourceQuotas: what is used is counted when it comes and when it goes. The official conformance tests.

mod kinds;
mod scopes;
mod status;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{Cluster, Outcome, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    [kinds::trials(), scopes::trials(), status::trials()].into_iter().flatten().collect()
}

const QUOTAS: &str = "/api/v1/namespaces/limited/resourcequotas";
const PODS: &str = "/api/v1/namespaces/limited/pods";

/// A cluster with a namespace `limited` that gets quotas.
struct World {
    raw: Raw,
    /// Deleted with the world.
    _cluster: Cluster,
}

impl World {
    async fn new() -> Result<Self, Failed> {
        let cluster = Cluster::simulated(&["--nodes", "1"])?;
        let raw = Raw(cluster.client().await?);
        raw.post("/api/v1/namespaces", &json!({"metadata": {"name": "limited"}})).await?;
        eventually("pods can be made", || async {
            Ok(Some(raw.get("/api/v1/namespaces/limited/serviceaccounts/default").await?))
        })
        .await?;
        Ok(Self { raw, _cluster: cluster })
    }

    /// Makes a quota and waits until nothing of what it limits is used, but what is listed.
    async fn quota(&self, name: &str, spec: Value, used: Value) -> Outcome {
        self.raw.post(QUOTAS, &json!({"metadata": {"name": name}, "spec": spec})).await?;
        self.uses(name, used).await
    }

    /// Waits until so much is used, and nothing of what is not listed.
    async fn uses(&self, name: &str, used: Value) -> Outcome {
        let says = || async {
            let quota = self.raw.get(&format!("{QUOTAS}/{name}")).await?;
            let mut expected = quota["spec"]["hard"].clone();
            for (name, amount) in expected.as_object_mut().into_iter().flatten() {
                *amount = used.get(name).cloned().unwrap_or_else(|| json!("0"));
            }
            let status = &quota["status"];
            let is_said = status["used"] == expected && status["hard"] == quota["spec"]["hard"];
            Ok(is_said.then_some(()))
        };
        eventually(&format!("{name} says that {used} is used"), says).await
    }
}

fn pod(name: &str, resources: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [
        {"name": "c", "image": "busybox:1.35", "resources": resources}]}})
}
