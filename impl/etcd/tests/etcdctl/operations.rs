//! What operators type: endpoint, member, snapshot, and TLS.

use etcd::grpc::{Options, Tls};
use libtest_mimic::{Failed, Trial};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::tool::{Etcdctl, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("etcdctl_asks_how_the_server_is", endpoint),
        trial("etcdctl_lists_the_member_and_adds_none", members),
        trial("etcdctl_saves_a_snapshot", snapshot),
        trial("etcdctl_finds_no_users", users),
        trial("etcdctl_shows_its_certificate", certificates),
    ]
}

async fn endpoint(etcdctl: Etcdctl) -> Outcome {
    etcdctl.prints(&["put", "a", "1"], "OK").await?;
    let (address, member) = (etcdctl.server.address.clone(), etcdctl.server.etcd.identity().member);

    etcdctl.mentions(&["endpoint", "health"], "is healthy").await?;
    let status = format!("{address}, {member:x}, 3.5.13, 2 B, true, false, 2, 2, 2,");
    etcdctl.prints(&["endpoint", "status"], &status).await?;
    etcdctl.mentions(&["endpoint", "status", "-w", "json"], "\"version\":\"3.5.13\"").await?;
    etcdctl.mentions(&["endpoint", "hashkv"], &address).await?;
    etcdctl.prints(&["alarm", "list"], "").await?;
    etcdctl.mentions(&["defrag"], "Finished defragmenting").await
}

async fn members(etcdctl: Etcdctl) -> Outcome {
    let (address, member) = (&etcdctl.server.address, etcdctl.server.etcd.identity().member);
    let list = format!("{member:x}, started, default, , http://{address}, false");

    etcdctl.prints(&["member", "list"], &list).await?;
    let join = ["member", "add", "other", "--peer-urls", "http://127.0.0.1:1"];
    etcdctl.fails(&join, "not enough started members").await?;
    etcdctl.fails(&["member", "remove", "1"], "etcdserver: member not found").await?;
    etcdctl.fails(&["move-leader", "1"], "etcdserver: bad leader transferee").await
}

async fn snapshot(etcdctl: Etcdctl) -> Outcome {
    etcdctl.prints(&["put", "a", "1"], "OK").await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("snapshot");

    etcdctl.succeed(&["snapshot", "save", &path.to_string_lossy()]).await?;

    let saved = std::fs::read(path)?;
    let restored = etcd::backup::read(etcd::backup::unseal(&saved)?)?;
    ensure(restored.len() == 1, || format!("{} keys", restored.len()))
}

async fn users(etcdctl: Etcdctl) -> Outcome {
    etcdctl.fails(&["auth", "enable"], "etcdserver: root user does not exist").await?;
    etcdctl.fails(&["user", "list"], "etcdserver: authentication is not enabled").await
}

/// An authority, and what it has signed for a server or a client: certificate and key.
fn issue() -> Result<(String, [(String, String); 2]), Failed> {
    let mut authority = CertificateParams::new(vec![])?;
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let sign = || -> Result<_, Failed> {
        let key = KeyPair::generate()?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        Ok((certificate.pem(), key.serialize_pem()))
    };
    Ok((authority.pem(), [sign()?, sign()?]))
}

async fn certificates(plain: Etcdctl) -> Outcome {
    let (authority, [(certificate, key), client]) = issue()?;
    let tls = Tls { certificate, key, client_authority: Some(authority.clone()) };
    let options = Options { tls: Some(tls), ..Options::default() };
    let mut etcdctl = Etcdctl::start(options).await;
    let folder = tempfile::tempdir()?;
    let file = |name: &str, content: &str| -> Result<String, Failed> {
        let path = folder.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path.to_string_lossy().into_owned())
    };
    etcdctl.flags = vec!["--cacert".to_owned(), file("authority", &authority)?];
    let quickly = ["--dial-timeout=300ms", "--command-timeout=1s", "put", "a", "1"];

    etcdctl.fails(&quickly, "").await?;
    let shown = [
        "--cert".to_owned(),
        file("client", &client.0)?,
        "--key".to_owned(),
        file("key", &client.1)?,
    ];
    etcdctl.flags.extend(shown);
    etcdctl.prints(&["put", "a", "1"], "OK").await?;
    plain.prints(&["get", "a"], "").await
}
