//! What a node does when it runs out of memory, disk or process ids: it says so, lets fewer pods in, and ends one pod
//! after the other.
//!
//! Source: `pkg/kubelet/eviction` (v1.36). Left out: a file system of its own for images, local storage limits of
//! pods, and what must be reclaimed beyond a threshold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::Timestamp;
use api::node_fit::tolerates;
use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Pod, Taint};

use crate::admission::Rejection;
use crate::kubelet::Kubelet;
use crate::spec;
use crate::worker::Worker;

/// What may become scarce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// `memory.available`.
    MemoryAvailable,
    /// `nodefs.available`.
    NodeFsAvailable,
    /// `nodefs.inodesFree`.
    NodeFsInodesFree,
    /// `pid.available`.
    PidAvailable,
}

/// Below what a signal is too low.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Least {
    /// Bytes, inodes or processes.
    Amount(Quantity),
    /// So many hundredths of what there is.
    Percentage(f64),
}

/// When pods have to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub signal: Signal,
    /// Below what it is met.
    pub least: Least,
    /// For how long it must be met before pods go: a soft threshold. None has to wait for a hard one.
    pub grace_period: Option<Duration>,
}

/// When a node evicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Hard and soft ones.
    pub thresholds: Vec<Threshold>,
    /// For how long a condition stays after its threshold was met last (`evictionPressureTransitionPeriod`).
    pub pressure_transition_period: Duration,
    /// How long pods may take to end at a soft threshold (`evictionMaxPodGracePeriod`).
    pub max_pod_grace_period_seconds: i64,
}

impl Settings {
    /// Whether it matters what pods use of the disk, which takes long to find out.
    pub fn need_disks_of_pods(&self) -> bool {
        let of_disk = [Signal::NodeFsAvailable, Signal::NodeFsInodesFree];
        self.thresholds.iter().any(|threshold| of_disk.contains(&threshold.signal))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            thresholds: vec![],
            pressure_transition_period: Duration::from_secs(300),
            max_pod_grace_period_seconds: 0,
        }
    }
}

/// Why a threshold cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a threshold, such as memory.available<100Mi or nodefs.available<10%")]
pub struct ThresholdError(String);

impl std::str::FromStr for Threshold {
    type Err = ThresholdError;

    /// A hard threshold, as the kubelet's flags write it.
    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let parsed = text.split_once('<').and_then(|(signal, least)| {
            let signal = match signal {
                "memory.available" => Signal::MemoryAvailable,
                "nodefs.available" => Signal::NodeFsAvailable,
                "nodefs.inodesFree" => Signal::NodeFsInodesFree,
                "pid.available" => Signal::PidAvailable,
                _ => return None,
            };
            let least = match least.strip_suffix('%') {
                Some(hundredths) => Least::Percentage(hundredths.parse().ok()?),
                None => Least::Amount(Quantity::parse(least).ok()?),
            };
            Some(Self { signal, least, grace_period: None })
        });
        parsed.ok_or_else(|| ThresholdError(text.to_owned()))
    }
}

/// How much there is of something, and how much is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// What is left.
    pub available: i64,
    /// What there is in all.
    pub capacity: i64,
}

/// What a machine has left, and what pods use of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory.
    pub memory: Supply,
    /// Bytes of disk.
    pub disk: Supply,
    /// Inodes of that disk.
    pub inodes: Supply,
    /// Process ids.
    pub pids: Supply,
    /// By the pod's uid.
    pub pods: BTreeMap<String, PodUsage>,
}

/// What a pod uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodUsage {
    /// Bytes of memory, by container.
    pub memory: BTreeMap<String, i64>,
    /// Bytes of disk.
    pub disk: i64,
    /// How many processes.
    pub processes: i64,
}

/// A pod that has to go, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evicted {
    pub(crate) uid: String,
    pub(crate) message: String,
    pub(crate) grace_period_seconds: i64,
}

/// What was seen over time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Eviction {
    /// Since when thresholds are met, by their place in the settings.
    first_met: BTreeMap<usize, Timestamp>,
    /// When something was scarce last, by the type of the condition.
    last_scarce: BTreeMap<&'static str, Timestamp>,
}

