//! Tokens that real containers find. These trials need what all real containers need.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use libtest_mimic::{Failed, Trial};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{who, with_token};
use crate::containers::{are_possible, create, embedded};
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(super) fn trials() -> Vec<Trial> {
    let trials = vec![
        trial("containers_find_a_token_an_authority_and_their_namespace", mounted),
        trial("a_container_finds_a_token_that_its_pod_projects", projected),
        trial("a_token_is_renewed_under_a_container_when_its_kubelet_restarts", renewed),
        trial("a_pods_token_is_checked_with_what_the_issuer_publishes", discovery),
    ];
    trials.into_iter().map(|trial| trial.with_ignored_flag(!are_possible())).collect()
}

const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod of which each container says what is in a file.
fn pod(files: &[(&str, &str)]) -> Value {
    let containers = files.iter().map(
        |(name, path)| json!({"name": name, "image": "busybox:1.35", "command": ["cat", path]}),
    );
    json!({"metadata": {"name": "p"}, "spec": {"restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 0, "containers": containers.collect::<Vec<_>>()}})
}

/// Runs a pod and returns what its containers have said.
async fn said(cluster: &Cluster, pod: Value) -> Result<Vec<String>, Failed> {
    let pod: Pod = serde_json::from_value(pod)?;
    let pods = create(cluster, &pod).await?;
    eventually("the pod ends", || async {
        let status = pods.get("p").await?.status.unwrap_or_default();
        Ok((status.phase.as_deref() == Some("Succeeded")).then_some(()))
    })
    .await?;
    let mut said = vec![];
    for container in pod.spec.unwrap_or_default().containers {
        said.push(log(&pods, container.name).await?);
    }
    Ok(said)
}

async fn log(pods: &Api<Pod>, container: String) -> Result<String, Failed> {
    let params = LogParams { container: Some(container), ..LogParams::default() };
    Ok(pods.logs("p", &params).await?)
}

/// Conformance: ServiceAccounts should mount an API token into pods
async fn mounted() -> Outcome {
    let cluster = embedded(&[])?;
    let (token, authority, namespace) =
        (format!("{PATH}/token"), format!("{PATH}/ca.crt"), format!("{PATH}/namespace"));
    let files = [("token", &*token), ("authority", &*authority), ("namespace", &*namespace)];

    let said = said(&cluster, pod(&files)).await?;

    let map = super::Raw(cluster.client().await?);
    let map = map.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt").await?;
    ensure(said[1] == map["data"]["ca.crt"] && said[2] == "default", format!("{said:?}"))?;
    let user = who(&with_token(&cluster, &said[0]).await?).await?;
    let bound = &user["extra"]["authentication.kubernetes.io/pod-name"];
    let is_the_pods =
        user["username"] == "system:serviceaccount:default:default" && *bound == json!(["p"]);
    ensure(is_the_pods, user)
}

/// Conformance: ServiceAccounts should mount projected service account token
async fn projected() -> Outcome {
    let cluster = embedded(&[])?;
    let mut pod = pod(&[("c", "/projected/token")]);
    let sources = json!([{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}]);
    pod["spec"]["automountServiceAccountToken"] = json!(false);
    pod["spec"]["volumes"] = json!([{"name": "v", "projected": {"sources": sources}}]);
    pod["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "v", "mountPath": "/projected"}]);

    let said = said(&cluster, pod).await?;

    let user = who(&with_token(&cluster, &said[0]).await?).await?;
    ensure(user["username"] == "system:serviceaccount:default:default", user)?;
    let claims = part(&said[0], 1)?;
    let seconds = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    ensure(seconds == Some(3600), claims)
}

/// A kubelet does not know how old the tokens are that another one has shown.
async fn renewed() -> Outcome {
    let cluster = embedded(&[])?;
    let file = format!("{PATH}/token");
    let script = format!(
        "a=$(cat {file}); echo $a; while b=$(cat {file}) && [ $a = $b ]; do sleep 0.1; done; echo $b"
    );
    let mut pod = pod(&[("c", "")]);
    pod["spec"]["containers"][0]["command"] = json!(["sh", "-c", script]);
    let pods = create(&cluster, &serde_json::from_value(pod)?).await?;
    eventually("it has a token", || async {
        Ok(log(&pods, "c".to_owned()).await?.ends_with('\n').then_some(()))
    })
    .await?;

    cluster.kill().await?;
    cluster.succeed(&["start", "--port", "0"])?;

    let pods: Api<Pod> = Api::namespaced(cluster.client().await?, "default");
    let tokens = eventually("it has another token", || async {
        let tokens: Vec<String> =
            log(&pods, "c".to_owned()).await?.lines().map(str::to_owned).collect();
        Ok((tokens.len() == 2).then_some(tokens))
    })
    .await?;
    let users = [
        who(&with_token(&cluster, &tokens[0]).await?).await?,
        who(&with_token(&cluster, &tokens[1]).await?).await?,
    ];
    ensure(users[0]["username"] == users[1]["username"], format!("{users:?}"))?;
    ensure(part(&tokens[0], 1)?["jti"] != part(&tokens[1], 1)?["jti"], "it is the same token")
}

/// A part of a token, which is JSON.
fn part(token: &str, index: usize) -> Result<Value, Failed> {
    let part = token.split('.').nth(index).ok_or("the token has too few parts")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

/// Conformance: ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer
///
/// The token is the pod's; it is checked from outside, where pods do not reach the API server yet.
async fn discovery() -> Outcome {
    let cluster = embedded(&[])?;
    let said = said(&cluster, pod(&[("c", &format!("{PATH}/token"))])).await?;
    let token = said[0].as_str();
    let raw = with_token(&cluster, token).await?;

    let issuer = raw.get("/.well-known/openid-configuration").await?;
    let keys = raw.get("/openid/v1/jwks").await?;

    let (header, claims) = (part(token, 0)?, part(token, 1)?);
    let jwks = issuer["jwks_uri"].as_str().unwrap_or_default();
    ensure(issuer["issuer"] == claims["iss"] && jwks.ends_with("/openid/v1/jwks"), &issuer)?;
    let algorithms = &issuer["id_token_signing_alg_values_supported"];
    ensure(*algorithms == json!([header["alg"]]), &issuer)?;
    let mut known = keys["keys"].as_array().into_iter().flatten();
    let key = known.find(|key| key["kid"] == header["kid"]).ok_or("the key is not published")?;
    ensure(is_signed_by(token, key)?, format!("{token} is not signed by {key}"))
}

/// Whether a token is signed by a key on the curve P-256.
fn is_signed_by(token: &str, key: &Value) -> Result<bool, Failed> {
    let coordinate = |name| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default());
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    let (signed, signature) = token.rsplit_once('.').ok_or("the token has no signature")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    Ok(key.verify(signed.as_bytes(), &signature).is_ok())
}
