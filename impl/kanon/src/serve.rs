//! The process of a cluster: its parts wired together, told how far they are, stopped in order.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use api::resources;
use api::trace::Origin;
use apiserver::User;
use controllers::kubernetes_endpoints::Advertised;
use controllers::{Config, Timeouts};
use host::informer::Informers;
use host::transport::Transport;
use host::{
    ApiServer, Local, Trace, bootstrap, controller_loop, http_server, kubernetes_endpoints,
    scheduler_loop, tls,
};
use scheduler::Scheduler;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::control::{self, Order, Received};
use crate::demo;
use crate::failure::{Failure, While};
use crate::nodes::Nodes;
use crate::pki::{self, Pki};
use crate::profile::{Profile, Running, Settings, write_private};
use crate::steps::Steps;
use crate::storage;

/// Begins the line that tells why a start failed.
pub(crate) const FAILED: &str = "failed: ";
/// The line after which a cluster is up.
pub(crate) const STARTED: &str = "started";
/// What the step line says that tells of `/readyz`.
pub(crate) const READY: &str = "API server ready";

/// How long history is kept; upstream's default.
const COMPACTION_PERIOD: Duration = Duration::from_secs(300);

/// How many threads run the cluster's tasks.
const WORKERS: usize = 2;

/// The process that `kanon start` has started.
pub(crate) fn as_daemon(folder: &Path) -> Result<ExitCode, Failure> {
    let mut steps = Steps::on_stdout();
    let unnamed = Profile { name: String::new(), folder: folder.to_owned() };
    let settings = unnamed.settings()?;
    let profile = Profile { name: settings.profile.clone(), folder: folder.to_owned() };
    let started = |_: &Running| {
        let mut steps = Steps::on_stdout();
        steps.line(STARTED);
        silence_stdout()
    };
    match run(&profile, &settings, Steps::on_stdout(), started) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) => {
            steps.line(&format!("{FAILED}{failure}"));
            Err(failure)
        }
    }
}

/// Lets go of the pipe to the process that has started this one.
fn silence_stdout() -> Result<(), Failure> {
    let null = File::options().write(true).open("/dev/null").while_doing("/dev/null")?;
    nix::unistd::dup2_stdout(null).while_doing("closing the standard output")
}

/// Runs a cluster until it is told to stop. `started` is called once its nodes are Ready.
pub(crate) fn run(
    profile: &Profile,
    settings: &Settings,
    steps: Steps,
    started: impl FnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let _lock = profile.lock()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .while_doing("starting threads")?;
    let result = runtime.block_on(cluster(profile, settings, steps, started));
    runtime.shutdown_timeout(Duration::from_secs(1));
    // The lock tells whether a cluster runs; a stale file misleads nobody.
    drop(std::fs::remove_file(profile.path("running.json")));
    result
}

async fn cluster(
    profile: &Profile,
    settings: &Settings,
    mut steps: Steps,
    started: impl FnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let plane = ControlPlane::start(profile, settings, &mut steps).await?;
    let mut nodes = Nodes::new(profile, settings, plane.server.clone(), plane.trace.clone());
    for index in 1..=settings.nodes {
        nodes.start(index).await?;
    }
    wait_until_ready(&plane, &nodes, settings).await?;
    if settings.nodes > 0 {
        steps.done(&format!("{} Ready", count(settings.nodes, "node")));
    }
    if settings.demo {
        let address = demo::run(&plane.server, Duration::from_secs(settings.wait)).await?;
        steps.done(&format!("pod default/hello Running at {address}"));
    }
    let running = Running {
        pid: std::process::id(),
        server: plane.address.clone(),
        nodes: nodes.names(),
        runtime: settings.runtime,
    };
    let path = profile.path("running.json");
    let text = serde_json::to_vec_pretty(&running).while_doing(path.display())?;
    write_private(&path, &text).while_doing(path.display())?;
    let (sender, orders) = mpsc::unbounded_channel();
    control::listen(profile, sender)?;
    started(&running)?;
    obey(&mut nodes, orders).await
}

