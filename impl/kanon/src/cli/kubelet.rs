//! The flags of the nodes' kubelets. They are called as kubelet's are.

use clap::Args;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kubelet {
    /// Let pods set these parameters of the kernel although others notice: names, or how they begin before a `*`.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) allowed_unsafe_sysctls: Vec<String>,
}
