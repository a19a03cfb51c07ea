//! The bridge, as a user crosses it.

use libtest_mimic::Trial;

use crate::moving::{SHORT, pods_move};
use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_walk_of_the_model_replays_on_a_cluster", walks),
        trial("a_kubeconfig_that_points_nowhere_is_one_line", nowhere),
        trial("the_trace_of_a_cluster_is_allowed_and_a_changed_one_is_not", trace),
    ]
}

async fn walks() -> Outcome {
    let cluster = Cluster::simulated(&[])?;

    let output = cluster.conform(&["run", "--output", "json"])?;

    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let requests = report["requests"].as_u64().unwrap_or(0);
    ensure(report["failed"] == 0 && requests > 100, report)
}

async fn trace() -> Outcome {
    let cluster = Cluster::new();
    let file = cluster.file("trace.ndjson");
    let path = file.to_string_lossy().into_owned();
    cluster.succeed(
        &[&["start", "--runtime", "simulated", "--port", "0", "--trace", &path], SHORT].concat(),
    )?;
    pods_move(&cluster).await?;
    cluster.succeed(&["stop"])?;
    let text = std::fs::read_to_string(&file)?;

    let allowed = cluster.conform(&["validate", &path])?;
    let bind =
        text.lines().find(|line| line.contains("\"action\":\"bind\"")).ok_or("nothing is bound")?;
    std::fs::write(
        &file,
        text.replace(bind, &bind.replace("\"node\":\"node-", "\"node\":\"nowhere-")),
    )?;
    let refused = cluster.conform(&["validate", &path])?;
    std::fs::write(&file, &text[..text.len() - 10])?;
    let truncated = cluster.conform(&["validate", &path])?;

    let out = format!(
        "{}{}",
        crate::support::text(&allowed.stdout),
        crate::support::text(&allowed.stderr)
    );
    ensure(allowed.status.code() == Some(0), out)?;
    let out = crate::support::text(&refused.stdout);
    ensure(refused.status.code() == Some(1) && out.contains("POD-2"), out)?;
    ensure(truncated.status.code() == Some(3), crate::support::text(&truncated.stderr))
}

async fn nowhere() -> Outcome {
    let cluster = Cluster::new();
    let config = "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
                  clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                  users: [{name: a, user: {}}]\n";
    std::fs::write(cluster.kubeconfig(), config)?;

    let output = cluster.conform(&["run"])?;

    let line = crate::support::text(&output.stderr);
    std::fs::remove_file(cluster.kubeconfig())?;
    let is_one_line = line.lines().count() == 1 && line.contains("http://127.0.0.1:1");
    ensure(output.status.code() == Some(3) && is_one_line, line)
}
