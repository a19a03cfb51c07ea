//! The commands that a user of kubectl types. These trials need kubectl.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let trials = vec![
        trial("kubectl_creates_scales_and_rolls_out", workloads),
        trial("kubectl_describes_explains_and_discovers", reading),
        trial("kubectl_creates_with_every_generator", generators),
        trial("kubectl_asks_who_it_is_and_what_it_may_do", reviews),
        trial("kubectl_acts_with_the_token_of_a_service_account", tokens),
        trial("kubectl_deletes_a_claim_when_its_pod_is_gone", claims),
        trial("kubectl_creates_and_describes_a_quota", quota),
        trial("kubectl_changes_reads_and_waits_with_every_command", verbs),
        trial("kubectl_prunes_what_is_applied_no_longer", prune),
        trial("kubectl_drains_no_more_than_a_budget_allows", drain),
    ];
    with_kubectl(trials)
}

/// The trials, skipped where there is no kubectl.
pub(crate) fn with_kubectl(trials: Vec<Trial>) -> Vec<Trial> {
    let found = Command::new("kubectl")
        .args(["version", "--client"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let ignored = |trial: Trial| trial.with_ignored_flag(true);
    if found { trials } else { trials.into_iter().map(ignored).collect() }
}

/// kubectl as the user of a cluster.
pub(crate) struct Kubectl<'a>(pub(crate) &'a Cluster);

impl Kubectl<'_> {
    /// The exit code and all that a command prints.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<(i32, String), Failed> {
        let output = self.command("kubectl").args(arguments).output()?;
        let code = output.status.code().unwrap_or(-1);
        Ok((code, format!("{}{}", text(&output.stdout), text(&output.stderr))))
    }

    /// A kubectl of this or another version.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", self.0.kubeconfig()).env("HOME", self.0.data());
        command
    }

    /// What a command prints, which must succeed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> Result<String, Failed> {
        match self.output(arguments)? {
            (0, out) => Ok(out),
            (code, out) => Err(format!("kubectl {arguments:?} ended with {code}: {out}").into()),
        }
    }

    /// Runs a command and looks for a text in what it prints.
    pub(crate) fn prints(&self, arguments: &[&str], expected: &str) -> Outcome {
        let out = self.succeed(arguments)?;
        ensure(
            out.contains(expected),
            format!("kubectl {arguments:?} printed no {expected:?}: {out}"),
        )
    }
}

async fn workloads() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);

    kubectl.prints(&["config", "current-context"], "trial")?;
    kubectl.prints(&["cluster-info"], "Kubernetes control plane")?;
    kubectl.prints(&["get", "nodes", "-o", "wide"], "Ready")?;
    kubectl.succeed(&["run", "one", "--image=busybox:1.35"])?;
    kubectl
        .prints(&["wait", "--for=condition=Ready", "pod/one", "--timeout=60s"], "condition met")?;
    kubectl.succeed(&["create", "deployment", "web", "--image=busybox:1.35"])?;
    kubectl.succeed(&["scale", "deployment", "web", "--replicas=3"])?;
    kubectl.prints(
        &["rollout", "status", "deployment", "web", "--timeout=60s"],
        "successfully rolled out",
    )?;
    kubectl.succeed(&["set", "image", "deployment/web", "busybox=busybox:1.36"])?;
    kubectl.succeed(&["rollout", "status", "deployment", "web", "--timeout=60s"])?;
    kubectl.succeed(&["rollout", "undo", "deployment", "web"])?;
    kubectl.succeed(&["rollout", "status", "deployment", "web", "--timeout=60s"])?;
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    kubectl.prints(&["get", "deployment", "web", "-o", image], "busybox:1.35")?;
    kubectl.prints(&["get", "events"], "ScalingReplicaSet")?;
    kubectl.succeed(&["delete", "deployment", "web", "--wait", "--timeout=60s"])?;
    eventually("the pods are gone", || async {
        let out = kubectl.succeed(&["get", "pods", "-l", "app=web", "-o", "name"])?;
        Ok(out.contains("No resources found").then_some(()).or(out.trim().is_empty().then_some(())))
    })
    .await
}

