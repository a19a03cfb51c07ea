//! etcdctl, run against a server of our own.

use std::process::Stdio;

use etcd::grpc::Options;
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{PATIENCE, Server};

pub(crate) type Outcome = Result<(), Failed>;

/// Whether etcdctl can be run.
pub(crate) fn is_there() -> bool {
    let mut etcdctl = std::process::Command::new("etcdctl");
    let version = etcdctl.arg("version").env("ETCDCTL_API", "3");
    version.output().is_ok_and(|output| output.status.success())
}

/// A trial with a server of its own.
pub(crate) fn trial<F>(name: &str, run: fn(Etcdctl) -> F) -> Trial
where
    F: Future<Output = Outcome> + 'static,
{
    Trial::test(name, move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async { run(Etcdctl::start(Options::default()).await).await })
    })
}

pub(crate) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(message().into()) }
}

/// A server, and etcdctl that talks to it.
pub(crate) struct Etcdctl {
    pub(crate) server: Server,
    /// To whom it talks.
    pub(crate) endpoint: String,
    /// Flags of every command.
    pub(crate) flags: Vec<String>,
}

/// A command that goes on.
pub(crate) struct Running {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Etcdctl {
    pub(crate) async fn start(options: Options) -> Self {
        let server = Server::start_with(options).await;
        Self { endpoint: server.address.clone(), server, flags: vec![] }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("etcdctl");
        command
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &self.endpoint])
            .args(&self.flags)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Whether a command succeeds, and all that it prints.
    async fn output(&self, arguments: &[&str], input: &str) -> Result<(bool, String), Failed> {
        let mut child = self.command(arguments).spawn()?;
        let mut stdin = child.stdin.take().ok_or("it has no input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await??;
        let text = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok((output.status.success(), text.concat()))
    }

    /// What a command prints that must succeed.
    pub(crate) async fn succeed(&self, arguments: &[&str]) -> Result<String, Failed> {
        self.succeed_with(arguments, "").await
    }

    /// The same, with something on its standard input.
    pub(crate) async fn succeed_with(
        &self,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, Failed> {
        match self.output(arguments, input).await? {
            (true, text) => Ok(text),
            (false, text) => Err(format!("etcdctl {arguments:?} failed: {text}").into()),
        }
    }

    /// Runs a command that must print exactly this.
    pub(crate) async fn prints(&self, arguments: &[&str], expected: &str) -> Outcome {
        let printed = self.succeed(arguments).await?;
        ensure(printed.trim_end() == expected, || {
            format!("etcdctl {arguments:?} printed {printed:?}, not {expected:?}")
        })
    }

    /// Runs a command that must print this among other things.
    pub(crate) async fn mentions(&self, arguments: &[&str], expected: &str) -> Outcome {
        let printed = self.succeed(arguments).await?;
        ensure(printed.contains(expected), || {
            format!("etcdctl {arguments:?} printed {printed:?}, without {expected:?}")
        })
    }

    /// Runs a command that must fail and say why.
    pub(crate) async fn fails(&self, arguments: &[&str], expected: &str) -> Outcome {
        let (succeeded, printed) = self.output(arguments, "").await?;
        ensure(!succeeded && printed.contains(expected), || {
            format!("etcdctl {arguments:?} printed {printed:?} and did not fail with {expected:?}")
        })
    }

    /// Starts a command that goes on.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Result<Running, Failed> {
        let mut child = self.command(arguments).spawn()?;
        let stdout = child.stdout.take().ok_or("it has no output")?;
        Ok(Running { _child: child, lines: BufReader::new(stdout).lines() })
    }
}

impl Running {
    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> Result<String, Failed> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await??;
        line.ok_or_else(|| "it ended".into())
    }
}
