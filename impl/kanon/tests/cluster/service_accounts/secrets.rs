//! Tokens that are kept in Secrets.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{ACCOUNTS, who, with_token};
use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial("a_secret_is_filled_with_a_token_that_is_its_accounts_and_ends_with_it", kept)]
}

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

async fn kept() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    raw.post(ACCOUNTS, &json!({"metadata": {"name": "robot"}})).await?;
    let annotations = json!({"kubernetes.io/service-account.name": "robot"});
    let secret = json!({"metadata": {"name": "kept", "annotations": annotations},
        "type": "kubernetes.io/service-account-token"});
    raw.post(SECRETS, &secret).await?;
    let path = format!("{SECRETS}/kept");

    let token = eventually("a token", || async {
        let found = raw.get(&path).await?;
        Ok(text(&found, "token")
            .filter(|_| text(&found, "namespace").as_deref() == Some("default")))
    })
    .await?;

    let robot = who(&with_token(&cluster, &token).await?).await?;
    ensure(robot["username"] == "system:serviceaccount:default:robot", &robot)?;
    eventually("that the token is used is written down", || async {
        let found = raw.get(&path).await?;
        let label = &found["metadata"]["labels"]["kubernetes.io/legacy-token-last-used"];
        Ok(label.is_string().then_some(()))
    })
    .await?;
    let root = raw.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt").await?;
    ensure(
        text(&raw.get(&path).await?, "ca.crt").as_deref() == root["data"]["ca.crt"].as_str(),
        root,
    )?;
    raw.delete(&format!("{ACCOUNTS}/robot")).await?;
    eventually("the Secret goes with its account", || async {
        let answer = raw.refused("GET", &path, &Value::Null).await?;
        Ok(Some(()).filter(|()| answer.0 == 404))
    })
    .await?;
    let gone = with_token(&cluster, &token).await?;
    let (code, _) = gone.refused("GET", SECRETS, &Value::Null).await?;
    ensure(code == 401, code)
}

/// A text in a Secret.
fn text(secret: &Value, key: &str) -> Option<String> {
    let base64 = secret["data"][key].as_str()?;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64);
    String::from_utf8(bytes.ok()?).ok()
}
