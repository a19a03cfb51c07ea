//! What can be typed.

mod etcd;
mod kubelet;
mod parts;
mod schedule;

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use conformance::sim::{Faults, Workloads};

pub(crate) use etcd::Etcd;
pub(crate) use kubelet::Kubelet;
pub(crate) use parts::{Controllers, Part, Parts};
pub(crate) use schedule::{Explain, Schedule, Simulate};

/// Kubernetes you can check: a cluster, a model, and traces that bind them.
///
/// Exit codes: 0 holds, 1 found a violation, 2 usage, 3 could not run.
#[derive(Debug, Parser)]
#[command(name = "kanon", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cluster and return when its nodes are Ready.
    Start(Box<Start>),
    /// Tell whether a cluster runs, and what of it. Exit code 1 when it does not run.
    Status(Profile),
    /// Stop a cluster; its data stays.
    Stop(Profile),
    /// Stop a cluster and remove its data and its kubeconfig context.
    Delete(Profile),
    /// Print what the cluster's process has logged.
    Logs(Profile),
    /// Images on the cluster's nodes.
    #[command(subcommand)]
    Image(Image),
    /// One node of a running cluster.
    #[command(subcommand)]
    Node(Node),
    /// Explore the model and check every claim of `specs/`.
    Check(Box<Check>),
    /// Hold an API server or a trace against the model.
    #[command(subcommand)]
    Conform(Conform),
    /// Run the real cores under virtual time with faults, and check every step against the model.
    Sim(Sim),
    /// What the scheduler would do, and why.
    #[command(subcommand)]
    Schedule(Schedule),
    /// Measure, and print a distribution.
    #[command(subcommand)]
    Bench(Bench),
    /// The store alone, without a cluster.
    #[command(subcommand)]
    Store(Store),
    /// The process of a cluster; started by `start`.
    #[command(hide = true)]
    Serve {
        /// The folder of the cluster's data.
        #[arg(long)]
        data_dir: PathBuf,
    },
}

/// Which cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct Profile {
    /// The name of the cluster.
    #[arg(short, long, default_value = "kanon")]
    pub(crate) profile: String,
    /// Where the cluster keeps its data [default: ~/.kanon/PROFILE].
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What runs the containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    /// Real containers, without a daemon. Needs root.
    Embedded,
    /// Pods that only pretend.
    Simulated,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) profile: Profile,
    #[command(flatten)]
    pub(crate) etcd: Etcd,
    #[command(flatten)]
    pub(crate) parts: Parts,
    #[command(flatten)]
    pub(crate) kubelet: Kubelet,
    /// How many nodes, up to 64, or up to 15000 simulated ones [default: 1, and 0 without an API server].
    #[arg(long, value_parser = clap::value_parser!(u16).range(0..=15_000))]
    pub(crate) nodes: Option<u16>,
    /// What runs the containers.
    #[arg(long, value_enum, default_value = "embedded")]
    pub(crate) runtime: Runtime,
    /// Stay in this terminal until interrupted.
    #[arg(long)]
    pub(crate) foreground: bool,
    /// The port of the API server; 0 picks a free one.
    #[arg(long, default_value_t = 6443)]
    pub(crate) port: u16,
    /// Write a trace of everything to this file.
    #[arg(long)]
    pub(crate) trace: Option<PathBuf>,
    /// Seconds without a heartbeat after which a node counts as gone.
    #[arg(long, default_value_t = 50)]
    pub(crate) node_monitor_grace_period: i64,
    /// Seconds between two heartbeats of a node.
    #[arg(long, default_value_t = 10)]
    pub(crate) node_lease_renew_interval: i64,
    /// Seconds that a pod tolerates a node that is gone.
    #[arg(long, default_value_t = 300)]
    pub(crate) default_toleration_seconds: i64,
    /// How long Events stay, as `1h30m`; 0 for ever.
    #[arg(long, default_value = "1h", value_parser = span)]
    pub(crate) event_ttl: Duration,
    /// How long to wait for the nodes to be Ready, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) wait: u64,
    /// Load these images first: OCI layouts or docker archives.
    #[arg(long)]
    pub(crate) load: Vec<PathBuf>,
    /// Run a pod named `hello` of the image that `kanon image busybox` makes.
    #[arg(long)]
    pub(crate) demo: bool,
}

