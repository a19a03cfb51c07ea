//! The black-box suite: walks of the model, replayed over HTTP on any API server.
//!
//! The suite plays every component itself: its Pods name a scheduler that nobody runs, its Nodes have no
//! kubelet, and what its ReplicaSets own does not match their selectors, so that a cluster's own
//! controllers leave it alone. What only happens inside a component has no request and is passed over.
//!
//! A request of the model either has a body that says all there is to say, and `requests.rs` sends it; or
//! it is one of the cluster's, whose bodies the suite writes itself.

mod bodies;
mod connection;
mod filling;
mod kubeconfig;
mod nodes;
mod objects;
mod pods;
mod replay;
mod report;
mod requests;
mod resources;
mod session;
mod tls;
mod watching;

pub use kubeconfig::{CannotRun, Target};
pub use report::{Divergence, Report};
pub use session::Session;
pub use tls::{client_config, connector};

use std::path::Path;

use model::check::Options;
use model::walks::{self, Walk};

use connection::Connection;

/// The walks of the model that cover its requests, with every answer that they can have.
pub fn walks() -> Result<Vec<Walk>, CannotRun> {
    let walks = walks::covering(&Options::default());
    walks.map_err(|unknown| CannotRun(format!("the model has no walks: {unknown}")))
}

/// Replays walks on the cluster of a kubeconfig.
pub fn run_blocking(kubeconfig: Option<&Path>, walks: &[Walk]) -> Result<Report, CannotRun> {
    let target = Target::read(kubeconfig)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun(error.to_string()))?;
    runtime.block_on(run(&target, walks))
}

/// Replays walks on a cluster.
pub async fn run(target: &Target, walks: &[Walk]) -> Result<Report, CannotRun> {
    let connection = Connection::open(target).await?;
    let mut report = Report::new(target, connection.version().await?);
    for (index, walk) in walks.iter().enumerate() {
        if let Some(why) = unseen(walk) {
            report.skip(index, walk, why);
            continue;
        }
        match resources::find(&connection, walk).await? {
            Err(why) => report.skip(index, walk, why),
            Ok(resources) => {
                let result = replay::replay(&connection, index, walk, resources).await?;
                report.count(index, walk, result);
            }
        }
    }
    Ok(report)
}

/// Why a walk cannot be replayed on one API server, from outside.
fn unseen(walk: &Walk) -> Option<String> {
    if let Some(what) = resources::requests(walk).find_map(|request| request.takes) {
        return Some(format!("it takes {what}"));
    }
    let is_seen = walk.steps.iter().any(|step| step.request.is_some());
    (!is_seen).then(|| "no step of it is a request".to_owned())
}