async fn reading() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);

    for component in ["controller-manager", "scheduler", "etcd-0"] {
        kubectl.prints(&["get", "componentstatuses", component, "--no-headers"], "Healthy")?;
    }
    kubectl.succeed(&["run", "one", "--image=busybox:1.35"])?;
    kubectl.succeed(&["wait", "--for=condition=Ready", "pod/one", "--timeout=60s"])?;
    kubectl.prints(&["describe", "pod", "one"], "Successfully assigned default/one to node-1")?;
    kubectl.prints(&["describe", "node", "node-1"], "KubeletReady")?;
    kubectl.prints(&["explain", "pod.spec.containers"], "FIELD: containers <[]Container>")?;
    kubectl.prints(&["api-resources"], "deployments")?;
    kubectl.prints(&["get", "--raw", "/readyz"], "ok")?;
    kubectl.prints(&["get", "pods", "-A", "-o", "wide"], "NOMINATED NODE")
}

/// What `kubectl create` makes, and what is then there.
const GENERATORS: [(&[&str], &str); 20] = [
    (&["namespace", "n"], "namespaces/n"),
    (&["serviceaccount", "a"], "serviceaccounts/a"),
    (&["configmap", "c", "--from-literal=a=b"], "configmaps/c"),
    (&["secret", "generic", "s", "--from-literal=a=b"], "secrets/s"),
    (&["deployment", "d", "--image=i"], "deployments/d"),
    (&["service", "clusterip", "s", "--tcp=80"], "services/s"),
    (&["job", "j", "--image=i"], "jobs/j"),
    (&["cronjob", "j", "--image=i", "--schedule=0 * * * *"], "cronjobs/j"),
    (&["ingress", "i", "--rule=example.com/=s:80"], "ingresses/i"),
    (&["quota", "q", "--hard=pods=3"], "resourcequotas/q"),
    (&["priorityclass", "p", "--value=5"], "priorityclasses/p"),
    (&["poddisruptionbudget", "b", "--selector=a=b", "--min-available=1"], "pdb/b"),
    (&["role", "r", "--verb=get", "--resource=pods"], "roles/r"),
    (&["clusterrole", "r", "--verb=get", "--resource=nodes"], "clusterroles/r"),
    (&["rolebinding", "b", "--role=r", "--user=ada"], "rolebindings/b"),
    (&["clusterrolebinding", "b", "--clusterrole=r", "--user=ada"], "clusterrolebindings/b"),
    (
        &["secret", "docker-registry", "d", "--docker-username=ada", "--docker-password=p"],
        "secrets/d",
    ),
    (&["service", "nodeport", "n", "--tcp=80"], "services/n"),
    (&["service", "loadbalancer", "l", "--tcp=80"], "services/l"),
    (&["service", "externalname", "e", "--external-name=example.com"], "services/e"),
];

async fn generators() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let kubectl = Kubectl(&cluster);

    for (generator, made) in GENERATORS {
        kubectl.prints(&[&["create"], generator].concat(), "created")?;
        let name = made.rsplit('/').next().unwrap_or_default();
        kubectl.prints(&["get", made], name)?;
        kubectl.prints(&["label", made, "made=here"], "labeled")?;
        kubectl.prints(&["delete", made, "--wait=false"], "deleted")?;
    }
    let pair = host::tls::Authority::create()?.identity();
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| cluster.file(name));
    std::fs::write(&certificate, pair.certificate)?;
    std::fs::write(&key, pair.key)?;
    let certificate = format!("--cert={}", certificate.display());
    let key = format!("--key={}", key.display());
    kubectl.prints(&["create", "secret", "tls", "t", &certificate, &key], "created")?;
    kubectl.prints(&["get", "secret", "t"], "kubernetes.io/tls")
}

