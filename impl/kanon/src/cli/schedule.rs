//! What can be typed after `kanon schedule`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Schedule {
    /// Tell what every plugin of the scheduler says of a pod on every node of a cluster, and where it would go.
    Explain(Explain),
    /// Tell where pods would go, without a cluster.
    Simulate(Simulate),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Explain {
    /// The pod's name. One that has a node is looked at as if it had none yet.
    pub(crate) pod: String,
    /// The pod's namespace.
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: String,
    /// The kubeconfig of the cluster [default: $KUBECONFIG, ~/.kube/config].
    #[arg(long)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What the scheduler is told: a KubeSchedulerConfiguration. Extenders are not asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Simulate {
    /// The pods: documents of YAML, or a List. Those with a node take room there.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) filename: PathBuf,
    /// The nodes, and what else the scheduler looks at: volumes and claims, Services, namespaces.
    #[arg(long, value_name = "FILE")]
    pub(crate) nodes: PathBuf,
    /// What the scheduler is told: a KubeSchedulerConfiguration. Extenders are not asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}
