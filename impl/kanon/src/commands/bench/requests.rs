//! Requests of a benchmark, each with the answer it must get, and watches.

use bytes::Bytes;
use conformance::suite::{Session, Target};
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::failure::{Failure, While};

/// How long the value of a ConfigMap is.
const VALUE_BYTES: usize = 1024;
/// How many connections fill a namespace.
const FILLERS: usize = 16;

/// A body of JSON.
pub(crate) fn body(value: &Value) -> Option<(&'static str, Bytes)> {
    Some(("application/json", Bytes::from(value.to_string())))
}

/// Sends a request that must be answered with this code. The answer.
pub(crate) async fn expect(
    session: &mut Session,
    method: Method,
    path: &str,
    body: Option<(&str, Bytes)>,
    code: u16,
) -> Result<Bytes, Failure> {
    let (got, answer) = session.send(method, path, body).await.map_err(Failure::cannot)?;
    if got == code {
        return Ok(answer);
    }
    Err(Failure::cannot(format!("{path}: {got} {}", String::from_utf8_lossy(&answer))))
}

/// Where the ConfigMaps of a namespace are.
pub(crate) fn path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

/// A ConfigMap with a value that no other has.
pub(crate) fn config_map(
    name: &str,
    label: &str,
    count: usize,
    owners: &Value,
) -> Option<(&'static str, Bytes)> {
    let value = format!("{count:0>VALUE_BYTES$}");
    let metadata = json!({"name": name, "labels": {"of": label}, "ownerReferences": owners});
    body(&json!({"metadata": metadata, "data": {"value": value}}))
}

/// Makes so many ConfigMaps in a namespace, `owned` in the words of `metadata.ownerReferences`.
pub(crate) async fn fill(
    target: &Target,
    namespace: &'static str,
    objects: usize,
    owned: &Value,
) -> Result<(), Failure> {
    let mut running = JoinSet::new();
    for filler in 0..FILLERS {
        let mut session = Session::open(target).await.map_err(Failure::cannot)?;
        let owned = owned.clone();
        running.spawn(async move {
            for number in (filler..objects).step_by(FILLERS) {
                let map = config_map(&format!("filling-{number}"), "filling", number, &owned);
                expect(&mut session, Method::POST, &path(namespace), map, 201).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(filled) = running.join_next().await {
        filled.while_doing("a connection")??;
    }
    Ok(())
}

/// An open watch. Its connection is kept as long as this.
pub(crate) struct Watch {
    session: Session,
    events: hyper::body::Incoming,
    rest: Vec<u8>,
}

impl Watch {
    /// Lists what a path selects (`/api/v1/pods?labelSelector=…`; it has a query), and watches from there
    /// on, as clients do.
    pub(crate) async fn open(mut session: Session, selected: &str) -> Result<Self, Failure> {
        let list = expect(&mut session, Method::GET, selected, None, 200).await?;
        let list: Value = serde_json::from_slice(&list).while_doing("a list")?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let path = format!("{selected}&watch=true&resourceVersion={version}");
        let (code, events) =
            session.begin(Method::GET, &path, None).await.map_err(Failure::cannot)?;
        if code != 200 {
            return Err(Failure::cannot(format!("{path}: {code}")));
        }
        Ok(Self { session, events, rest: vec![] })
    }

    /// The events that come next, a line each, at least one.
    pub(crate) async fn lines(&mut self) -> Result<Vec<Vec<u8>>, Failure> {
        loop {
            let frame = self.session.in_time("a watch", self.events.frame()).await;
            let frame = frame.map_err(Failure::cannot)?;
            let frame = frame.ok_or_else(|| Failure::cannot("a watch ended"))?;
            let Ok(data) = frame.while_doing("a watch")?.into_data() else { continue };
            let mut lines = vec![];
            for byte in data {
                match byte {
                    b'\n' => lines.push(std::mem::take(&mut self.rest)),
                    byte => self.rest.push(byte),
                }
            }
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
    }
}