/// A priority from which on a pod is critical. Source: pkg/apis/scheduling/types.go (v1.36).
const CRITICAL: i32 = 2_000_000_000;

impl Eviction {
    /// The conditions that hold: `MemoryPressure`, `DiskPressure`, `PIDPressure`.
    pub(crate) fn pressures(&self) -> BTreeSet<&'static str> {
        self.last_scarce.keys().copied().collect()
    }

    /// Hears what is left; of the pods that may go, the first that has to.
    pub(crate) fn observe<'a>(
        &mut self,
        settings: &Settings,
        usage: &Usage,
        pods: impl Iterator<Item = (&'a str, &'a Pod)>,
        now: Timestamp,
    ) -> Option<Evicted> {
        let all = settings.thresholds.iter().enumerate();
        let met: Vec<(usize, &Threshold)> = all.filter(|(_, one)| is_met(one, usage)).collect();
        self.first_met.retain(|index, _| met.iter().any(|(met, _)| met == index));
        for (index, threshold) in &met {
            self.first_met.entry(*index).or_insert(now);
            self.last_scarce.insert(condition(threshold.signal), now);
        }
        let stays = settings.pressure_transition_period;
        self.last_scarce.retain(|_, last| now < *last + stays);
        let is_due = |(index, threshold): &&(usize, &Threshold)| {
            let grace_period = threshold.grace_period.unwrap_or_default();
            self.first_met.get(index).is_some_and(|first| now >= *first + grace_period)
        };
        // Memory runs out first.
        let due = met.iter().filter(is_due).min_by_key(|(_, threshold)| threshold.signal);
        let (_, threshold) = due?;
        let evictable = pods.filter(|(_, pod)| !is_critical(pod));
        let (uid, pod) =
            evictable.min_by_key(|(uid, pod)| rank(threshold.signal, pod, usage.pods.get(*uid)))?;
        let grace_period_seconds = match threshold.grace_period {
            Some(_) => settings.max_pod_grace_period_seconds.min(spec::grace_period_seconds(pod)),
            None => 1,
        };
        let message = message(threshold, usage, pod, usage.pods.get(uid));
        Some(Evicted { uid: uid.to_owned(), message, grace_period_seconds })
    }

    /// Whether a pod may come in while something is scarce. Those that ask for memory may while only that is.
    pub(crate) fn admit(&self, pod: &Pod) -> Result<(), Rejection> {
        let pressures = self.pressures();
        let only_memory = pressures.iter().all(|one| *one == MEMORY_PRESSURE);
        let taint = Taint {
            key: "node.kubernetes.io/memory-pressure".to_owned(),
            effect: "NoSchedule".to_owned(),
            ..Taint::default()
        };
        let tolerates = || {
            let mut tolerations = spec::spec(pod).tolerations.iter().flatten();
            tolerations.any(|one| tolerates(one, &taint))
        };
        let asks = || spec::qos_class(pod) != "BestEffort" || tolerates();
        if pressures.is_empty() || is_critical(pod) || only_memory && asks() {
            return Ok(());
        }
        let listed: Vec<&str> = pressures.into_iter().collect();
        let message = format!("The node had condition: [{}]. ", listed.join(" "));
        Err(Rejection { reason: "Evicted", message })
    }
}

impl Kubelet {
    /// Ends a pod if the node runs out of something, one at a time, and says so of the node.
    pub(crate) fn evict(&mut self, usage: &Usage) {
        let active = self.workers.iter().filter(|(_, one)| one.is_active() && !one.is_static);
        let is_leaving = self.workers.values().any(Worker::is_leaving);
        let pods = active.map(|(uid, worker)| (uid.as_str(), &*worker.pod));
        let settings = &self.context.config.eviction;
        let evicted = self.eviction.observe(settings, usage, pods, self.context.now);
        self.node.set_pressures(self.eviction.pressures(), self.context.now);
        let Some(evicted) = evicted.filter(|_| !is_leaving) else { return };
        if let Some(worker) = self.workers.get_mut(&evicted.uid) {
            worker.evict(&mut self.context, &evicted);
        }
        self.sync(&evicted.uid);
    }
}

