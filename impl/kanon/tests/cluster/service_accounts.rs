//! Service accounts and their tokens: as objects, in the API, and in pods. The official conformance tests.

mod in_pods;
mod objects;
mod secrets;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::Cluster;

pub(crate) fn trials() -> Vec<Trial> {
    [objects::trials(), in_pods::trials(), secrets::trials()].into_iter().flatten().collect()
}

const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";

/// Somebody who shows nothing but a token.
async fn with_token(cluster: &Cluster, token: &str) -> Result<Raw, Failed> {
    let mut config = config(cluster).await?;
    config.auth_info =
        kube::config::AuthInfo { token: Some(token.to_owned().into()), ..Default::default() };
    Ok(Raw(kube::Client::try_from(config)?))
}

/// The cluster's user, who acts as somebody else.
async fn acting_as(cluster: &Cluster, user: &str) -> Result<Raw, Failed> {
    let mut config = config(cluster).await?;
    config.auth_info.impersonate = Some(user.to_owned());
    Ok(Raw(kube::Client::try_from(config)?))
}

async fn config(cluster: &Cluster) -> Result<kube::Config, Failed> {
    let kubeconfig = kube::config::Kubeconfig::read_from(cluster.kubeconfig())?;
    let options = kube::config::KubeConfigOptions::default();
    Ok(kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?)
}

/// Who the API server says somebody is.
async fn who(raw: &Raw) -> Result<Value, Failed> {
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let kind = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    Ok(raw.post(path, &kind).await?["status"]["userInfo"].clone())
}
