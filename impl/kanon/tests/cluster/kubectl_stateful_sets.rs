//! kubectl and StatefulSets: rolled out, looked back at, rolled back.

use libtest_mimic::Trial;

use crate::kubectl::{Kubectl, with_kubectl};
use crate::support::{Cluster, Outcome, trial};

const MANIFEST: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  replicas: 2\n  \
    serviceName: web\n  selector: {matchLabels: {app: web}}\n  template:\n    \
    metadata: {labels: {app: web}}\n    \
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: 'busybox:1.35'}]}\n";

/// A claim that no volume is made for.
const CLAIM: &str = "  volumeClaimTemplates:\n  - metadata: {name: data}\n    \
    spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}\n  \
    persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}\n";

pub(crate) fn trials() -> Vec<Trial> {
    with_kubectl(vec![
        trial("kubectl_rolls_a_stateful_set_out_and_back", rollouts),
        trial("kubectl_deletes_the_claims_of_a_stateful_set_with_it", claims),
    ])
}

async fn rollouts() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);
    let path = cluster.file("web.yaml").to_string_lossy().into_owned();
    std::fs::write(&path, MANIFEST)?;
    let status = ["rollout", "status", "statefulset/web", "--timeout=60s"];

    kubectl.prints(&["apply", "-f", &path], "created")?;
    kubectl.prints(&status, "roll out complete")?;
    kubectl.prints(&["get", "statefulset", "web"], "2/2")?;
    kubectl.prints(&["set", "image", "statefulset/web", "c=busybox:1.36"], "image updated")?;
    kubectl.prints(&status, "roll out complete")?;
    kubectl.prints(&["rollout", "history", "statefulset/web"], "\n2 ")?;
    let history = ["rollout", "history", "statefulset/web", "--revision=1"];
    kubectl.prints(&history, "busybox:1.35")?;
    kubectl.prints(&["rollout", "undo", "statefulset/web"], "rolled back")?;
    kubectl.prints(&status, "roll out complete")?;
    let image = "jsonpath={.spec.containers[0].image}";
    kubectl.prints(&["get", "pod", "web-1", "-o", image], "busybox:1.35")?;
    kubectl.prints(&["rollout", "history", "statefulset/web"], "\n3 ")?;
    kubectl.prints(&["describe", "statefulset", "web"], "SuccessfulDelete")?;
    kubectl.prints(&["scale", "statefulset", "web", "--replicas=0"], "scaled")?;
    kubectl.prints(&["wait", "pod/web-0", "--for=delete", "--timeout=60s"], "")
}

async fn claims() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);
    let path = cluster.file("web.yaml").to_string_lossy().into_owned();
    std::fs::write(&path, [MANIFEST, CLAIM].concat())?;

    kubectl.prints(&["apply", "-f", &path], "created")?;
    let owner = "--for=jsonpath={.metadata.ownerReferences[0].kind}=StatefulSet";
    kubectl.succeed(&["wait", "pod/web-0", "--for=create", "--timeout=60s"])?;
    kubectl.prints(&["wait", "pvc/data-web-0", owner, "--timeout=60s"], "condition met")?;
    kubectl.prints(
        &["get", "events"],
        "Create Claim data-web-0 Pod web-0 in StatefulSet web success",
    )?;
    kubectl.prints(&["delete", "statefulset", "web", "--timeout=60s"], "deleted")?;
    kubectl.succeed(&["wait", "pvc/data-web-0", "--for=delete", "--timeout=60s"]).map(drop)
}
