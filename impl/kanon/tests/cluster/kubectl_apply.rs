//! `kubectl apply`, from the client's side and from the server's, and from the one to the other.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::kubectl::{Kubectl, with_kubectl};
use crate::support::{Cluster, Outcome, ensure, trial};

const MANIFEST: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
    spec: {containers: [{name: c, image: 'busybox:1.35', env: [{name: A, value: one}]}]}\n";

pub(crate) fn trials() -> Vec<Trial> {
    with_kubectl(vec![
        trial("kubectl_applies_twice_diffs_labels_and_deletes", from_the_client),
        trial("kubectl_applies_from_the_server_and_meets_others", from_the_server),
        trial("kubectl_goes_from_one_side_to_the_other_and_back", both),
    ])
}

/// A manifest in a file, and the kubectl that applies it.
struct Manifest<'a> {
    kubectl: Kubectl<'a>,
    path: String,
}

impl<'a> Manifest<'a> {
    fn of(cluster: &'a Cluster) -> Result<Self, Failed> {
        let path = cluster.file("web.yaml").to_string_lossy().into_owned();
        let manifest = Self { kubectl: Kubectl(cluster), path };
        manifest.say("one")?;
        Ok(manifest)
    }

    /// Gives the variable `A` another value.
    fn say(&self, value: &str) -> Outcome {
        Ok(std::fs::write(&self.path, MANIFEST.replace("one", value))?)
    }

    fn output(&self, command: &[&str]) -> Result<(i32, String), Failed> {
        self.kubectl.output(&[command, &["-f", &self.path]].concat())
    }

    fn prints(&self, command: &[&str], expected: &str) -> Outcome {
        self.kubectl.prints(&[command, &["-f", &self.path]].concat(), expected)
    }

    /// Who owns fields of the Deployment: name, operation and subresource, in order.
    fn managers(&self) -> Result<Vec<String>, Failed> {
        let get = ["get", "deployment", "web", "--show-managed-fields", "-o", "json"];
        let web: Value = serde_json::from_str(&self.kubectl.succeed(&get)?)?;
        let entries = web["metadata"]["managedFields"].as_array().into_iter().flatten();
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("-").to_owned();
        let entries = entries.map(|entry| {
            ["manager", "operation", "subresource"].map(|field| text(entry, field)).join(" ")
        });
        Ok(entries.collect())
    }
}

async fn from_the_client() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let manifest = Manifest::of(&cluster)?;
    let kubectl = Kubectl(&cluster);

    manifest.prints(&["apply"], "created")?;
    manifest.prints(&["apply"], "unchanged")?;
    manifest.say("two")?;
    let (code, diff) = manifest.output(&["diff"])?;
    ensure(code == 1 && diff.contains("+          value: two"), diff)?;
    manifest.prints(&["apply"], "configured")?;
    kubectl.prints(&["label", "deployment", "web", "a=b"], "labeled")?;
    kubectl.prints(&["get", "deployment", "-l", "a=b", "--no-headers"], "web")?;
    manifest.prints(&["delete", "--wait", "--timeout=60s"], "deleted")
}

async fn from_the_server() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let manifest = Manifest::of(&cluster)?;
    let kubectl = Kubectl(&cluster);
    let apply = ["apply", "--server-side"];

    manifest.prints(&apply, "web serverside-applied")?;
    let managers = manifest.managers()?;
    ensure(managers.first().is_some_and(|first| first == "kubectl Apply -"), managers.join(", "))?;
    kubectl.succeed(&["scale", "deployment", "web", "--replicas=3"])?;
    let (code, out) = manifest.output(&apply)?;
    let told = "conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas";
    ensure(code == 1 && out.contains(told), out)?;
    manifest.say("two")?;
    let (code, diff) = manifest.output(&["diff", "--server-side", "--force-conflicts"])?;
    ensure(code == 1 && diff.contains("+          value: two"), diff)?;
    manifest.prints(&["apply", "--server-side", "--force-conflicts"], "serverside-applied")?;
    kubectl.prints(&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"], "1")?;
    let (code, diff) = manifest.output(&["diff", "--server-side"])?;
    ensure(code == 0, diff)
}

async fn both() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let manifest = Manifest::of(&cluster)?;
    let has = |manager: &str| -> Result<bool, Failed> {
        Ok(manifest.managers()?.iter().any(|found| found == manager))
    };

    manifest.prints(&["apply"], "created")?;
    ensure(has("kubectl-client-side-apply Update -")?, "client-side apply is an update")?;
    manifest.say("two")?;
    manifest.prints(&["apply", "--server-side"], "serverside-applied")?;
    ensure(has("kubectl Apply -")?, "server-side apply is an apply")?;
    ensure(!has("kubectl-client-side-apply Update -")?, "kubectl has handed its fields over")?;
    manifest.say("three")?;
    manifest.prints(&["apply"], "configured")?;
    manifest.prints(&["apply"], "unchanged")?;
    manifest.say("four")?;
    manifest.prints(&["apply", "--server-side"], "serverside-applied")
}