const MEMORY_PRESSURE: &str = "MemoryPressure";

fn condition(signal: Signal) -> &'static str {
    match signal {
        Signal::MemoryAvailable => MEMORY_PRESSURE,
        Signal::NodeFsAvailable | Signal::NodeFsInodesFree => "DiskPressure",
        Signal::PidAvailable => "PIDPressure",
    }
}

fn supply(signal: Signal, usage: &Usage) -> Supply {
    match signal {
        Signal::MemoryAvailable => usage.memory,
        Signal::NodeFsAvailable => usage.disk,
        Signal::NodeFsInodesFree => usage.inodes,
        Signal::PidAvailable => usage.pids,
    }
}

fn least(threshold: &Threshold, usage: &Usage) -> Quantity {
    match threshold.least {
        Least::Amount(amount) => amount,
        Least::Percentage(hundredths) => {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "upstream counts a share in floating point, too"
            )]
            let share =
                (supply(threshold.signal, usage).capacity as f64 * hundredths / 100.0) as i64;
            Quantity::from_bytes(share)
        }
    }
}

/// A machine that says nothing of a signal is not short of it.
fn is_met(threshold: &Threshold, usage: &Usage) -> bool {
    let supply = supply(threshold.signal, usage);
    supply.capacity > 0 && supply.available < least(threshold, usage).value()
}

fn is_critical(pod: &Pod) -> bool {
    spec::spec(pod).priority.is_some_and(|priority| priority >= CRITICAL)
}

/// The first goes first: who uses more than it asked for, the less important, who uses the most beyond that.
///
/// Source: `rankMemoryPressure`, `rankDiskPressureFunc`, `rankPIDPressure` of pkg/kubelet/eviction/helpers.go (v1.36).
fn rank(signal: Signal, pod: &Pod, usage: Option<&PodUsage>) -> (bool, i32, Reverse<i64>) {
    let priority = spec::spec(pod).priority.unwrap_or(0);
    let used = |of: fn(&PodUsage) -> i64| usage.map_or(0, of);
    let beyond = match signal {
        Signal::MemoryAvailable => {
            used(|usage| usage.memory.values().sum()) - spec::pod_requests(pod).1
        }
        Signal::NodeFsAvailable => used(|usage| usage.disk) - disk_requests(pod),
        Signal::NodeFsInodesFree => used(|usage| usage.disk),
        Signal::PidAvailable => return (false, priority, Reverse(used(|usage| usage.processes))),
    };
    (beyond <= 0, priority, Reverse(beyond))
}

/// Bytes of the disk that a pod asks for.
fn disk_requests(pod: &Pod) -> i64 {
    let requests = spec::containers(pod).iter().map(|one| spec::request(one, "ephemeral-storage"));
    requests.flatten().map(Quantity::value).sum()
}

/// Source: `evictionMessage` of pkg/kubelet/eviction/helpers.go (v1.36).
fn message(threshold: &Threshold, usage: &Usage, pod: &Pod, used: Option<&PodUsage>) -> String {
    let resource = match threshold.signal {
        Signal::MemoryAvailable => "memory",
        Signal::NodeFsAvailable => "ephemeral-storage",
        Signal::NodeFsInodesFree => "inodes",
        Signal::PidAvailable => "pids",
    };
    let available = Quantity::from_bytes(supply(threshold.signal, usage).available);
    let quantity = least(threshold, usage);
    let mut message = format!(
        "The node was low on resource: {resource}. Threshold quantity: {quantity}, available: {available}. "
    );
    if threshold.signal != Signal::MemoryAvailable {
        return message;
    }
    for container in spec::all_containers(pod) {
        let used = used.and_then(|used| used.memory.get(&container.name)).copied().unwrap_or(0);
        let request = spec::request(container, "memory").unwrap_or_default();
        if used > request.value() {
            let used = Quantity::from_bytes(used);
            message.push_str(&format!(
                "Container {} was using {used}, request is {request}, has larger consumption of {resource}. ",
                container.name
            ));
        }
    }
    message
}
