//! Logs and commands of containers, in the messages of a WebSocket.

use futures_util::StreamExt;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::super::client::Api;
use super::super::with_containers;
use super::{container, pod, printed};
use crate::support::{Outcome, ensure};

pub(super) fn web_sockets() -> Vec<Trial> {
    vec![
        with_containers(
            "Pods should support remote command execution over websockets [NodeConformance]",
            runs_commands,
        ),
        with_containers(
            "Pods should support retrieving logs from the container over websockets [NodeConformance]",
            shows_logs,
        ),
    ]
}

/// What the messages hold, each one, until the other side closes.
async fn messages(api: &Api, path: &str, protocol: &str) -> Result<Vec<Vec<u8>>, Failed> {
    let request = http::Request::get(path)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
        .header(SEC_WEBSOCKET_PROTOCOL, protocol)
        .body(Body::empty())?;
    let response = api.client.send(request).await?;
    let agreed = response.headers().get(SEC_WEBSOCKET_PROTOCOL).cloned();
    let is_agreed = response.status() == 101 && agreed.is_some_and(|agreed| agreed == protocol);
    ensure(is_agreed, format!("no agreement: {response:?}"))?;
    let io = TokioIo::new(hyper::upgrade::on(response).await?);
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Client, None).await;
    let mut messages = vec![];
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_close() {
            break;
        }
        ensure(message.is_binary(), format!("a message of another kind: {message}"))?;
        messages.push(message.into_data().to_vec());
    }
    Ok(messages)
}

async fn runs(api: &Api) -> Outcome {
    let main = container("main", "echo container is alive; sleep 10000");
    let pods = api.all("v1", "pods");
    pods.create(&pod("tried", json!({"containers": [main]}))).await?;
    pods.until("tried", "it runs", |pod| pod["status"]["phase"] == "Running").await?;
    printed(api, ("tried", "main"), |log| log.ends_with('\n')).await.map(drop)
}

async fn runs_commands(api: Api) -> Outcome {
    runs(&api).await?;
    let command = "command=echo&command=remote%20execution%20test";
    let path = format!(
        "{}/tried/exec?stdout=1&stderr=1&container=main&{command}",
        api.all("v1", "pods").path
    );

    let messages = messages(&api, &path, "channel.k8s.io").await?;

    let said = messages.iter().filter(|message| message.len() > 1);
    let is_of_output = said.clone().all(|message| message[0] == 1);
    let text: Vec<u8> = said.flat_map(|message| &message[1..]).copied().collect();
    ensure(is_of_output && text == b"remote execution test\n", format!("{messages:?}"))
}

async fn shows_logs(api: Api) -> Outcome {
    runs(&api).await?;
    let path = format!("{}/tried/log?container=main", api.all("v1", "pods").path);

    let messages = messages(&api, &path, "binary.k8s.io").await?;

    let is_greeted = messages.first().is_some_and(Vec::is_empty);
    ensure(is_greeted && messages.concat() == b"container is alive\n", format!("{messages:?}"))
}
