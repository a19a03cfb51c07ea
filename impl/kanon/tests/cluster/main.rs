//! Whole clusters, started by the command as a user starts them.
//!
//! Real containers need root and `/bin/busybox`, kubectl's trials need kubectl (some of an older version), that
//! of the Python client needs the client; without them they are reported as ignored, by name.

mod bad_input;
mod certificates;
mod client_certificates;
mod components;
mod conform;
mod containers;
mod controllers;
mod devices;
mod durability;
mod etcd_servers;
mod events;
mod health_server;
mod hostile;
mod kubectl;
mod kubectl_apply;
mod kubectl_autoscaling;
mod kubectl_stateful_sets;
mod kubectl_versions;
mod lifecycle;
mod machine;
mod metrics;
mod moving;
mod official;
mod port_forwards;
mod privacy;
mod proxies;
mod python_client;
mod raw;
mod resource_quotas;
mod scheduling;
mod service_accounts;
mod support;
mod typed_client;
mod unread_watches;
mod volumes;
mod wire;

use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    if health_server::is_wanted() {
        health_server::run().expect("its port is free");
    }
    host::tls::install_provider();
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = [
        lifecycle::trials(),
        machine::trials(),
        metrics::trials(),
        durability::trials(),
        etcd_servers::trials(),
        events::trials(),
        typed_client::trials(),
        moving::trials(),
        port_forwards::trials(),
        privacy::trials(),
        proxies::trials(),
        bad_input::trials(),
        resource_quotas::trials(),
        scheduling::trials(),
        service_accounts::trials(),
        certificates::trials(),
        client_certificates::trials(),
        components::trials(),
        conform::trials(),
        hostile::trials(),
        unread_watches::trials(),
        containers::trials(),
        controllers::trials(),
        devices::trials(),
        volumes::trials(),
        wire::trials(),
        kubectl::trials(),
        kubectl_apply::trials(),
        kubectl_autoscaling::trials(),
        kubectl_stateful_sets::trials(),
        kubectl_versions::trials(),
        python_client::trials(),
        official::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    official::end();
    conclusion.exit_code()
}
