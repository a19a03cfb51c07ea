//! Keeps the IPAddresses of Services what they should be, for an API server.

use std::sync::Arc;

use api::trace::Origin;
use api::{ApiResource, resources};
use controllers::Controller;
use controllers::ip_address_repair::IpAddressRepair;

use crate::informer::Informers;
use crate::metrics::Metrics;
use crate::transport::Transport;
use crate::{Tasks, Trace, controller_loop};

const WATCHED: [&ApiResource; 3] =
    [&resources::SERVICES, &resources::IP_ADDRESSES, &resources::SERVICE_CIDRS];

/// Repairs what somebody has changed by hand, for ever. It is no component, so a trace does not know it.
pub async fn keep(transport: Arc<dyn Transport>, metrics: Metrics) {
    let mut tasks = Tasks::default();
    let origin = (Trace::off(), Origin::new("kube-apiserver", 0));
    let informers = Informers::start(&mut tasks, Arc::clone(&transport), &WATCHED, origin);
    let controllers: Vec<Box<dyn Controller>> = vec![Box::new(IpAddressRepair::default())];
    controller_loop::run(controllers, informers, transport, metrics).await;
}