async fn quota() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);

    kubectl.succeed(&["create", "quota", "q", "--hard=pods=1,cpu=1", "--scopes=NotTerminating"])?;
    let used = "jsonpath={.status.used.pods}";
    kubectl.succeed(&["wait", "--for=jsonpath={.status.used.pods}=0", "quota/q"])?;
    let silent = kubectl.output(&["run", "silent", "--image=busybox:1.35"])?;
    ensure(silent.1.contains("must specify cpu for: silent"), silent.1)?;
    let pod = r#"{"spec":{"containers":[{"name":"c","image":"busybox:1.35",
        "resources":{"requests":{"cpu":"250m"}}}]}}"#;
    kubectl.succeed(&["run", "one", "--image=busybox:1.35", "--overrides", pod])?;

    kubectl.prints(&["get", "quota", "q", "-o", used], "1")?;
    let described = kubectl.succeed(&["describe", "quota", "q"])?;
    let words: Vec<&str> = described.split_whitespace().collect();
    let says = |row: [&str; 3]| words.windows(3).any(|words| words == row);
    ensure(says(["cpu", "250m", "1"]) && says(["pods", "1", "1"]), described.clone())?;
    kubectl.succeed(&["delete", "pod", "one", "--wait", "--timeout=60s"])?;
    kubectl.succeed(&["wait", "--for=jsonpath={.status.used.pods}=0", "quota/q"])?;
    Ok(())
}

async fn reviews() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let kubectl = Kubectl(&cluster);

    kubectl.prints(&["auth", "whoami"], "kubernetes-admin")?;
    kubectl.prints(&["auth", "whoami"], "[X509SHA256=")?;
    kubectl.prints(&["auth", "can-i", "create", "pods"], "yes")?;
    kubectl.prints(&["auth", "can-i", "--list"], "*.*")?;
    kubectl.prints(&["auth", "can-i", "get", "/version"], "yes")
}

/// A token is good for as long as its service account is there, also after a crash.
async fn tokens() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let kubectl = Kubectl(&cluster);
    let robot = |arguments: &[&str]| kubectl.output(&[arguments, &["--context", "robot"]].concat());
    kubectl.succeed(&["create", "serviceaccount", "robot"])?;
    let token = kubectl.succeed(&["create", "token", "robot"])?;
    let token = format!("--token={}", token.trim());
    kubectl.succeed(&["config", "set-credentials", "robot", &token])?;
    kubectl.succeed(&["config", "set-context", "robot", "--cluster=trial", "--user=robot"])?;

    let (_, before) = robot(&["auth", "whoami"])?;
    cluster.kill().await?;
    cluster.succeed(&["start", "--nodes", "0", "--runtime", "simulated", "--port", "0"])?;
    let (_, after) = robot(&["auth", "whoami"])?;
    kubectl.succeed(&["delete", "serviceaccount", "robot"])?;
    let (code, gone) = robot(&["get", "pods"])?;

    for answer in [before, after] {
        ensure(answer.contains("system:serviceaccount:default:robot"), answer)?;
    }
    ensure(code != 0 && gone.contains("You must be logged in to the server"), gone)
}

async fn claims() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "1"])?;
    let kubectl = Kubectl(&cluster);
    let claim = serde_json::json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    let volume = serde_json::json!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
    let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "user"},
        "spec": {"nodeName": "node-1", "volumes": [volume],
        "containers": [{"name": "c", "image": "busybox:1.35"}]}});
    for (name, object) in [("claim.json", claim), ("pod.json", pod)] {
        let file = cluster.file(name);
        std::fs::write(&file, object.to_string())?;
        kubectl.succeed(&["create", "-f", &file.display().to_string()])?;
    }
    let jsonpath = "jsonpath={.metadata.deletionTimestamp}{.metadata.finalizers[0]}";

    kubectl.succeed(&["delete", "pvc", "data", "--wait=false"])?;
    kubectl.prints(&["get", "pvc", "data", "-o", jsonpath], "Zkubernetes.io/pvc-protection")?;
    kubectl.succeed(&["delete", "pod", "user", "--grace-period=1"])?;
    kubectl.succeed(&["wait", "--for=delete", "pvc/data", "--timeout=60s"]).map(drop)
}

