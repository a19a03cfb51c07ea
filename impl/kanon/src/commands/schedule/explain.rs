//! `kanon schedule explain`: what the plugins say of a pod, on what an API server lists.

use std::fmt;
use std::process::ExitCode;

use api::{AnyObject, Key, Request, Timestamp};
use client::Change;
use conformance::suite::Target;
use host::{Remote, requests, served};
use k8s_openapi::api::core::v1::Pod;
use scheduler::Scheduler;
use scheduler::explain::{Explained, NodeExplained};
use serde::Serialize;

use super::table::{row, write};
use crate::cli::Explain;
use crate::failure::{Failure, While};
use crate::output::print;
use crate::scheduling;

pub(super) fn run(arguments: &Explain) -> Result<ExitCode, Failure> {
    let (configuration, _) = scheduling::configured(arguments.config.as_deref())?;
    let target = Target::read(arguments.kubeconfig.as_deref()).map_err(Failure::cannot)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let objects = runtime.while_doing("starting threads")?.block_on(list(&target))?;
    let key = Key::new(&arguments.namespace, &arguments.pod);
    let pod = objects.iter().find_map(|object| pod_of(object, &key));
    let pod = pod.ok_or_else(|| Failure::cannot(format!("pods \"{}\" not found", key.name)))?;
    let mut scheduler = Scheduler::new(configuration);
    for object in &objects {
        let change = Change { old: None, new: Some(object.clone()) };
        scheduler.observe(&change, Timestamp::UNIX_EPOCH);
    }
    let explained = scheduler.explain(pod).while_doing(&key)?;
    print(&Report(explained), arguments.output);
    Ok(ExitCode::SUCCESS)
}

fn pod_of<'a>(object: &'a AnyObject, key: &Key) -> Option<&'a Pod> {
    if let AnyObject::Pod(pod) = object
        && object.key() == *key
    {
        Some(pod)
    } else {
        None
    }
}

/// All that a scheduler watches, as it is now.
async fn list(target: &Target) -> Result<Vec<AnyObject>, Failure> {
    let tls = conformance::suite::client_config(target).map_err(Failure::cannot)?;
    let remote = Remote::new(&target.server, tls, &target.token, "kanon");
    let remote = remote.while_doing(&target.server)?;
    let mut objects = vec![];
    for resource in served::of(&remote, &scheduler::WATCHED).await.while_doing(&target.server)? {
        let list = requests::perform(&remote, &Request::list(resource, "")).await;
        let list = list.while_doing(resource.plural)?;
        for item in list["items"].as_array().into_iter().flatten() {
            let object = AnyObject::decode(resource, item.to_string().as_bytes());
            objects.push(object.while_doing(resource.plural)?);
        }
    }
    Ok(objects)
}

/// What is said of a pod.
#[derive(Serialize)]
#[serde(transparent)]
struct Report(Explained);

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explained { pod, scheduler_name, node, message, nodes } = &self.0;
        let outcome = node.as_ref().map(|node| format!("would go to {node}"));
        let outcome = outcome.or_else(|| message.clone()).unwrap_or_default();
        writeln!(formatter, "{pod} ({scheduler_name}): {outcome}")?;
        if nodes.is_empty() {
            return Ok(());
        }
        writeln!(formatter)?;
        write(formatter, &filters(nodes))?;
        let scores = scores(nodes);
        if scores.len() > 1 {
            writeln!(formatter)?;
            write(formatter, &scores)?;
        }
        Ok(())
    }
}

fn filters(nodes: &[NodeExplained]) -> Vec<Vec<String>> {
    let mut rows = vec![row(["NODE", "FILTER", "VERDICT", "REASONS"])];
    for node in nodes {
        for said in &node.filters {
            rows.push(row([&node.node, said.plugin, said.verdict, &said.reasons.join(", ")]));
        }
    }
    rows
}

fn scores(nodes: &[NodeExplained]) -> Vec<Vec<String>> {
    let mut rows = vec![row(["NODE", "SCORE", "RAW", "NORMALIZED", "WEIGHT", "WEIGHTED"])];
    for node in nodes.iter().filter(|node| node.feasible) {
        for said in &node.scores {
            let numbers = [said.raw, said.normalized, said.weight, said.weighted];
            let mut cells = row([&node.node, said.plugin]);
            cells.extend(numbers.map(|number| number.to_string()));
            rows.push(cells);
        }
        rows.push(row([&node.node, "total", "", "", "", &node.total.to_string()]));
    }
    rows
}
