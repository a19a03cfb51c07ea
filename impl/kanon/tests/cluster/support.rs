//! A cluster for one trial, and ways to wait for what it does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

/// How long anything may take before a trial gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The outcome of a trial.
pub(crate) type Outcome = Result<(), Failed>;

/// A trial with a tokio runtime around it.
pub(crate) fn trial<F: Future<Output = Outcome>>(
    name: &str,
    body: impl FnOnce() -> F + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::time::timeout(4 * PATIENCE, body()).await? })
    })
}

/// A cluster in a folder of its own; deleted when the trial ends.
pub(crate) struct Cluster {
    folder: TempDir,
}

impl Cluster {
    /// A folder for a cluster that is not started yet.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("there is room for a temporary folder") }
    }

    /// A cluster of simulated nodes that is up.
    pub(crate) fn simulated(arguments: &[&str]) -> Result<Self, Failed> {
        let cluster = Self::new();
        let arguments = [&["start", "--runtime", "simulated", "--port", "0"], arguments].concat();
        cluster.succeed(&arguments)?;
        Ok(cluster)
    }

    /// Where the cluster keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The user's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A file of the trial's own.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `kanon` on this cluster.
    pub(crate) fn kanon(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanon"));
        command.args(arguments).args(["--profile", "trial", "--data-dir"]).arg(self.data());
        command.env("KUBECONFIG", self.kubeconfig()).output().expect("the command can be run")
    }

    /// Runs `kanon conform` with this cluster's kubeconfig.
    pub(crate) fn conform(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanon"));
        command.arg("conform").args(arguments).env("KUBECONFIG", self.kubeconfig());
        Ok(command.output()?)
    }

    /// Runs `kanon`, which must succeed; returns what it printed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.kanon(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        if output.status.success() {
            Ok(out)
        } else {
            Err(format!("kanon {arguments:?} ended with {}: {err}{out}", output.status).into())
        }
    }

    /// Runs `kanon`, which must fail with exit code 3 and one line; returns the line.
    pub(crate) fn fail(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.kanon(arguments);
        let err = text(&output.stderr);
        if output.status.code() == Some(3) && err.lines().count() == 1 {
            Ok(err)
        } else {
            Err(format!("kanon {arguments:?} ended with {}: {err}", output.status).into())
        }
    }

    /// The cluster's process.
    pub(crate) fn pid(&self) -> Result<String, Failed> {
        let status: serde_json::Value =
            serde_json::from_str(&self.succeed(&["status", "--output", "json"])?)?;
        Ok(status["pid"].to_string())
    }

    /// Kills the cluster's process as `kill -9` does, and waits until it is gone.
    pub(crate) async fn kill(&self) -> Outcome {
        let pid = self.pid()?;
        Command::new("kill").args(["-9", &pid]).status()?;
        self.ended().await
    }

    /// Waits until the cluster's process is gone.
    pub(crate) async fn ended(&self) -> Outcome {
        eventually("the process is gone", || async {
            Ok((self.kanon(&["status"]).status.code() == Some(1)).then_some(()))
        })
        .await
    }

    /// A client of kube-rs.
    pub(crate) async fn client(&self) -> Result<Client, Failed> {
        client(&self.kubeconfig()).await
    }
}

/// A client of kube-rs for the cluster of a kubeconfig.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client, Failed> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    // A trial wants to see a refusal, not to wait until it goes away.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let output = self.kanon(&["delete"]);
        assert!(output.status.success() || std::thread::panicking(), "{}", text(&output.stderr));
    }
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks again until there is an answer, or patience ends.
pub(crate) async fn eventually<T, F>(what: &str, mut ask: impl FnMut() -> F) -> Result<T, Failed>
where
    F: Future<Output = Result<Option<T>, Failed>>,
{
    let begun = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    loop {
        pause.tick().await;
        match ask().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) if begun.elapsed() > PATIENCE => return Err(format!("never: {what}").into()),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Ok(None) | Err(_) => {}
        }
    }
}

/// Fails a trial unless something holds.
pub(crate) fn ensure(holds: bool, message: impl std::fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(message.to_string().into()) }
}