/// A span of time as Go writes it, which is not negative.
fn span(text: &str) -> Result<Duration, String> {
    let nanoseconds = u64::try_from(api::duration::nanoseconds(text)?);
    nanoseconds.map(Duration::from_nanos).map_err(|_| "it must not be negative".to_owned())
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Image {
    /// Load an image from an OCI layout (folder or tar) or a docker archive.
    Load {
        #[command(flatten)]
        profile: Profile,
        /// The folder or file.
        file: PathBuf,
    },
    /// Make a docker archive of an image that holds nothing but a static busybox.
    Busybox {
        /// The file to write.
        file: PathBuf,
        /// The static busybox to put in it.
        #[arg(long, default_value = "/bin/busybox")]
        busybox: PathBuf,
        /// The image's name.
        #[arg(long, default_value = crate::demo::IMAGE)]
        name: String,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Node {
    /// Stop a node as a power cut does: its kubelet and its containers are gone.
    Stop(OneNode),
    /// Start a node again.
    Start(OneNode),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OneNode {
    #[command(flatten)]
    pub(crate) profile: Profile,
    /// The node's name.
    pub(crate) name: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    /// A scenario (`scheduling`, `job`, `etcd` …) or a claim (`POD-1`); all scenarios when left out.
    pub(crate) what: Option<String>,
    /// How many nodes, in the scenarios of a cluster.
    #[arg(long)]
    pub(crate) nodes: Option<usize>,
    /// How many pods, in the scenarios of a cluster.
    #[arg(long)]
    pub(crate) pods: Option<usize>,
    /// How many replicas, in the scenarios of a cluster that have any.
    #[arg(long)]
    pub(crate) replicas: Option<usize>,
    /// How often each fault of a scenario may happen; or which may: `crash,lost-request`, `none`.
    #[arg(long)]
    pub(crate) faults: Option<String>,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Stop when so many states are known.
    #[arg(long)]
    pub(crate) max_states: Option<usize>,
    /// Stop when the search holds so much memory.
    #[arg(long, value_name = "MIB")]
    pub(crate) memory: Option<usize>,
    /// On how many threads [default: one for each core].
    #[arg(long)]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Look at every state, also at those that differ only in names.
    #[arg(long)]
    pub(crate) no_symmetry: bool,
    /// Decide no liveness: it needs every edge in memory, and more time.
    #[arg(long)]
    pub(crate) no_liveness: bool,
    /// Keep states that are not looked at yet in this folder, not in memory. Decides no liveness.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) on_disk: Option<PathBuf>,
    /// Where to keep the search of one scenario when a limit stops it. Decides no liveness.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Go on with a search that was saved.
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// So many random walks instead of a search. Decides no liveness.
    #[arg(long, value_name = "WALKS", conflicts_with_all = ["save", "resume", "on_disk"])]
    pub(crate) simulate: Option<NonZero<u64>>,
    /// The seed of the random walks.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How long a random walk is at most.
    #[arg(long, default_value_t = 1000)]
    pub(crate) steps: usize,
    /// Write the first counterexample as a page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the first counterexample as a scenario: to replay here or with `conform run --walk`.
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// Take the steps of a counterexample in the model, with and without its mutation.
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub(crate) replay: Option<PathBuf>,
    /// Replace one step by a wrong one. Exit code 1 when a claim notices.
    #[arg(long)]
    pub(crate) mutation: Option<String>,
    /// Try every mutation and tell which claim kills it.
    #[arg(long)]
    pub(crate) mutations: bool,
    /// List the claims and the mutations that each kills.
    #[arg(long)]
    pub(crate) list: bool,
    /// Browse the states at this address (`127.0.0.1:3000`).
    #[arg(long)]
    pub(crate) explore: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Conform {
    /// Replay walks of the model on an API server and report the first divergence.
    Run {
        /// The kubeconfig of the cluster [default: $KUBECONFIG, ~/.kube/config].
        #[arg(long)]
        kubeconfig: Option<PathBuf>,
        /// Replay this counterexample only, as `kanon check --export` writes it.
        #[arg(long, value_name = "FILE")]
        walk: Option<PathBuf>,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Replay traces of the model's etcd on our store: its core, on disk, and through gRPC.
    Store {
        /// Replay them on this etcd instead (`http://127.0.0.1:2379`). They compact it; keys stay as they are.
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Tell whether the model allows a trace, or the first event that it does not allow.
    Validate {
        /// The trace.
        file: PathBuf,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Sim {
    /// Play this scenario instead of a random run, and print what comes of it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "steps", "trace", "faults", "output"])]
    pub(crate) scenario: Option<PathBuf>,
    /// The same seed makes the same run.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How many steps.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) steps: u64,
    /// Write the trace to this file.
    #[arg(long)]
    pub(crate) trace: Option<PathBuf>,
    /// What may fail: a list of `crash`, `lost-request`, `refused-request`, `expired-watch`, `node-death`,
    /// `restart-store`, `container-exit`; or `all`, or `none`.
    #[arg(long, default_value = "all")]
    pub(crate) faults: Faults,
    /// What people ask for: a list of `deployments`, `stateful-sets`, `daemon-sets`, `jobs`, `services`, `budgets`,
    /// `namespaces`, `owners`, `rollouts`, `volumes`, `certificates`, `accounts`, `attachments`, `upkeep`,
    /// `periodic`, `exposure`, `devices`, `nodes`, `quotas`; or `all` [default: deployments].
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) workloads: Workloads,
    /// How many nodes; with more of them, people ask for more pods.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) nodes: u16,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Bench {
    /// Cold start to `/readyz` and to a Ready node, idle memory and CPU, size of the binary.
    Start {
        /// How many starts.
        #[arg(long, default_value = "10")]
        runs: NonZero<usize>,
        /// Seconds of idling to measure.
        #[arg(long, default_value_t = 60)]
        idle: u64,
        /// What runs the containers.
        #[arg(long, value_enum, default_value = "embedded")]
        runtime: Runtime,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// An API server: requests in a second, a long list, watches. Of a cluster that is made for it, or of
    /// another one, which it leaves with a namespace that is being deleted.
    Api {
        /// The kubeconfig of another cluster.
        #[arg(long)]
        kubeconfig: Option<PathBuf>,
        /// The address of another cluster's server, instead of the one in the kubeconfig.
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// How long each measurement of a rate takes.
        #[arg(long, default_value = "5")]
        seconds: NonZero<u64>,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// The controllers: a Deployment that comes, rolls out and goes, a namespace, a garbage collection; and
    /// what a cluster with many pods costs that nothing happens to. On simulated nodes.
    Controllers {
        /// How often the work is done, each time in a new cluster.
        #[arg(long, default_value = "5")]
        runs: NonZero<usize>,
        /// How many replicas the Deployment has; nodes for at most 5,400 are there.
        #[arg(long, default_value = "1000")]
        replicas: NonZero<usize>,
        /// How many objects the namespace has that is deleted.
        #[arg(long, default_value = "5000")]
        objects: NonZero<usize>,
        /// How many dependents are collected.
        #[arg(long, default_value = "10000")]
        dependents: NonZero<usize>,
        /// How many pods there are where nothing happens.
        #[arg(long, default_value = "50000")]
        pods: NonZero<usize>,
        /// Seconds of idling to measure.
        #[arg(long, default_value_t = 60)]
        idle: u64,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// The scheduler, in the shapes of upstream's scheduler_perf: pods in a second, the time of each, memory. On
    /// nodes without a kubelet, through an API server; each workload in a new cluster.
    Scheduler(Schedulers),
    /// The model's checker, with stateright's figures on the same slice beside; every mutation; and
    /// how fast traces are validated.
    Check {
        /// How many searches of each kind.
        #[arg(long, default_value = "3")]
        runs: NonZero<usize>,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// The store: durable puts, ranges, watches, memory, a restart.
    Store {
        /// How many keys the large store holds.
        #[arg(long, default_value = "100000")]
        keys: NonZero<usize>,
        /// How long values are.
        #[arg(long, default_value_t = 1024)]
        value_bytes: usize,
        /// How long each measurement of a rate takes.
        #[arg(long, default_value = "5")]
        seconds: NonZero<u64>,
        /// Measure puts to this etcd instead (`http://127.0.0.1:2379`). It is left with other keys.
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
}

/// What of schedulers is measured.
#[derive(Clone, Debug, Args)]
pub(crate) struct Schedulers {
    /// The core alone, in this process: what it decides comes true at once, and only its own time counts.
    #[arg(long)]
    pub(crate) core: bool,
    /// How many nodes there are; each number in turn.
    #[arg(long, value_delimiter = ',', default_value = "5000")]
    pub(crate) nodes: Vec<NonZero<usize>>,
    /// The most pods that are measured; each workload has its own number for each node.
    #[arg(long, default_value = "10000")]
    pub(crate) pods: NonZero<usize>,
    /// How many pods are there before [default: what the workload has for each node].
    #[arg(long, value_name = "PODS")]
    pub(crate) initial: Option<usize>,
    /// Only these workloads, by upstream's names [default: all].
    #[arg(long = "workload", value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) workloads: Vec<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Store {
    /// Serve a store as etcd does: its v3 API over gRPC. Stops on SIGTERM and SIGINT.
    Serve(StoreServe),
    /// Read all files of a store and tell what they hold, or the first damage (exit code 1).
    Check(StoreFolder),
    /// Forget what was before a revision.
    Compact {
        #[command(flatten)]
        folder: StoreFolder,
        /// The revision [default: the newest].
        #[arg(long)]
        revision: Option<u64>,
    },
    /// Write all that a store holds to a file.
    Snapshot {
        #[command(flatten)]
        folder: StoreFolder,
        /// The file to write.
        file: PathBuf,
    },
    /// Make a new store of such a file, or of one that `etcdctl snapshot save` got from a store.
    Restore {
        #[command(flatten)]
        folder: StoreFolder,
        /// The file.
        file: PathBuf,
    },
    /// Print a hash of all keys, the same for stores that hold the same.
    Hash(StoreFolder),
}

/// A store that no process has open.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreFolder {
    /// The folder of the store; a cluster's is `store` in its data directory.
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct StoreServe {
    /// The folder of the store.
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:2379", value_name = "ADDRESS")]
    pub(crate) listen: String,
    /// Serve with TLS, and this certificate.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub(crate) cert_file: Option<PathBuf>,
    /// The private key of the certificate.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// Clients must show a certificate that this authority has signed.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub(crate) trusted_ca_file: Option<PathBuf>,
    /// Clients must show a certificate; --trusted-ca-file alone says so too.
    #[arg(long, requires = "trusted_ca_file")]
    pub(crate) client_cert_auth: bool,
    /// Seconds after which a quiet watch is told that it is up to date, if it asked for that.
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    pub(crate) watch_progress_notify_interval: NonZero<u64>,
}
