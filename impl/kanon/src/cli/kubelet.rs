//! The flags of the nodes' kubelets. They are called as kubelet's are.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kubelet {
    /// Let pods set these parameters of the kernel although others notice: names, or how they begin before a `*`.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) allowed_unsafe_sysctls: Vec<String>,
    /// Run the pods of the files in this folder on every node, whatever the API server says: static pods.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) pod_manifest_path: Option<PathBuf>,
    /// Evict pods when the machine has less than this: `memory.available`, `nodefs.available`, `nodefs.inodesFree` or
    /// `pid.available`. Unlike upstream, a full disk is by default no reason: the machine may be a person's.
    #[arg(
        long,
        value_name = "SIGNAL<AMOUNT,…",
        value_delimiter = ',',
        default_value = "memory.available<100Mi"
    )]
    pub(crate) eviction_hard: Vec<String>,
}
