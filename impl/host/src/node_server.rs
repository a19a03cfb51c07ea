//! What a kubelet serves to the API server: logs and commands of its containers.

use api::Status;
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::transport::{Body, BoxFuture};

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRef {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container's name; empty for the only one.
    pub container: String,
}

/// The query of `pods/log`. Source: `PodLogOptions` of the core API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Goes on as the container writes.
    pub follow: bool,
    /// Of the instance before the last restart.
    pub previous: bool,
    /// Only what is younger.
    pub since_seconds: Option<i64>,
    /// RFC 3339; only what is younger.
    pub since_time: Option<String>,
    /// A time before each line.
    pub timestamps: bool,
    /// Only the last lines.
    pub tail_lines: Option<u64>,
    /// Not more than this.
    pub limit_bytes: Option<u64>,
}

/// A command to run in a container, or (without a command) the container to attach to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOptions {
    /// The program and its arguments; empty attaches.
    pub command: Vec<String>,
    /// Whether a terminal is wanted.
    pub tty: bool,
    /// Whether standard input is connected.
    pub stdin: bool,
    /// Whether standard output is connected.
    pub stdout: bool,
    /// Whether standard error is connected; never with a terminal.
    pub stderr: bool,
}

/// The streams of a running command. Closing `stdin` is the end of input.
#[derive(Debug)]
pub struct ExecStreams {
    /// What the client types.
    pub stdin: mpsc::Receiver<Bytes>,
    /// The client's terminal size, columns and rows.
    pub resize: mpsc::Receiver<(u16, u16)>,
    /// What the command prints.
    pub stdout: mpsc::Sender<Bytes>,
    /// What the command prints as errors.
    pub stderr: mpsc::Sender<Bytes>,
}

/// What a kubelet serves. One for each node, found by the node's name.
pub trait NodeServer: Send + Sync {
    /// The log of a container, as plain text.
    fn logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> BoxFuture<'_, Result<Body, Status>>;

    /// Runs a command in a container until it ends; returns its exit code.
    fn exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
        streams: ExecStreams,
    ) -> BoxFuture<'_, Result<i32, Status>>;

    /// A connection to a port of a pod, as its containers reach it on localhost; or why there is none.
    fn port_forward(
        &self,
        pod: ContainerRef,
        port: u16,
    ) -> BoxFuture<'_, Result<TcpStream, String>>;
}
