//! Carries out probes.

use std::time::Duration;

use host::node_server::ExecStreams;
use kubelet::runtime::{ContainerId, ProbeAction, ProbeType, RuntimeEvent};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::fetch::{Url, fetch};
use super::{Embedded, health};

pub(super) const USER_AGENT: &str = "kube-probe/1.36";

impl Embedded {
    pub(super) fn probe(
        &self,
        id: ContainerId,
        probe: ProbeType,
        action: ProbeAction,
        timeout_seconds: i64,
    ) {
        let this = self.clone();
        tokio::spawn(async move {
            let limit = Duration::from_secs(timeout_seconds.max(1).unsigned_abs());
            let carried_out = tokio::time::timeout(limit, this.carry_out(&id, action)).await;
            let (success, output) = match carried_out {
                Ok(Ok(output)) => (true, output),
                Ok(Err(output)) => (false, output),
                Err(_) => (false, format!("command timed out: probe timed out after {limit:?}")),
            };
            this.report(RuntimeEvent::Probed { id, probe, success, output });
        });
    }

    pub(super) async fn carry_out(
        &self,
        id: &ContainerId,
        action: ProbeAction,
    ) -> Result<String, String> {
        match action {
            ProbeAction::Exec { command } => self.probe_exec(id, command).await,
            ProbeAction::TcpSocket { host, port } => {
                connect(&host, port).await.map(|_| String::new())
            }
            ProbeAction::Grpc { host, port, service } => health::check(&host, port, service).await,
            ProbeAction::HttpGet { host, port, path, headers, https } => {
                let url = Url { host: &host, port, path: &path, https };
                let (code, answer) = fetch(url, (&headers, USER_AGENT)).await?;
                match code {
                    200..=399 => Ok(answer),
                    code => Err(format!("HTTP probe failed with statuscode: {code}")),
                }
            }
        }
    }

    async fn probe_exec(&self, id: &ContainerId, command: Vec<String>) -> Result<String, String> {
        match self.exec_to_end(id, command).await? {
            (0, output) => Ok(output),
            (_, output) => Err(output),
        }
    }

    /// Runs a command in a container: its exit code and what it has printed.
    pub(super) async fn exec_to_end(
        &self,
        id: &ContainerId,
        command: Vec<String>,
    ) -> Result<(i32, String), String> {
        let (_, stdin) = mpsc::channel(1);
        let (_, resize) = mpsc::channel(1);
        let (stdout, mut printed) = mpsc::channel(16);
        let streams = ExecStreams { stdin, resize, stderr: stdout.clone(), stdout };
        let running = self.exec_in(id, (command, false), streams);
        let reading = async {
            let mut output = vec![];
            while let Some(bytes) = printed.recv().await {
                output.extend_from_slice(&bytes);
            }
            String::from_utf8_lossy(&output).into_owned()
        };
        let (code, output) = tokio::join!(running, reading);
        code.map(|code| (code, output)).map_err(|error| error.to_string())
    }
}

pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port))
        .await
        .map_err(|error| format!("dial tcp {host}:{port}: {}", cause(&error)))
}

/// The kernel's words without Rust's number behind them.
pub(super) fn cause(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    format!("connect: {}", words.to_lowercase())
}
