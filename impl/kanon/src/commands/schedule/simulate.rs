//! `kanon schedule simulate`: the scheduler without a cluster.

use std::fmt;
use std::process::ExitCode;

use api::resources;
use scheduler::simulation::{Simulated, simulate};
use serde::Serialize;

use super::objects::read;
use super::table::{row, write};
use crate::cli::Simulate;
use crate::failure::Failure;
use crate::output::print;
use crate::scheduling;

pub(super) fn run(arguments: &Simulate) -> Result<ExitCode, Failure> {
    let (configuration, _) = scheduling::configured(arguments.config.as_deref())?;
    let objects = read(&arguments.nodes, &scheduler::WATCHED)?;
    let pods = read(&arguments.filename, &[&resources::PODS])?;
    let pods = simulate(configuration, &objects, &pods);
    print(&Report { pods }, arguments.output);
    Ok(ExitCode::SUCCESS)
}

/// What becomes of each pod.
#[derive(Serialize)]
struct Report {
    pods: Vec<Simulated>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row(["POD", "NODE", "FEASIBLE", "SCORE", "MESSAGE"])];
        for pod in &self.pods {
            let told = |count: String| if pod.node.is_some() { count } else { String::new() };
            let nominated = pod.nominated_node_name.as_ref();
            let nominated = nominated
                .map(|node| format!("others would have to leave {node}: "))
                .unwrap_or_default();
            let score: i64 = pod.scores.values().sum();
            rows.push(vec![
                pod.pod.clone(),
                pod.node.clone().unwrap_or_else(|| "<none>".to_owned()),
                told(pod.feasible.to_string()),
                told(score.to_string()),
                nominated + pod.message.as_deref().unwrap_or_default(),
            ]);
        }
        write(formatter, &rows)
    }
}
