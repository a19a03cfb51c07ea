//! kubectl, as its official tests use it. These need kubectl.

use std::process::{Child, Command, Stdio};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::client::Api;
use super::{Where, kubeconfig, official, with_containers};
use crate::kubectl::with_kubectl;
use crate::support::{Outcome, ensure, eventually, text};

pub(crate) fn trials() -> Vec<Trial> {
    with_kubectl(vec![
        official(
            "Kubectl client Kubectl api-versions should check if v1 is in available api versions",
            versions,
        ),
        official(
            "Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included \
             in cluster-info",
            cluster_info,
        ),
        official(
            "Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments",
            diff,
        ),
        official("Kubectl client Kubectl label should update the label on a resource", label),
        official(
            "Kubectl client Kubectl replace should update a single-container pod's image",
            replace,
        ),
        official(
            "Kubectl client Kubectl run pod should create a pod from an image when restart is Never",
            run_once,
        ),
        official(
            "Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods",
            dry_run,
        ),
        official("Kubectl client Kubectl version should check is all data is printed", version),
        official("Kubectl client Proxy server should support --unix-socket=/path", proxy_socket),
        official("Kubectl client Proxy server should support proxy with --port 0", proxy_port),
        with_containers("Kubectl logs logs should be able to retrieve and filter logs", logs),
    ])
}

/// kubectl in the namespace of a trial.
pub(super) struct Kubectl {
    config: String,
    namespace: String,
}

impl Kubectl {
    pub(super) fn of(api: &Api, place: Where) -> Result<Self, Failed> {
        let config = kubeconfig(place)?.display().to_string();
        Ok(Self { config, namespace: api.namespace.clone() })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(["--kubeconfig", &self.config, "--namespace", &self.namespace])
            .args(arguments);
        command
    }

    /// The exit code, and all that is printed.
    fn output(&self, arguments: &[&str]) -> Result<(i32, String), Failed> {
        let output = self.command(arguments).output()?;
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        Ok((output.status.code().unwrap_or(-1), printed))
    }

    pub(super) fn succeed(&self, arguments: &[&str]) -> Result<String, Failed> {
        match self.output(arguments)? {
            (0, printed) => Ok(printed),
            (code, printed) => Err(format!("kubectl {arguments:?}: {code}: {printed}").into()),
        }
    }

    /// Writes an object to a file, and runs a command with it.
    pub(super) fn with_file(
        &self,
        arguments: &[&str],
        object: &Value,
    ) -> Result<(i32, String), Failed> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), object.to_string())?;
        let path = file.path().display().to_string();
        self.output(&[arguments, &["-f", &path]].concat())
    }

    fn run(&self, name: &str, more: &[&str]) -> Outcome {
        let image = "--image=busybox:1.35";
        self.succeed(&[&["run", name, image, "--restart=Never"], more].concat())?;
        self.succeed(&["wait", "--for=condition=Ready", &format!("pod/{name}"), "--timeout=60s"])
            .map(drop)
    }
}

async fn versions(api: Api) -> Outcome {
    let printed = Kubectl::of(&api, Where::Anywhere)?.succeed(&["api-versions"])?;
    ensure(printed.lines().any(|line| line == "v1"), printed)
}

async fn cluster_info(api: Api) -> Outcome {
    let printed = Kubectl::of(&api, Where::Anywhere)?.succeed(&["cluster-info"])?;
    ensure(
        printed.contains("Kubernetes control plane") && printed.contains("is running at"),
        printed,
    )
}

async fn version(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    // What it has to say of versions that are far apart goes to stderr.
    let output = kubectl.command(&["version", "--output", "json"]).output()?;
    let versions: Value = serde_json::from_slice(&output.stdout)?;
    for side in ["clientVersion", "serverVersion"] {
        for field in
            ["major", "minor", "gitVersion", "gitCommit", "buildDate", "goVersion", "platform"]
        {
            let is_said = versions[side][field].as_str().is_some_and(|text| !text.is_empty());
            ensure(is_said, format!("{side} says no {field}: {versions}"))?;
        }
    }
    Ok(())
}

async fn diff(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    let deployment = |image: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "tried"}, "spec": {
            "selector": {"matchLabels": {"app": "tried"}}, "template": {"metadata": {"labels":
                {"app": "tried"}}, "spec": {"containers": [{"name": "c", "image": image}]}}}})
    };
    let (code, printed) = kubectl.with_file(&["create"], &deployment("busybox:1.35"))?;
    ensure(code == 0, printed)?;
    let (code, printed) = kubectl.with_file(&["diff"], &deployment("busybox:1.36"))?;
    let has = |sign: char, image: &str| {
        printed.lines().any(|line| line.starts_with(sign) && line.contains(image))
    };
    let is_told = code == 1 && has('-', "busybox:1.35") && has('+', "busybox:1.36");
    ensure(is_told, format!("{code}: {printed}"))
}

