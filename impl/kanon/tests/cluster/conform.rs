//! The bridge, as a user crosses it.

use libtest_mimic::Trial;

use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_walk_of_the_model_replays_on_a_cluster", walks),
        trial("a_kubeconfig_that_points_nowhere_is_one_line", nowhere),
    ]
}

async fn walks() -> Outcome {
    let cluster = Cluster::simulated(&[])?;

    let output = cluster.conform(&["run", "--output", "json"])?;

    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let requests = report["requests"].as_u64().unwrap_or(0);
    ensure(report["failed"] == 0 && requests > 100, report)
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
