//! Clients by their certificates: those that are good for something, those that are not, and those that were.

use conformance::suite::Target;
use http::Method;
use libtest_mimic::{Failed, Trial};
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::hostile::{Connection, Server};
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_user_is_told_by_which_certificate", credential),
        trial("a_certificate_of_a_foreign_authority_is_answered_with_401", foreign),
        trial("a_certificate_without_a_common_name_is_nobodys", nameless),
        trial("a_certificate_ends_while_its_connection_is_open", expires),
    ]
}

const PODS: &str = "/api/v1/pods";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const JSON: &str = "application/json";
/// How long a certificate is valid that ends soon.
const SECONDS: u64 = 5;

/// The name of somebody who may do anything.
fn admin() -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "system:masters");
    name.push(DnType::CommonName, "admin");
    name
}

fn params(name: DistinguishedName) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params
}

/// The way to a cluster's server for who shows a certificate that this key has signed.
fn with_certificate(
    cluster: &Cluster,
    params: &CertificateParams,
    authority_key: KeyPair,
) -> Result<Server, Failed> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, "kubernetes");
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &Issuer::new(authority, authority_key))?;
    let mut target = Target::read(Some(&cluster.kubeconfig()))?;
    target.certificate = certificate.pem().into_bytes();
    target.key = key.serialize_pem().into_bytes();
    Server::at(&target)
}

/// The key of a cluster's own authority.
fn own_key(cluster: &Cluster) -> Result<KeyPair, Failed> {
    let pem = std::fs::read_to_string(cluster.data().join("pki").join("ca.key"))?;
    Ok(KeyPair::from_pem(&pem)?)
}

async fn credential() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = with_certificate(&cluster, &params(admin()), own_key(&cluster)?)?;

    let (code, review) = server.ask(Method::POST, REVIEWS, JSON, "{}").await?;

    let user = &review["status"]["userInfo"];
    let groups = json!(["system:masters", "system:authenticated"]);
    ensure(code == 201 && user["username"] == "admin" && user["groups"] == groups, user)?;
    let id = &user["extra"]["authentication.kubernetes.io/credential-id"][0];
    ensure(id.as_str().is_some_and(|id| id.starts_with("X509SHA256=") && id.len() == 75), user)
}

async fn foreign() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = with_certificate(&cluster, &params(admin()), KeyPair::generate()?)?;

    for path in [PODS, "/version"] {
        let (code, status) = server.ask(Method::GET, path, "", "").await?;
        let is_told = status["reason"] == "Unauthorized" && status["message"] == "Unauthorized";
        ensure(code == 401 && is_told, status)?;
    }
    Ok(())
}

async fn nameless() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let mut groups = DistinguishedName::new();
    groups.push(DnType::OrganizationName, "system:masters");
    let server = with_certificate(&cluster, &params(groups), own_key(&cluster)?)?;

    let (code, status) = server.ask(Method::GET, PODS, "", "").await?;

    let message = status["message"].as_str().unwrap_or_default();
    ensure(code == 403 && message.contains("User \"system:anonymous\""), message)
}

async fn expires() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let mut params = params(admin());
    let end = std::time::SystemTime::now() + std::time::Duration::from_secs(SECONDS);
    params.not_after = end.into();
    let server = with_certificate(&cluster, &params, own_key(&cluster)?)?;
    let mut connection = Connection::open(&server).await?;

    let (before, version) = connection.ask(Method::GET, PODS, "", "").await?;
    let connection = tokio::sync::Mutex::new(connection);
    let ask = || async { connection.lock().await.ask(Method::GET, PODS, "", "").await };
    let after: Value = eventually("the certificate has ended", || async {
        let (code, status) = ask().await?;
        Ok((code != 200).then_some(status))
    })
    .await?;

    ensure(before == 200, version)?;
    ensure(after["code"] == 401 && after["reason"] == "Unauthorized", after)
}
