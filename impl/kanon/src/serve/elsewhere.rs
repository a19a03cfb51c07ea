//! Components whose API server is somebody else's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conformance::suite::Target;
use controllers::{CertificateReader, Config};
use host::election::Standing;
use host::tls::Reader;

use super::{hear_orders, obey, trace};
use crate::components::{self, Starter, Way};
use crate::failure::{Failure, While};
use crate::profile::{Profile, Running, Settings};
use crate::steps::Steps;

/// Components for somebody else's API server.
pub(super) async fn run(
    profile: &Profile,
    settings: &Settings,
    file: &Path,
    mut steps: Steps,
    started: impl FnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let target = Target::read(Some(file)).map_err(Failure::cannot)?;
    let server = target.server.clone();
    let version = components::version(&target).await?;
    steps.done(&format!("API server {server} ({version})"));
    let root_ca = String::from_utf8_lossy(&target.authority).into_owned();
    // Signing takes the key of the cluster's authority, which is the cluster's own.
    let certificate_reader: Arc<dyn CertificateReader> = Arc::new(Reader);
    let config =
        Config { root_ca, certificate_reader: Some(certificate_reader), ..Config::default() };
    let (way, trace) = (Way::Remote(Box::new(target)), trace(settings)?);
    let identity = profile.identity()?;
    let starter = Starter { way: &way, trace: &trace, identity: &identity };
    let patience = Duration::from_secs(settings.wait);
    for (part, mut standing) in starter.start(settings, &config, &Arc::default()).await? {
        let known = standing.wait_for(|standing| *standing != Standing::Unknown);
        let known = tokio::time::timeout(patience, known).await;
        let known =
            known.map_err(|_| Failure::cannot(format!("{part}: {server} grants no Lease")))?;
        steps.done(&format!("{part} {}", known.while_doing(part)?.clone()));
    }
    let running = Running {
        pid: std::process::id(),
        server,
        nodes: vec![],
        runtime: settings.runtime,
        is_elsewhere: true,
    };
    let orders = hear_orders(profile, &running)?;
    started(&running)?;
    obey(None, orders).await
}
