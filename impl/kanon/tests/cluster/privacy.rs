//! What must stay with its owner: keys in files, secrets in objects; and how a watch ends with its server.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::PostParams;
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::kubectl::{Kubectl, with_kubectl};
use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let trials = vec![
        trial("a_key_is_readable_by_its_owner_only", keys),
        trial("a_watch_ends_whole_when_its_server_is_stopped", watch),
    ];
    let with_tokens = with_kubectl(vec![trial("a_secret_is_in_no_log_and_no_trace", secrets)]);
    trials.into_iter().chain(with_tokens).collect()
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut files = vec![];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(self::files(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn keys() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "1"])?;
    let mut found = 0;
    let mut files = files(&cluster.data())?;
    files.push(cluster.kubeconfig());
    for file in files {
        // Sockets cannot be read.
        let Ok(bytes) = std::fs::read(&file) else { continue };
        if contains(&bytes, "PRIVATE KEY") || contains(&bytes, "client-key-data") {
            found += 1;
            let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
            ensure(mode == 0o600, format!("{} has mode {mode:o}", file.display()))?;
        }
    }
    let store = cluster.data().join("store");
    for file in self::files(&store)?.iter().chain([&store]) {
        let others = std::fs::metadata(file)?.permissions().mode() & 0o077;
        ensure(others == 0, format!("others may do {others:o} with {}", file.display()))?;
    }
    ensure(found > 1, format!("{found} keys"))
}

async fn secrets() -> Outcome {
    let cluster = Cluster::new();
    let trace = cluster.file("trace.ndjson");
    let path = trace.display().to_string();
    cluster.succeed(&["start", "--runtime", "simulated", "--port", "0", "--trace", &path])?;
    let secrets: Api<Secret> = Api::namespaced(cluster.client().await?, "default");
    let secret: Secret = serde_json::from_value(json!({"metadata": {"name": "tried"},
        "stringData": {"password": "correct-horse-battery"}}))?;
    secrets.create(&PostParams::default(), &secret).await?;
    let kubectl = Kubectl(&cluster);
    kubectl.succeed(&["create", "serviceaccount", "robot"])?;
    let token = kubectl.succeed(&["create", "token", "robot"])?;
    let token_argument = format!("--token={}", token.trim());
    kubectl.output(&[&token_argument, "get", "pods"])?;
    let log = cluster.succeed(&["logs"])?;
    cluster.succeed(&["stop"])?;

    let trace = std::fs::read(&trace)?;
    ensure(contains(&trace, "secrets/default/tried"), "the trace tells of the Secret")?;
    let encoded = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";
    for text in ["correct-horse-battery", encoded, token.trim()] {
        ensure(!contains(&trace, text), format!("{text} is in the trace"))?;
        ensure(!log.contains(text), format!("{text} is in the log"))?;
    }
    Ok(())
}

async fn watch() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let client = cluster.client().await?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let watch =
        http::Request::get("/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0");
    let watch = client.send(watch.body(kube::client::Body::empty())?).await?;
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "last"}}))?;
    maps.create(&PostParams::default(), &map).await?;

    cluster.succeed(&["stop"])?;

    // A body that breaks off before its end is an error.
    let lines = watch.into_body().collect().await?.to_bytes();
    ensure(contains(&lines, "\"name\":\"last\""), "the last event was not told")
}