async fn drain() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);
    let allows = |allowed: u8| {
        let condition = format!("--for=jsonpath={{.status.disruptionsAllowed}}={allowed}");
        kubectl.prints(&["wait", "pdb/b", &condition, "--timeout=60s"], "condition met")
    };
    let drain = ["drain", "node-1", "--force", "--timeout=1s"];

    kubectl.succeed(&["run", "p", "--image=i", "--labels=a=b"])?;
    kubectl.succeed(&["create", "pdb", "b", "--selector=a=b", "--min-available=1"])?;
    kubectl.succeed(&["wait", "--for=condition=Ready", "pod/p", "--timeout=60s"])?;
    kubectl.succeed(&[
        "wait",
        "pdb/b",
        "--for=jsonpath={.status.currentHealthy}=1",
        "--timeout=60s",
    ])?;
    allows(0)?;
    let (code, out) = kubectl.output(&drain)?;
    let told = "Cannot evict pod as it would violate the pod's disruption budget.";
    ensure(code != 0 && out.contains(told), out)?;
    kubectl.prints(&["get", "pod", "p"], "Running")?;
    let none = ["patch", "pdb", "b", "--type=merge", "-p", r#"{"spec":{"minAvailable":0}}"#];
    kubectl.prints(&none, "patched")?;
    kubectl.prints(&["drain", "node-1", "--force", "--timeout=60s"], "pod/p evicted")?;
    allows(0)
}