fn count(number: u16, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// The parts that every cluster has one of.
struct ControlPlane {
    server: ApiServer,
    trace: Trace,
    address: String,
}

impl ControlPlane {
    async fn start(
        profile: &Profile,
        settings: &Settings,
        steps: &mut Steps,
    ) -> Result<Self, Failure> {
        let trace = match &settings.trace {
            Some(path) => Trace::to_file(path).while_doing(path.display())?,
            None => Trace::off(),
        };
        let (storage, opened) = storage::open(profile, settings.etcd.as_ref()).await?;
        steps.done(&opened);
        let pki = pki::load_or_create(&profile.path("pki"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))
            .await
            .while_doing(format!("port {} (choose another with --port)", settings.port))?;
        let port = listener.local_addr().while_doing("listening")?.port();
        let address = format!("https://127.0.0.1:{port}");
        let api_settings = host::Settings {
            default_toleration_seconds: settings.default_toleration_seconds,
            keys: pki.token_keys.clone(),
        };
        let server = ApiServer::new(storage, trace.clone(), api_settings);
        serve_tls(&server, &pki, listener)?;
        let admin = Local::new(server.clone(), pki::admin(), "kube-apiserver", 0);
        bootstrap::bootstrap(&admin, port).await.while_doing("first objects")?;
        keep_endpoints(admin, port);
        steps.done(&format!("{READY} at {address}"));
        let plane = Self { server, trace, address };
        if !settings.api_server_only {
            plane.start_controllers(settings, &pki);
            plane.start_scheduler();
            steps.done("controllers and scheduler started");
        }
        Ok(plane)
    }

    fn start_controllers(&self, settings: &Settings, pki: &Pki) {
        let config = Config {
            root_ca: pki.authority_pem.clone(),
            timeouts: Timeouts {
                monitor_grace_period_seconds: settings.node_monitor_grace_period,
                ..Timeouts::default()
            },
            ..Config::default()
        };
        let (transport, origin) = self.component("kube-controller-manager");
        let controllers = controllers::all(&config);
        let informers = Informers::start(
            Arc::clone(&transport),
            resources::ALL,
            controllers.len(),
            self.trace.clone(),
            origin,
        );
        for (subscriber, controller) in controllers.into_iter().enumerate() {
            let (informers, transport) = (informers.clone(), Arc::clone(&transport));
            let task = controller_loop::run(controller, subscriber, informers, transport);
            let task = tokio::spawn(task).abort_handle();
            self.server.components().add_to_controller_manager(task);
        }
    }

    fn start_scheduler(&self) {
        let (transport, origin) = self.component("kube-scheduler");
        let watched = [&resources::NODES, &resources::PODS];
        let trace = self.trace.clone();
        let informers = Informers::start(Arc::clone(&transport), &watched, 1, trace, origin);
        let scheduler = Scheduler::new(scheduler::DEFAULT_SCHEDULER);
        let task = tokio::spawn(scheduler_loop::run(scheduler, informers, transport));
        self.server.components().add_to_scheduler(task.abort_handle());
    }

    fn component(&self, name: &str) -> (Arc<dyn Transport>, Origin) {
        let user = User { name: format!("system:{name}"), ..User::default() };
        let origin = Origin::new(name, 0);
        self.trace.acted(&origin, "started", String::new(), "", serde_json::Value::Null);
        (Arc::new(Local::new(self.server.clone(), user, name, 0)), origin)
    }
}

fn serve_tls(server: &ApiServer, pki: &Pki, listener: TcpListener) -> Result<(), Failure> {
    let tls = tls::server_config(&pki.authority_pem, &pki.server).while_doing("TLS")?;
    tokio::spawn(http_server::serve(listener, tls, server.clone()));
    tokio::spawn(server.storage().clone().compact_every(COMPACTION_PERIOD));
    Ok(())
}

/// Keeps the endpoints of the `kubernetes` service. A machine without a network has no address to tell.
fn keep_endpoints(admin: Local, port: u16) {
    let ip = node::machine_address();
    if ip.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback()) {
        tokio::spawn(async move {
            kubernetes_endpoints::keep(&admin, &Advertised { ip, port }).await;
        });
    }
}

/// Waits until every node is Ready, as anyone who watches nodes would see it.
async fn wait_until_ready(
    plane: &ControlPlane,
    nodes: &Nodes,
    settings: &Settings,
) -> Result<(), Failure> {
    let mut published = plane.server.storage().subscribe();
    let ready = async {
        loop {
            let store = published.borrow_and_update().clone();
            if nodes.names().iter().all(|name| apiserver::is_node_ready(&store, name)) {
                return;
            }
            if published.changed().await.is_err() {
                return;
            }
        }
    };
    let patience = Duration::from_secs(settings.wait);
    tokio::time::timeout(patience, ready)
        .await
        .map_err(|_| Failure::cannot(format!("the nodes are not Ready after {} s", settings.wait)))
}

/// Carries out orders until one, or a signal, says stop.
async fn obey(
    nodes: &mut Nodes,
    mut orders: mpsc::UnboundedReceiver<Received>,
) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).while_doing("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).while_doing("signals")?;
    loop {
        let received = tokio::select! {
            Some(received) = orders.recv() => Some(received),
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        };
        let Some(received) = received else { return nodes.stop_all().await };
        match received.order.clone() {
            Order::Stop => {
                let result = nodes.stop_all().await;
                received.answer(result.as_ref().copied().map_err(Failure::to_string));
                return result;
            }
            Order::StopNode(name) => {
                let result = nodes.stop(&name).await;
                received.answer(result.map_err(|failure| failure.to_string()));
            }
            Order::StartNode(name) => {
                let result = nodes.restart(&name).await;
                received.answer(result.map_err(|failure| failure.to_string()));
            }
        }
    }
}
