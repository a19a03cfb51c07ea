//! Follows the folder with the files of a node's own pods.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::resources;
use kubelet::StaticPod;

/// How often the folder is looked at. Upstream looks every 20 s, and hears of changes from the kernel between.
const INTERVAL: Duration = Duration::from_secs(1);

/// Tells what the files say whenever that changes, until there is nobody to tell.
pub(crate) async fn follow(
    folder: PathBuf,
    mut last: Vec<StaticPod>,
    tell: impl Fn(Vec<StaticPod>) -> bool,
) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let found = read(&folder);
        if found != last && !tell(found.clone()) {
            return;
        }
        last = found;
    }
}

/// What the files say. Source: `extractFromDir` of pkg/kubelet/config/file.go (v1.36): names that begin with a dot, and
/// what is no pod, count for nothing.
pub(crate) fn read(folder: &Path) -> Vec<StaticPod> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| read_file(path)).collect()
}

fn read_file(path: &Path) -> Option<StaticPod> {
    let content = fs::read(path).ok()?;
    let decoded = api::decode::yaml(&resources::PODS, &content).ok()?;
    let pod: k8s_openapi::api::core::v1::Pod = serde_json::from_value(decoded.object).ok()?;
    let is_pod = pod.metadata.name.is_some() && pod.spec.is_some();
    is_pod.then(|| StaticPod { path: path.display().to_string(), pod })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_pods_are_read_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let pod = |name: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers: []\n"
            )
        };
        let files = [
            ("b.yaml", pod("second")),
            ("a.json", pod("first")),
            (".c", pod("hidden")),
            ("d", "no".to_owned()),
        ];
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }

        let names = read(folder.path()).into_iter().map(|found| found.pod.metadata.name.unwrap());

        assert_eq!(names.collect::<Vec<_>>(), ["first", "second"]);
        assert_eq!(read(&folder.path().join("absent")), []);
    }
}