/// Commands with what they print, in an order in which each finds what the one before has left.
const VERBS: [(&[&str], &str); 39] = [
    (&["create", "deployment", "web", "--image=busybox:1.35", "--port=80"], "created"),
    (&["rollout", "status", "deployment/web", "--timeout=60s"], "successfully rolled out"),
    (&["annotate", "deployment", "web", "note=here"], "annotated"),
    (&["label", "deployment", "web", "tier=front", "--overwrite"], "labeled"),
    (&["expose", "deployment", "web", "--port=80", "--target-port=8080"], "service/web exposed"),
    (&["autoscale", "deployment", "web", "--min=1", "--max=3", "--cpu-percent=50"], "autoscaled"),
    (&["set", "env", "deployment/web", "A=b"], "env updated"),
    (
        &["set", "resources", "deployment/web", "--requests=cpu=10m"],
        "resource requirements updated",
    ),
    (&["set", "selector", "service/web", "app=web"], "selector updated"),
    (&["set", "serviceaccount", "deployment", "web", "default"], "serviceaccount updated"),
    (&["patch", "deployment", "web", "-p", r#"{"spec": {"paused": true}}"#], "patched"),
    (&["rollout", "resume", "deployment/web"], "resumed"),
    (
        &[
            "patch",
            "deployment",
            "web",
            "--type=merge",
            "-p",
            r#"{"spec": {"minReadySeconds": 0}}"#,
        ],
        "web",
    ),
    (
        &[
            "patch",
            "deployment",
            "web",
            "--type=json",
            "-p",
            r#"[{"op": "add", "path": "/metadata/labels/json", "value": "yes"}]"#,
        ],
        "patched",
    ),
    (&["rollout", "restart", "deployment/web"], "restarted"),
    (&["rollout", "status", "deployment/web", "--timeout=60s"], "successfully rolled out"),
    (&["rollout", "history", "deployment/web"], "REVISION"),
    (&["scale", "deployment", "web", "--replicas=2"], "scaled"),
    (&["wait", "deployment/web", "--for=condition=Available", "--timeout=60s"], "condition met"),
    (
        &[
            "wait",
            "deployment/web",
            "--for=jsonpath={.status.availableReplicas}=2",
            "--timeout=60s",
        ],
        "met",
    ),
    (&["get", "deployment", "web", "-o", "yaml"], "kind: Deployment"),
    (&["get", "deployment", "web", "-o", "json"], "\"kind\": \"Deployment\""),
    (&["get", "deployment", "web", "-o", "name"], "deployment.apps/web"),
    (&["get", "deployment", "web", "-o", "wide"], "SELECTOR"),
    (&["get", "deployment", "web", "-o", "go-template={{.metadata.name}}"], "web"),
    (&["get", "deployment", "web", "-o", "custom-columns=N:.metadata.name"], "web"),
    (&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"], "2"),
    (&["get", "deployment", "web", "-o", "jsonpath-as-json={.metadata.name}"], "\"web\""),
    (&["get", "deployment", "web", "-o", "template", "--template={{.metadata.name}}"], "web"),
    (
        &["patch", "deployment", "web", "--subresource=scale", "--type=merge", "-p", SCALE],
        "scale.autoscaling/web patched",
    ),
    (&["get", "deployment", "web", "--subresource=status"], "web"),
    (&["get", "all", "--show-labels"], "service/kubernetes"),
    (&["get", "pods", "--sort-by=.metadata.name", "--field-selector=status.phase=Running"], "web-"),
    (&["events", "--for", "deployment/web"], "ScalingReplicaSet"),
    (&["explain", "deployment.spec", "--recursive"], "terminationGracePeriodSeconds"),
    (&["api-versions"], "apps/v1"),
    (&["cluster-info", "dump"], "NodeList"),
    (&["cordon", "node-1"], "cordoned"),
    (&["uncordon", "node-1"], "uncordoned"),
];

const SCALE: &str = r#"{"spec":{"replicas":1}}"#;

/// Forms of output that are read from a file: their name, what the file says, and what is printed.
const FORMS: [(&str, &str, &str); 4] = [
    ("jsonpath-file", "{.metadata.name}", "web"),
    ("go-template-file", "{{.kind}}", "Deployment"),
    ("templatefile", "{{.kind}}", "Deployment"),
    ("custom-columns-file", "NAME\n.metadata.name\n", "web"),
];

async fn verbs() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let kubectl = Kubectl(&cluster);
    for (arguments, expected) in VERBS {
        kubectl.prints(arguments, expected)?;
    }
    for (form, content, expected) in FORMS {
        let file = cluster.file("form");
        std::fs::write(&file, content)?;
        let form = format!("{form}={}", file.display());
        kubectl.prints(&["get", "deployment", "web", "-o", &form], expected)?;
    }
    kubectl.succeed(&["create", "rolebinding", "b", "--clusterrole=view", "--user=ada"])?;
    kubectl.prints(&["set", "subject", "rolebinding", "b", "--user=bob"], "subjects updated")?;
    kubectl.prints(&["get", "rolebinding", "b", "-o", "wide"], "ada, bob")?;
    last_applied(&cluster, &kubectl)?;
    // An editor that changes what it is given.
    let editor = cluster.file("editor");
    std::fs::write(&editor, "#!/bin/sh\nsed -i 's/tier: front/tier: back/' \"$1\"\n")?;
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let editor = editor.display().to_string();
    let mut edit = kubectl.command("kubectl");
    let edited = edit.args(["edit", "deployment", "web"]).env("EDITOR", &editor).output()?;
    ensure(text(&edited.stdout).contains("edited"), text(&edited.stderr))?;
    kubectl.prints(&["get", "deployment", "web", "-L", "tier"], "back")
}

fn last_applied(cluster: &Cluster, kubectl: &Kubectl<'_>) -> Outcome {
    let file = cluster.file("map.yaml");
    let map = |value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  a: {value}\n")
    };
    let path = file.display().to_string();
    std::fs::write(&file, map("one"))?;
    kubectl.succeed(&["create", "-f", &path])?;
    kubectl
        .prints(&["apply", "set-last-applied", "-f", &path, "--create-annotation"], "configured")?;
    kubectl.prints(&["apply", "view-last-applied", "-f", &path], "a: one")?;
    std::fs::write(&file, map("two"))?;
    kubectl.prints(&["apply", "-f", &path], "configured")?;
    kubectl.prints(&["apply", "view-last-applied", "configmap/m"], "a: two")
}

/// What is applied no longer, and has the label, goes.
async fn prune() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let kubectl = Kubectl(&cluster);
    let file = cluster.file("maps.yaml");
    let path = file.display().to_string();
    let map = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, labels: {{set: a}}}}\n"
        )
    };
    let apply =
        ["apply", "-f", &path, "--prune", "-l", "set=a", "--prune-allowlist=core/v1/ConfigMap"];

    std::fs::write(&file, map("one") + &map("two"))?;
    kubectl.prints(&apply, "configmap/two created")?;
    std::fs::write(&file, map("one"))?;
    kubectl.prints(&apply, "configmap/two pruned")?;
    let (code, left) = kubectl.output(&["get", "configmap", "two"])?;
    ensure(code == 1 && left.contains("NotFound"), left)?;
    kubectl.prints(&["get", "configmap", "one"], "one")
}
