//! The official Python client. Its trial needs Debian's package `python3-kubernetes`.

use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::support::{Cluster, Outcome, ensure, text, trial};

/// Debian's Python, which Debian's packages are for.
const PYTHON: &str = "/usr/bin/python3";

pub(crate) fn trials() -> Vec<Trial> {
    let found = Command::new(PYTHON)
        .args(["-c", "import kubernetes"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let trial = trial("the_python_client_lists_watches_and_patches", python_client);
    vec![trial.with_ignored_flag(!found)]
}

const PRINTED: &str = "MODIFIED a {'k': 'w'}
MODIFIED a {'k': 'w', 'l': 'x'}
DELETED a {'k': 'w', 'l': 'x'}
3
['web']
404 Not Found
";

async fn python_client() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/python_client.py");

    let output = Command::new(PYTHON)
        .arg(script)
        .arg(cluster.kubeconfig())
        .env("HOME", cluster.data())
        .output()?;

    let (out, err) = (text(&output.stdout), text(&output.stderr));
    ensure(output.status.success() && out == PRINTED, format!("{out}{err}"))
}
