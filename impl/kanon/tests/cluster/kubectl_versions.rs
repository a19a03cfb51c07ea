//! kubectl of other versions, where they lie beside the one that is on the path: `kubectl.1.27`.

use std::path::PathBuf;
use std::process::Output;

use libtest_mimic::{Failed, Trial};

use crate::kubectl::Kubectl;
use crate::support::{Cluster, Outcome, ensure, text, trial};

/// Up to 1.28 it reads OpenAPI v2 before it patches.
const VERSIONS: [&str; 4] = ["1.27", "1.29", "1.31", "1.33"];

const MANIFEST: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
    spec: {containers: [{name: c, image: 'busybox:1.35', env: [{name: A, value: one}]}]}\n";

pub(crate) fn trials() -> Vec<Trial> {
    VERSIONS
        .into_iter()
        .map(|version| of_version(version, "applies_and_explains", applies))
        .collect()
}

/// A trial with a kubectl of this version, skipped where there is none.
pub(crate) fn of_version<F: Future<Output = Outcome>>(
    version: &str,
    does: &str,
    body: impl FnOnce(PathBuf) -> F + Send + 'static,
) -> Trial {
    let program = program(version);
    let is_missing = program.is_none();
    let name = format!("kubectl_{}_{does}", version.replace('.', "_"));
    let body = move || body(program.unwrap_or_default());
    trial(&name, body).with_ignored_flag(is_missing)
}

fn program(version: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let kubectl = std::env::split_paths(&path).map(|folder| folder.join("kubectl"));
    let kubectl = kubectl.into_iter().find_map(|file| file.canonicalize().ok())?;
    let other = kubectl.with_file_name(format!("kubectl.{version}"));
    other.is_file().then_some(other)
}

/// A kubectl of some version, and a cluster that it has not met.
struct Trialled {
    program: PathBuf,
    cluster: Cluster,
}

impl Trialled {
    fn output(&self, arguments: &[&str]) -> Result<Output, Failed> {
        Ok(Kubectl(&self.cluster).command(&self.program).args(arguments).output()?)
    }

    fn apply(&self, manifest: &str, code: i32, expected: &str) -> Outcome {
        let file = self.cluster.file("web.yaml").to_string_lossy().into_owned();
        std::fs::write(&file, manifest)?;
        let output = self.output(&["apply", "--validate=strict", "-f", &file])?;
        let said = text(&output.stdout) + &text(&output.stderr);
        let is_as_expected = output.status.code() == Some(code) && said.contains(expected);
        ensure(is_as_expected, format!("not {expected:?}, but {}: {said}", output.status))
    }

    fn prints(&self, arguments: &[&str], expected: &str) -> Outcome {
        let output = self.output(arguments)?;
        let said = text(&output.stdout);
        let error = text(&output.stderr);
        ensure(
            said.contains(expected),
            format!("{arguments:?} printed no {expected:?}: {said}{error}"),
        )
    }
}

async fn applies(program: PathBuf) -> Outcome {
    let trialled = Trialled { program, cluster: Cluster::simulated(&["--nodes", "0"])? };

    trialled.apply(MANIFEST, 0, "created")?;
    trialled.apply(MANIFEST, 0, "unchanged")?;
    // The list of variables is merged by the key that the schema names.
    let two = MANIFEST.replace("name: A, value: one", "name: B, value: two");
    trialled.apply(&two, 0, "configured")?;
    let env = "-o=jsonpath={.spec.template.spec.containers[0].env}";
    trialled.prints(&["get", "deployment", "web", env], r#"[{"name":"B","value":"two"}]"#)?;
    let unknown = MANIFEST.replace("replicas: 0", "nope: 1");
    trialled.apply(&unknown, 1, "unknown field \"spec.nope\"")?;
    trialled.prints(&["explain", "pod.spec.volumes.configMap"], "defaultMode")?;
    let old = ["explain", "deployment.spec.strategy", "--output=plaintext-openapiv2"];
    trialled.prints(&old, "rollingUpdate")
}
