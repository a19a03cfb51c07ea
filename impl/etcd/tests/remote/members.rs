//! Three members of Debian's etcd: on loopback, or each in a network namespace of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use etcd::remote::{Options, Tls};
use etcd_client::{Client, ConnectOptions};
use libtest_mimic::Failed;
use tokio::time::{Instant, timeout};

use crate::certificates::Certificates;
use crate::network::Network;

/// How long a trial waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a member may take to say how it is.
const ANSWER: Duration = Duration::from_secs(1);

pub(crate) const MEMBERS: usize = 3;

/// Whether etcd can be run.
pub(crate) fn is_there() -> bool {
    Command::new("etcd").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A cluster. It ends with this.
pub(crate) struct Members {
    members: Vec<Member>,
    certificates: Option<Certificates>,
    pub(crate) network: Option<Network>,
    folder: tempfile::TempDir,
}

struct Member {
    name: String,
    client_url: String,
    peer_url: String,
    process: Option<Child>,
}

impl Members {
    /// On loopback.
    pub(crate) async fn start() -> Result<Self, Failed> {
        Self::of(None, None).await
    }

    /// On loopback, with TLS, for clients that show a certificate.
    pub(crate) async fn start_with_tls() -> Result<Self, Failed> {
        Self::of(Some(Certificates::issue()?), None).await
    }

    /// Each in a network namespace of its own.
    pub(crate) async fn start_apart() -> Result<Self, Failed> {
        Self::of(None, Some(Network::of(MEMBERS)?)).await
    }

    async fn of(
        certificates: Option<Certificates>,
        network: Option<Network>,
    ) -> Result<Self, Failed> {
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let host = |number: usize| match &network {
            Some(network) => Ok(format!("{}:2379", network.address(number))),
            None => free_port(),
        };
        let peer = |number: usize| match &network {
            Some(network) => Ok(format!("{}:2380", network.address(number))),
            None => free_port(),
        };
        let member = |number: usize| -> Result<Member, Failed> {
            Ok(Member {
                name: format!("member-{number}"),
                client_url: format!("{scheme}://{}", host(number)?),
                peer_url: format!("http://{}", peer(number)?),
                process: None,
            })
        };
        let members = (0..MEMBERS).map(member).collect::<Result<_, _>>()?;
        let folder = tempfile::tempdir()?;
        let mut cluster = Self { members, certificates, network, folder };
        (0..MEMBERS).try_for_each(|number| cluster.spawn(number))?;
        cluster.leader().await?;
        Ok(cluster)
    }

    /// Starts a member, again if it was killed.
    pub(crate) fn spawn(&mut self, number: usize) -> Result<(), Failed> {
        let peers =
            self.members.iter().map(|member| format!("{}={}", member.name, member.peer_url));
        let peers = peers.collect::<Vec<_>>().join(",");
        let member = &self.members[number];
        let (client, peer) = (&member.client_url, &member.peer_url);
        let mut command = match &self.network {
            Some(network) => network.command(number, "etcd"),
            None => Command::new("etcd"),
        };
        command
            .args(["--name", &member.name, "--initial-cluster", &peers])
            .args(["--listen-client-urls", client, "--advertise-client-urls", client])
            .args(["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer])
            .arg("--data-dir")
            .arg(self.folder.path().join(&member.name));
        if let Some(certificates) = &self.certificates {
            let file = |name: &str| -> PathBuf { certificates.path(name) };
            command
                .arg("--client-cert-auth")
                .args([PathBuf::from("--cert-file"), file("server.pem")])
                .args([PathBuf::from("--key-file"), file("server.key")])
                .args([PathBuf::from("--trusted-ca-file"), file("authority.pem")]);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        self.members[number].process = Some(process);
        Ok(())
    }

    /// Kills a member as `kill -9` does.
    pub(crate) fn kill(&mut self, number: usize) -> Result<(), Failed> {
        if let Some(mut process) = self.members[number].process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Who leads, once somebody does.
    pub(crate) async fn leader(&self) -> Result<usize, Failed> {
        let begun = Instant::now();
        loop {
            for number in 0..MEMBERS {
                if timeout(ANSWER, self.leads(number)).await.unwrap_or(false) {
                    return Ok(number);
                }
            }
            if begun.elapsed() > PATIENCE {
                return Err("nobody leads".into());
            }
        }
    }

    async fn leads(&self, number: usize) -> bool {
        let Ok(mut client) = self.client(number).await else { return false };
        let status = client.status().await;
        status.is_ok_and(|status| {
            status.header().is_some_and(|header| header.member_id() == status.leader())
        })
    }

    /// A client of one member.
    pub(crate) async fn client(&self, number: usize) -> Result<Client, Failed> {
        let tls = self.certificates.as_ref().map(Certificates::client);
        let options = tls.map(|tls| ConnectOptions::new().with_tls(tls));
        Ok(Client::connect([&self.members[number].client_url], options).await?)
    }

    pub(crate) fn url(&self, number: usize) -> String {
        self.members[number].client_url.clone()
    }

    /// How an API server reaches these members, the first of them before the others.
    pub(crate) fn options(&self, numbers: &[usize]) -> Options {
        let tls = self.certificates.as_ref().map(|certificates| Tls {
            authority: certificates.authority.clone(),
            identity: Some(certificates.client.clone()),
        });
        Options { endpoints: numbers.iter().map(|number| self.url(*number)).collect(), tls }
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for member in &mut self.members {
            if let Some(process) = &mut member.process {
                // It may have ended by itself; there is nothing else to do about it.
                drop(process.kill());
                drop(process.wait());
            }
        }
    }
}

fn free_port() -> Result<String, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
