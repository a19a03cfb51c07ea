//! Debian's etcd on free ports.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use etcd_client::Client;

use crate::support::PATIENCE;

/// Whether etcd can be run.
pub(crate) fn is_there() -> bool {
    Command::new("etcd").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// One member that is a cluster by itself. It ends with this.
pub(crate) struct Real {
    command: Command,
    process: Child,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Real {
    pub(crate) async fn start() -> Result<Self, String> {
        Self::start_in(tempfile::tempdir().map_err(|error| error.to_string())?).await
    }

    /// With what lies in `data` of a folder.
    pub(crate) async fn start_in(folder: tempfile::TempDir) -> Result<Self, String> {
        let (url, peers) = (free_url()?, free_url()?);
        let mut command = Command::new("etcd");
        command
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("default={peers}")])
            // A member that is alone need not wait for others before it leads.
            .args(["--heartbeat-interval", "20", "--election-timeout", "100"])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().map_err(|error| error.to_string())?;
        let real = Self { command, process, url, _folder: folder };
        real.client().await?;
        Ok(real)
    }

    /// Kills it as `kill -9` does, and starts it again. A client, once it answers.
    pub(crate) async fn restart(&mut self) -> Result<Client, String> {
        self.process.kill().map_err(|error| error.to_string())?;
        self.process.wait().map_err(|error| error.to_string())?;
        self.process = self.command.spawn().map_err(|error| error.to_string())?;
        self.client().await
    }

    /// A client, once the member answers.
    pub(crate) async fn client(&self) -> Result<Client, String> {
        let begun = Instant::now();
        loop {
            let mut client =
                Client::connect([&self.url], None).await.map_err(|error| error.to_string())?;
            match client.get("ready", None).await {
                Ok(_) => return Ok(client),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error.to_string()),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about it.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn free_url() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(format!("http://{address}"))
}
