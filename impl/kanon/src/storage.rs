//! Where a cluster keeps its objects: in a store of its own, or in etcd members somewhere else.

use std::path::{Path, PathBuf};

use etcd::remote::{Options, Tls};
use etcd::{Etcd, Remote, Storage};
use serde::{Deserialize, Serialize};

use crate::cli;
use crate::failure::{Failure, While};
use crate::profile::Profile;

/// Members of an etcd cluster, and the files of the certificates that they need.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EtcdServers {
    servers: Vec<String>,
    authority: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
}

impl EtcdServers {
    /// What the command line says of them, if anything. What cannot work is found here.
    pub(crate) fn of(arguments: &cli::Etcd) -> Result<Option<Self>, Failure> {
        if arguments.etcd_servers.is_empty() {
            return Ok(None);
        }
        let file = |path: &Option<PathBuf>| match path {
            Some(path) => std::path::absolute(path).map(Some).while_doing(path.display()),
            None => Ok(None),
        };
        let servers = Self {
            servers: arguments.etcd_servers.clone(),
            authority: file(&arguments.etcd_cafile)?,
            identity: file(&arguments.etcd_certfile)?.zip(file(&arguments.etcd_keyfile)?),
        };
        servers
            .options()?
            .check()
            .map_err(|error| Failure::usage(format!("--etcd-servers: {error}")))?;
        Ok(Some(servers))
    }

    fn options(&self) -> Result<Options, Failure> {
        let tls = match &self.authority {
            Some(authority) => {
                Some(Tls { authority: read(authority)?, identity: self.identity()? })
            }
            None => None,
        };
        Ok(Options { endpoints: self.servers.clone(), tls })
    }

    fn identity(&self) -> Result<Option<(String, String)>, Failure> {
        let files = self.identity.as_ref();
        files.map(|(certificate, key)| Ok((read(certificate)?, read(key)?))).transpose()
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).while_doing(path.display())
}

/// Opens the storage of a cluster. The storage, and what to say of it.
pub(crate) async fn open(
    profile: &Profile,
    servers: Option<&EtcdServers>,
) -> Result<(Storage, String), Failure> {
    let Some(servers) = servers else {
        let etcd = Etcd::open(&profile.path("store")).while_doing("store")?;
        let said = format!("store open at revision {}", etcd.snapshot().revision());
        return Ok((Storage::Embedded(etcd), said));
    };
    let remote = Remote::open(&servers.options()?).await.while_doing("--etcd-servers")?;
    let said = format!(
        "etcd at {} read at revision {}",
        servers.servers.join(","),
        remote.snapshot().revision()
    );
    Ok((Storage::Remote(remote), said))
}
