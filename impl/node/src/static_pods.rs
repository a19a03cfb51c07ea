//! Follows the folder with the files of a node's own pods.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::resources;
use k8s_openapi::api::core::v1::Pod;
use kubelet::StaticPod;

/// How often the folder is looked at. Upstream looks every 20 s, and hears of changes from the kernel between.
const INTERVAL: Duration = Duration::from_secs(1);

/// Tells what the files say whenever that changes, until there is nobody to tell.
pub(crate) async fn follow(
    folder: PathBuf,
    mut last: Files,
    tell: impl Fn(Vec<StaticPod>) -> bool,
) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let found = read(&folder, &last);
        if found.refused != last.refused {
            found.complain();
        }
        if found.pods != last.pods && !tell(found.pods.clone()) {
            return;
        }
        last = found;
    }
}

/// What files say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Files {
    /// The pods, in the order of the names of their files.
    pub(crate) pods: Vec<StaticPod>,
    /// Which are none, and why.
    refused: Vec<String>,
}

impl Files {
    /// Says which files are no pods.
    pub(crate) fn complain(&self) {
        for refused in &self.refused {
            eprintln!("kanon: {refused}");
        }
    }
}

/// What the files say; what they did `before` where the folder cannot be read. Source: `listConfig` and
/// `extractFromDir` of pkg/kubelet/config/file.go (v1.36): a folder that is not there is an empty one, and names that
/// begin with a dot count for nothing.
pub(crate) fn read(folder: &Path, before: &Files) -> Files {
    let paths = match paths(folder) {
        Ok(paths) => paths,
        Err(error) if error.kind() == ErrorKind::NotFound => vec![],
        Err(error) => {
            let refused = vec![format!("{}: {error}", folder.display())];
            return Files { refused, ..before.clone() };
        }
    };
    let mut files = Files::default();
    for path in paths {
        match read_file(&path) {
            Ok(pod) => files.pods.push(StaticPod { path: path.display().to_string(), pod }),
            Err(why) => files.refused.push(format!("{} is no Pod: {why}", path.display())),
        }
    }
    files
}

fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let shown =
        entries.iter().filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let mut paths: Vec<PathBuf> =
        shown.map(fs::DirEntry::path).filter(|path| path.is_file()).collect();
    paths.sort();
    Ok(paths)
}

fn read_file(path: &Path) -> Result<Pod, String> {
    let content = fs::read(path).map_err(|error| error.to_string())?;
    let decoded =
        api::decode::yaml(&resources::PODS, &content).map_err(|error| error.to_string())?;
    let pod: Pod = serde_json::from_value(decoded.object).map_err(|error| error.to_string())?;
    match (&pod.metadata.name, &pod.spec) {
        (Some(_), Some(_)) => Ok(pod),
        (None, _) => Err("it has no name".to_owned()),
        (_, None) => Err("it has no spec".to_owned()),
    }
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

        let files = read(folder.path(), &Files::default());

        let names = files.pods.iter().map(|found| found.pod.metadata.name.as_deref());
        assert_eq!(names.collect::<Vec<_>>(), [Some("first"), Some("second")]);
        let refused = format!("{} is no Pod: ", folder.path().join("d").display());
        assert!(files.refused.len() == 1 && files.refused[0].starts_with(&refused), "{files:?}");
        assert_eq!(read(&folder.path().join("absent"), &files), Files::default());
        let unreadable = read(&folder.path().join("a.json"), &files);
        assert_eq!((&unreadable.pods, unreadable.refused.len()), (&files.pods, 1));
    }
}
