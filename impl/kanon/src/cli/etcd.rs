//! The flags of an etcd that is not ours. They are called as kube-apiserver's are.

use std::path::PathBuf;

use clap::Args;

#[derive(Clone, Debug, Args)]
pub(crate) struct Etcd {
    /// Keep objects in these members of an etcd cluster, not in a store of our own.
    #[arg(long, value_name = "URL,…", value_delimiter = ',')]
    pub(crate) etcd_servers: Vec<String>,
    /// Who has signed the certificates of the etcd members.
    #[arg(long, value_name = "FILE", requires = "etcd_servers")]
    pub(crate) etcd_cafile: Option<PathBuf>,
    /// The certificate to show to etcd members.
    #[arg(long, value_name = "FILE", requires_all = ["etcd_keyfile", "etcd_cafile"])]
    pub(crate) etcd_certfile: Option<PathBuf>,
    /// The private key of that certificate.
    #[arg(long, value_name = "FILE", requires = "etcd_certfile")]
    pub(crate) etcd_keyfile: Option<PathBuf>,
    /// Start one more API server of a cluster and nothing else: no node, scheduler or controller.
    #[arg(long, requires = "etcd_servers", conflicts_with_all = ["nodes", "demo"])]
    pub(crate) api_server_only: bool,
}