async fn label(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    kubectl.run("tried", &[])?;
    kubectl.succeed(&["label", "pods", "tried", "testing-label=testing-label-value"])?;
    let printed = kubectl.succeed(&["get", "pod", "tried", "-L", "testing-label"])?;
    ensure(printed.contains("testing-label-value"), printed)?;
    kubectl.succeed(&["label", "pods", "tried", "testing-label-"])?;
    let printed = kubectl.succeed(&["get", "pod", "tried", "-L", "testing-label"])?;
    ensure(!printed.contains("testing-label-value"), printed)
}

fn image(pod: &Value) -> &Value {
    &pod["spec"]["containers"][0]["image"]
}

async fn replace(api: Api) -> Outcome {
    let (kubectl, pods) = (Kubectl::of(&api, Where::Anywhere)?, api.all("v1", "pods"));
    kubectl.run("tried", &["--labels=run=tried"])?;
    let mut pod = pods.get("tried").await?;
    let uid = pod["metadata"]["uid"].clone();
    pod["spec"]["containers"][0]["image"] = "busybox:1.36".into();
    let (code, printed) = kubectl.with_file(&["replace"], &pod)?;
    ensure(code == 0, printed)?;
    let replaced = pods.get("tried").await?;
    ensure(image(&replaced) == "busybox:1.36" && replaced["metadata"]["uid"] == uid, replaced)?;
    let again = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried"}, "spec":
        {"containers": [{"name": "c", "image": "busybox:1.37"}]}});
    let (code, printed) = kubectl.with_file(&["replace", "--force", "--grace-period=1"], &again)?;
    ensure(code == 0, printed)?;
    let made = pods.get("tried").await?;
    ensure(image(&made) == "busybox:1.37" && made["metadata"]["uid"] != uid, made)
}

async fn run_once(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    kubectl.succeed(&["run", "tried", "--restart=Never", "--image=busybox:1.35"])?;
    let pod = api.all("v1", "pods").get("tried").await?;
    let containers = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let is_right = containers == 1 && image(&pod) == "busybox:1.35";
    ensure(is_right && pod["spec"]["restartPolicy"] == "Never", pod)
}

async fn dry_run(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    kubectl.run("tried", &[])?;
    let patch = r#"{"spec": {"containers": [{"name": "tried", "image": "busybox:1.36"}]}}"#;
    let printed = kubectl.succeed(&["patch", "pod", "tried", "-p", patch, "--dry-run=server"])?;
    ensure(printed.contains("patched"), printed)?;
    let pod = api.all("v1", "pods").get("tried").await?;
    ensure(image(&pod) == "busybox:1.35", pod)
}

/// A proxy that is killed when it is not needed any more.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks for `/api`, and looks for the versions.
async fn asks<T: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: T) -> Outcome {
    stream.write_all(b"GET /api HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure(answer.contains("\"versions\"") && answer.contains("\"v1\""), answer)
}

async fn proxy_socket(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let socket = format!("--unix-socket={}", path.display());
    let proxy = kubectl.command(&["proxy", &socket]).stdout(Stdio::null()).spawn()?;
    let _proxy = Proxy(proxy);
    let stream =
        eventually("it listens", || async { Ok(Some(UnixStream::connect(&path).await?)) }).await?;
    asks(stream).await
}

async fn proxy_port(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    let mut proxy = kubectl.command(&["proxy", "--port=0"]).stdout(Stdio::piped()).spawn()?;
    let mut printed = proxy.stdout.take().ok_or("it prints nothing")?;
    let _proxy = Proxy(proxy);
    let mut line = [0; 64];
    let read = std::io::Read::read(&mut printed, &mut line)?;
    let line = text(&line[..read]);
    let address = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
    asks(TcpStream::connect(address).await?).await
}

async fn logs(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::WithContainers)?;
    let script = "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); done; sleep 1000";
    kubectl.run("tried", &["--command", "--", "sh", "-c", script])?;
    let all = eventually("it has said everything", || async {
        let printed = kubectl.succeed(&["logs", "tried"])?;
        Ok((printed.lines().count() == 20).then_some(printed))
    })
    .await?;
    ensure(all.starts_with("line 0\n"), all)?;
    let printed = kubectl.succeed(&["logs", "tried", "tried", "--tail=1"])?;
    ensure(printed == "line 19\n", printed)?;
    let printed = kubectl.succeed(&["logs", "tried", "--limit-bytes=1"])?;
    ensure(printed == "l", printed)?;
    let printed = kubectl.succeed(&["logs", "tried", "--tail=1", "--timestamps"])?;
    let time = printed.split(' ').next().unwrap_or_default();
    let is_time = time.parse::<api::Timestamp>().is_ok() && time.contains('T');
    ensure(is_time && printed.lines().count() == 1, printed)?;
    let recent = eventually("it was said more than a second ago", || async {
        let printed = kubectl.succeed(&["logs", "tried", "--since=1s"])?;
        Ok(printed.is_empty().then_some(()))
    });
    recent.await?;
    let printed = kubectl.succeed(&["logs", "tried", "--since=24h"])?;
    ensure(printed.lines().count() == 20, printed)
}
