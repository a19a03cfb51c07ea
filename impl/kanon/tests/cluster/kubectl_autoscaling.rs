//! kubectl and HorizontalPodAutoscalers, where nobody tells what pods use.

use libtest_mimic::Trial;

use crate::kubectl::{Kubectl, with_kubectl};
use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    with_kubectl(vec![trial("kubectl_autoscales_and_is_told_that_there_are_no_metrics", autoscale)])
}

async fn autoscale() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);
    let wait = |condition: &str| {
        kubectl.prints(&["wait", "hpa/web", condition, "--timeout=60s"], "condition met")
    };

    kubectl.succeed(&["create", "deployment", "web", "--image=busybox:1.35"])?;
    let limits = ["--min=2", "--max=3", "--cpu-percent=50"];
    kubectl.prints(&[&["autoscale", "deployment", "web"][..], &limits].concat(), "autoscaled")?;
    wait("--for=jsonpath={.status.desiredReplicas}=2")?;
    kubectl.prints(&["rollout", "status", "deployment/web", "--timeout=60s"], "rolled out")?;
    kubectl.prints(&["get", "deployment", "web"], "2/2")?;
    wait("--for=condition=ScalingActive=False")?;
    let told = kubectl.succeed(&["describe", "hpa", "web"])?;
    for expected in [
        "New size: 2; reason: Current number of replicas below Spec.MinReplicas",
        "FailedGetResourceMetric",
        "unable to fetch metrics from resource metrics API: the server could not find the requested \
         resource (get pods.metrics.k8s.io)",
        "FailedComputeMetricsReplicas",
    ] {
        ensure(told.contains(expected), format!("no {expected:?} in {told}"))?;
    }
    Ok(())
}
