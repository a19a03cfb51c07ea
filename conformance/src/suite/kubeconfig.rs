//! Where a cluster is and how to show who asks, from a kubeconfig.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The suite could not run; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CannotRun(pub String);

/// A cluster and an identity.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `https://127.0.0.1:6443`.
    pub server: String,
    /// Certificates to trust, PEM; empty trusts nobody.
    pub authority: Vec<u8>,
    /// Whether anybody is taken for the server.
    pub insecure: bool,
    /// A client certificate, PEM; empty for none.
    pub certificate: Vec<u8>,
    /// Its key, PEM.
    pub key: Vec<u8>,
    /// A bearer token; empty for none.
    pub token: String,
}

impl Target {
    /// Reads the current context of a kubeconfig: the named file, `$KUBECONFIG`, or `~/.kube/config`.
    pub fn read(path: Option<&Path>) -> Result<Self, CannotRun> {
        let path = path.map_or_else(default_path, |path| Ok(path.to_owned()))?;
        let cannot = |why: &dyn std::fmt::Display| CannotRun(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| cannot(&error))?;
        let config: Value = serde_saphyr::from_str(&text)
            .map_err(|error| cannot(&error.to_string().lines().next().unwrap_or_default()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::of(&config, folder).map_err(|why| cannot(&why))
    }

    fn of(config: &Value, folder: &Path) -> Result<Self, String> {
        let current = config["current-context"].as_str().unwrap_or_default();
        let context = named(config, "contexts", current, "context")?;
        let part = |field: &str| context[field].as_str().unwrap_or_default();
        let cluster = named(config, "clusters", part("cluster"), "cluster")?;
        let user = named(config, "users", part("user"), "user")?;
        Ok(Self {
            server: cluster["server"].as_str().unwrap_or_default().trim_end_matches('/').to_owned(),
            authority: data(cluster, "certificate-authority", folder)?,
            insecure: cluster["insecure-skip-tls-verify"] == true,
            certificate: data(user, "client-certificate", folder)?,
            key: data(user, "client-key", folder)?,
            token: user["token"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

fn default_path() -> Result<PathBuf, CannotRun> {
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let listed = std::env::split_paths(&listed).find(|path| !path.as_os_str().is_empty());
    listed
        .or_else(|| Some(std::env::home_dir()?.join(".kube").join("config")))
        .ok_or_else(|| CannotRun("there is no home folder; name a kubeconfig".to_owned()))
}

fn named<'a>(config: &'a Value, list: &str, name: &str, field: &str) -> Result<&'a Value, String> {
    let entries = config[list].as_array().into_iter().flatten();
    let entry = entries.into_iter().find(|entry| entry["name"] == name && !name.is_empty());
    entry
        .map(|entry| &entry[field])
        .ok_or_else(|| format!("there is no entry \"{name}\" in {list}"))
}

/// What stands in `FIELD-data`, or in the file that `FIELD` names.
fn data(entry: &Value, field: &str, folder: &Path) -> Result<Vec<u8>, String> {
    if let Some(text) = entry[format!("{field}-data")].as_str() {
        return STANDARD.decode(text).map_err(|error| format!("{field}-data: {error}"));
    }
    match entry[field].as_str() {
        Some(file) => std::fs::read(folder.join(file)).map_err(|error| format!("{file}: {error}")),
        None => Ok(vec![]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_current_context_names_cluster_and_user() {
        let config = json!({"current-context": "b",
            "contexts": [{"name": "b", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://s/",
                "certificate-authority-data": STANDARD.encode("ca")}}],
            "users": [{"name": "u", "user": {"token": "t"}}]});

        let target = Target::of(&config, Path::new(".")).unwrap();

        assert_eq!((target.server.as_str(), target.token.as_str()), ("https://s", "t"));
        assert_eq!(target.authority, b"ca");
    }

    #[test]
    fn a_cluster_may_be_trusted_blindly() {
        let of = |cluster: Value| {
            let config = json!({"current-context": "b",
                "contexts": [{"name": "b", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": {}}]});
            Target::of(&config, Path::new(".")).unwrap().insecure
        };

        assert!(of(json!({"server": "https://s", "insecure-skip-tls-verify": true})));
        assert!(!of(json!({"server": "https://s"})));
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let error = Target::of(&json!({"current-context": "x"}), Path::new(".")).unwrap_err();

        assert_eq!(error, "there is no entry \"x\" in contexts");
    }
}
