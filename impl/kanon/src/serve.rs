//! The process of a cluster: its parts wired together, told how far they are, stopped in order.

mod elsewhere;

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use api::resources;
use apiserver::{User, keys};
use controllers::Config;
use controllers::kubernetes_endpoints::Advertised;
use host::http_server::Door;
use host::transport::Transport;
use host::{ApiServer, Local, Trace, bootstrap, ip_address_repair, kubernetes_endpoints, tls};
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::Part;
use crate::components::{Starter, Way};
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

/// How long answers that are under way may take when a cluster stops.
const DRAIN: Duration = Duration::from_secs(3);

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
    steps: Steps,
    started: impl FnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match &settings.kubeconfig {
        Some(file) => elsewhere::run(profile, settings, file, steps, started).await,
        None => here(profile, settings, steps, started).await,
    }
}

/// A cluster of our own.
async fn here(
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
    wait_until_up(&plane, &nodes, settings).await?;
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
        is_elsewhere: false,
    };
    let orders = hear_orders(profile, &running)?;
    started(&running)?;
    let obeyed = obey(Some(&mut nodes), orders).await;
    plane.door.close(DRAIN).await;
    obeyed
}

/// Tells other processes that this one is up, and hears their orders from now on.
fn hear_orders(
    profile: &Profile,
    running: &Running,
) -> Result<mpsc::UnboundedReceiver<Received>, Failure> {
    let path = profile.path("running.json");
    let text = serde_json::to_vec_pretty(running).while_doing(path.display())?;
    write_private(&path, &text).while_doing(path.display())?;
    let (sender, orders) = mpsc::unbounded_channel();
    control::listen(profile, sender)?;
    Ok(orders)
}

fn trace(settings: &Settings) -> Result<Trace, Failure> {
    match &settings.trace {
        Some(path) => Trace::to_file(path).while_doing(path.display()),
        None => Ok(Trace::off()),
    }
}

fn count(number: u16, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// The parts that every cluster has one of.
struct ControlPlane {
    server: ApiServer,
    trace: Trace,
    address: String,
    door: Door,
}

impl ControlPlane {
    async fn start(
        profile: &Profile,
        settings: &Settings,
        steps: &mut Steps,
    ) -> Result<Self, Failure> {
        let trace = trace(settings)?;
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
            feature_gates: settings.feature_gates.clone(),
            event_ttl: settings.event_ttl,
        };
        let server = ApiServer::new(storage, trace.clone(), api_settings);
        let door = serve_tls(&server, &pki, listener)?;
        let admin = Local::new(server.clone(), pki::admin(), "kube-apiserver", 0);
        bootstrap::bootstrap(&admin, port).await.while_doing("first objects")?;
        let metrics = server.metrics().clone();
        tokio::spawn(ip_address_repair::keep(Arc::new(admin.clone()), metrics));
        keep_endpoints(admin, port);
        steps.done(&format!("{READY} at {address}"));
        let plane = Self { server, trace, address, door };
        plane
            .start_components(profile, settings, &config(profile, settings.nodes, &pki), steps)
            .await?;
        Ok(plane)
    }

    async fn start_components(
        &self,
        profile: &Profile,
        settings: &Settings,
        config: &Config,
        steps: &mut Steps,
    ) -> Result<(), Failure> {
        let way = Way::Local(self.server.clone());
        let identity = profile.identity()?;
        self.keep_folders(config.volumes_root.clone());
        let starter = Starter { way: &way, trace: &self.trace, identity: &identity };
        let started = starter.start(settings, config, self.server.components()).await?;
        let names: Vec<&str> = started.iter().map(|(name, _)| *name).collect();
        if !names.is_empty() {
            steps.done(&format!("{} started", names.join(" and ")));
        }
        Ok(())
    }

    /// Removes the folders of volumes that are deleted. It is no component, so the trace does not know it.
    fn keep_folders(&self, volumes_root: String) {
        let user = User { name: "system:local-path".to_owned(), ..User::default() };
        let transport: Arc<dyn Transport> =
            Arc::new(Local::new(self.server.clone(), user, "local-path", 0));
        tokio::spawn(node::remove_folders(volumes_root, transport));
    }
}

/// Where the folders of volumes lie.
fn volumes_root(profile: &Profile) -> String {
    profile.path("volumes").display().to_string()
}

/// What the controllers of a cluster of our own are told.
fn config(profile: &Profile, nodes: u16, pki: &Pki) -> Config {
    Config {
        volumes_root: volumes_root(profile),
        root_ca: pki.authority_pem.clone(),
        certificate_reader: Some(pki.signer.clone()),
        authority: Some(pki.signer.clone()),
        token_signer: Some(pki.token_keys.clone()),
        pod_network: Some(Nodes::pod_network(&profile.folder, nodes)),
        balances_services: true,
        ..Config::default()
    }
}

fn serve_tls(server: &ApiServer, pki: &Pki, listener: TcpListener) -> Result<Door, Failure> {
    let clients = tls::Clients::of(&pki.authority_pem).while_doing("TLS")?;
    let tls = tls::server_config(&clients, &pki.server).while_doing("TLS")?;
    tokio::spawn(server.storage().clone().compact_every(COMPACTION_PERIOD));
    Ok(Door::open(listener, (tls, clients), server.clone()))
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

/// Waits until every node is Ready and pods can be made, as anyone who watches would see it.
async fn wait_until_up(
    plane: &ControlPlane,
    nodes: &Nodes,
    settings: &Settings,
) -> Result<(), Failure> {
    let mut published = plane.server.storage().subscribe();
    let makes_accounts = settings.has(Part::ControllerManager)
        && settings.controllers.has("serviceaccount-controller");
    let account = keys::key(&resources::SERVICE_ACCOUNTS, Some("default"), "default");
    let has_account = |store: &Store| !makes_accounts || store.get(&account).is_some();
    // Each is asked about until it is Ready, not all of them at each change.
    let mut not_ready = nodes.names();
    let up = async {
        loop {
            let store = published.borrow_and_update().clone();
            while not_ready.pop_if(|name| apiserver::is_node_ready(&store, name)).is_some() {}
            if (has_account(&store) && not_ready.is_empty()) || published.changed().await.is_err() {
                return;
            }
        }
    };
    let patience = Duration::from_secs(settings.wait);
    if tokio::time::timeout(patience, up).await.is_ok() {
        return Ok(());
    }
    let what = match not_ready.is_empty() {
        true => {
            "the namespace default has no ServiceAccount: does another controller manager lead?"
        }
        false => "the nodes are not Ready",
    };
    Err(Failure::cannot(format!("after {} s {what}", settings.wait)))
}

/// Carries out orders until one, or a signal, says stop.
async fn obey(
    mut nodes: Option<&mut Nodes>,
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
        let order = received.as_ref().map_or(Order::Stop, |received| received.order.clone());
        let result = match (&order, nodes.as_deref_mut()) {
            (Order::Stop, Some(nodes)) => nodes.stop_all().await,
            (Order::Stop, None) => Ok(()),
            (Order::StopNode(name), Some(nodes)) => nodes.stop(name).await,
            (Order::StartNode(name), Some(nodes)) => nodes.restart(name).await,
            (Order::StopNode(_) | Order::StartNode(_), None) => {
                Err(Failure::cannot("no node runs here"))
            }
        };
        if let Some(received) = received {
            received.answer(result.as_ref().copied().map_err(Failure::to_string));
        }
        if order == Order::Stop {
            return result;
        }
    }
}
