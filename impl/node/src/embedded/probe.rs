//! Carries out probes.
//!
//! Leaves out HTTPS: such a probe fails and says so.

use std::time::Duration;

use host::node_server::ExecStreams;
use kubelet::runtime::{ContainerId, ProbeAction, ProbeType, RuntimeEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::Embedded;

/// An answer's first line and headers fit in this; the body does not matter.
const ANSWER_MAX: u64 = 10 * 1024;
const USER_AGENT: &str = "kube-probe/1.36";

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

    async fn carry_out(&self, id: &ContainerId, action: ProbeAction) -> Result<String, String> {
        match action {
            ProbeAction::Exec { command } => self.probe_exec(id, command).await,
            ProbeAction::TcpSocket { host, port } => {
                connect(&host, port).await.map(|_| String::new())
            }
            ProbeAction::HttpGet { https: true, .. } => {
                Err("HTTPS probes are not supported".to_owned())
            }
            ProbeAction::HttpGet { host, port, path, headers, https: false } => {
                let (code, answer) = fetch((&host, port), &path, (&headers, USER_AGENT)).await?;
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

/// Sends a GET: the code of the answer, and the answer.
pub(super) async fn fetch(
    (host, port): (&str, u16),
    path: &str,
    (headers, user_agent): (&[(String, String)], &str),
) -> Result<(u16, String), String> {
    let url = format!("http://{host}:{port}{path}");
    let refused = |why: String| format!("Get \"{url}\": {why}");
    let mut stream = connect(host, port).await.map_err(refused)?;
    let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
    let defaults = [
        ("Host", format!("{host}:{port}")),
        ("User-Agent", user_agent.to_owned()),
        ("Accept", "*/*".to_owned()),
    ];
    for (name, value) in defaults {
        if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| refused(error.to_string()))?;
    let mut answer = vec![];
    stream
        .take(ANSWER_MAX)
        .read_to_end(&mut answer)
        .await
        .map_err(|error| refused(error.to_string()))?;
    let answer = String::from_utf8_lossy(&answer);
    let code = answer.split_whitespace().nth(1).and_then(|code| code.parse::<u16>().ok());
    let code = code.ok_or_else(|| refused("malformed HTTP response".to_owned()))?;
    Ok((code, answer.into_owned()))
}
