//! A cluster's folder: where its parts lie, and whether its process is alive.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::FeatureGates;
use serde::{Deserialize, Serialize};

use crate::cli::{self, Controllers, Kubelet, Part, Runtime};
use crate::failure::{Failure, While};
use crate::storage::EtcdServers;

/// A named cluster and its folder.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// What a cluster was started with; kept for the next start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) profile: String,
    pub(crate) nodes: u16,
    pub(crate) runtime: Runtime,
    pub(crate) port: u16,
    pub(crate) trace: Option<PathBuf>,
    pub(crate) node_monitor_grace_period: i64,
    pub(crate) node_lease_renew_interval: i64,
    pub(crate) default_toleration_seconds: i64,
    pub(crate) wait: u64,
    #[serde(default = "event_ttl")]
    pub(crate) event_ttl: Duration,
    #[serde(default)]
    pub(crate) demo: bool,
    #[serde(default)]
    pub(crate) etcd: Option<EtcdServers>,
    /// Empty in those of earlier versions, which ran all.
    #[serde(default)]
    pub(crate) components: Vec<Part>,
    #[serde(default)]
    pub(crate) controllers: Controllers,
    #[serde(default)]
    pub(crate) feature_gates: FeatureGates,
    /// What the scheduler is told.
    #[serde(default)]
    pub(crate) scheduler_config: Option<PathBuf>,
    /// The kubeconfig of somebody else's API server, where none of our own runs.
    #[serde(default)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What the kubelets are told.
    #[serde(default)]
    pub(crate) kubelet: Kubelet,
}

/// How long Events stay in clusters of earlier versions, which did not say.
fn event_ttl() -> Duration {
    Duration::from_secs(3600)
}

/// What a running cluster says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) server: String,
    pub(crate) nodes: Vec<String>,
    pub(crate) runtime: Runtime,
    /// Whether the API server is not ours.
    #[serde(default)]
    pub(crate) is_elsewhere: bool,
}

impl Settings {
    /// Whether a part of the control plane runs.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.components.is_empty() || self.components.contains(&part)
    }
}

impl Profile {
    pub(crate) fn of(arguments: &cli::Profile) -> Result<Self, Failure> {
        let name = arguments.profile.clone();
        let is_label = !name.is_empty()
            && name.len() <= 63
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !is_label {
            return Err(Failure::usage(format!(
                "the profile \"{name}\" must be a DNS label: lower case letters, digits and '-'"
            )));
        }
        let folder = match &arguments.data_dir {
            Some(folder) => std::path::absolute(folder).while_doing(folder.display())?,
            None => home()?.join(".kanon").join(&name),
        };
        Ok(Self { name, folder })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The running process, if there is one.
    pub(crate) fn running(&self) -> Option<Running> {
        let running: Running = read_json(&self.path("running.json")).ok()?;
        self.is_locked().then_some(running)
    }

    /// Whether a process holds the folder, even if it has not got far.
    pub(crate) fn is_locked(&self) -> bool {
        let Ok(file) = File::open(self.path("process.lock")) else { return false };
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Takes the folder for this process, until it ends however it ends.
    pub(crate) fn lock(&self) -> Result<File, Failure> {
        std::fs::create_dir_all(&self.folder).while_doing(self.folder.display())?;
        let path = self.path("process.lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).while_doing(path.display())?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Failure::cannot(format!(
                "the cluster \"{}\" is being started or runs already",
                self.name
            ))),
            Err(TryLockError::Error(error)) => Err(error).while_doing(path.display()),
        }
    }

    /// The name of this replica among others of the same component: the same after each start, so that
    /// what this one held it takes up again at once.
    pub(crate) fn identity(&self) -> Result<String, Failure> {
        let path = self.path("identity");
        if let Ok(identity) = std::fs::read_to_string(&path) {
            return Ok(identity);
        }
        let host = nix::unistd::gethostname().while_doing("the name of this machine")?;
        let identity = format!("{}_{}", host.to_string_lossy(), uuid::Uuid::new_v4());
        write_private(&path, identity.as_bytes()).while_doing(path.display())?;
        Ok(identity)
    }

    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let path = self.path("settings.json");
        read_json(&path).while_doing(path.display())
    }
}

/// The folder of whoever runs this.
pub(crate) fn home() -> Result<PathBuf, Failure> {
    std::env::home_dir().ok_or_else(|| Failure::cannot("there is no home folder; use --data-dir"))
}

/// Reads a JSON file.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}
