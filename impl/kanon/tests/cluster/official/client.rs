//! Requests in JSON, each with the code that it must be answered with.

use futures_util::{AsyncBufReadExt, TryStreamExt};
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{Outcome, PATIENCE, eventually};

pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// The API server, and a namespace of the trial's own.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Api {
    /// Sends a request. The code and what is answered; text is a string.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(u16, Value), Failed> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let response = self.client.send(request.body(Body::from(body))?).await?;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        Ok((code, serde_json::from_slice(&bytes).unwrap_or_else(|_| text())))
    }

    /// What is at a path.
    pub(crate) async fn read(&self, path: &str) -> Result<Value, Failed> {
        let (code, found) = self.send(Method::GET, path, &[], None).await?;
        expect(200, code, found, path)
    }

    /// Objects of one kind in the trial's namespace: `all("apps/v1", "deployments")`.
    pub(crate) fn all(&self, version: &str, plural: &str) -> Collection {
        let path = format!("{}/namespaces/{}/{plural}", root(version), self.namespace);
        Collection { api: self.clone(), path }
    }

    /// Objects of one kind that are in no namespace, or those of all namespaces.
    pub(crate) fn cluster_wide(&self, version: &str, plural: &str) -> Collection {
        Collection { api: self.clone(), path: format!("{}/{plural}", root(version)) }
    }
}

fn root(version: &str) -> String {
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}")
}

/// What was answered, if it is what must be.
fn expect(expected: u16, code: u16, answer: Value, what: &str) -> Result<Value, Failed> {
    if code == expected {
        return Ok(answer);
    }
    Err(format!("{what}: {code} instead of {expected}: {answer}").into())
}

/// Objects of one kind. Where it takes the name of an object, it also takes `NAME/SUBRESOURCE`.
#[derive(Clone)]
pub(crate) struct Collection {
    pub(crate) api: Api,
    pub(crate) path: String,
}

impl Collection {
    fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    pub(crate) async fn create(&self, object: &Value) -> Result<Value, Failed> {
        let (code, made) = self.try_create(object).await?;
        expect(201, code, made, &format!("creating in {}", self.path))
    }

    /// Creates where it may be refused: the code and what is answered.
    pub(crate) async fn try_create(&self, object: &Value) -> Result<(u16, Value), Failed> {
        self.api.send(Method::POST, &self.path, &JSON, Some(object)).await
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Value, Failed> {
        self.api.read(&self.named(name)).await
    }

    /// Whether an object is there.
    pub(crate) async fn is_there(&self, name: &str) -> Result<bool, Failed> {
        let (code, found) = self.api.send(Method::GET, &self.named(name), &[], None).await?;
        if code == 404 { Ok(false) } else { expect(200, code, found, name).map(|_| true) }
    }

    /// What is at this path with a query, such as `?labelSelector=a%3Db`.
    pub(crate) async fn list(&self, query: &str) -> Result<Vec<Value>, Failed> {
        let list = self.api.read(&format!("{}{query}", self.path)).await?;
        list["items"].as_array().cloned().ok_or_else(|| format!("not a list: {list}").into())
    }

    pub(crate) async fn update(&self, name: &str, object: &Value) -> Result<Value, Failed> {
        let (code, made) =
            self.api.send(Method::PUT, &self.named(name), &JSON, Some(object)).await?;
        expect(200, code, made, &format!("updating {}", self.named(name)))
    }

    /// Reads, changes and updates, again if somebody else has written in between.
    pub(crate) async fn change(
        &self,
        name: &str,
        change: impl Fn(&mut Value),
    ) -> Result<Value, Failed> {
        eventually(&format!("{name} is updated"), || async {
            let mut object = self.get(name).await?;
            change(&mut object);
            Ok(Some(self.update(name, &object).await?))
        })
        .await
    }

    pub(crate) async fn patch(
        &self,
        name: &str,
        kind: &str,
        patch: &Value,
    ) -> Result<Value, Failed> {
        let header = [("content-type", kind)];
        let (code, made) =
            self.api.send(Method::PATCH, &self.named(name), &header, Some(patch)).await?;
        expect(200, code, made, &format!("patching {}", self.named(name)))
    }

    /// Deletes; `options` are `DeleteOptions` or null.
    pub(crate) async fn delete(&self, name: &str, options: &Value) -> Result<Value, Failed> {
        let (code, gone) = self
            .api
            .send(Method::DELETE, &self.named(name), &JSON, (!options.is_null()).then_some(options))
            .await?;
        match code {
            202 => Ok(gone),
            _ => expect(200, code, gone, &format!("deleting {}", self.named(name))),
        }
    }

    pub(crate) async fn delete_collection(&self, query: &str) -> Outcome {
        let path = format!("{}{query}", self.path);
        let (code, gone) = self.api.send(Method::DELETE, &path, &[], None).await?;
        expect(200, code, gone, &format!("deleting all of {path}")).map(drop)
    }

    /// Waits until an object is as it must be. The object.
    pub(crate) async fn until(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failed> {
        eventually(what, || async {
            let found = self.get(name).await?;
            if holds(&found) { Ok(Some(found)) } else { Err(format!("not {what}: {found}").into()) }
        })
        .await
    }

    /// Waits until an object is not there.
    pub(crate) async fn until_gone(&self, name: &str) -> Outcome {
        let what = format!("{} is gone", self.named(name));
        eventually(&what, || async { Ok((!self.is_there(name).await?).then_some(())) }).await
    }

    /// Waits until so many objects are there. The objects.
    pub(crate) async fn until_count(
        &self,
        query: &str,
        count: usize,
    ) -> Result<Vec<Value>, Failed> {
        eventually(&format!("{count} in {}{query}", self.path), || async {
            let found = self.list(query).await?;
            Ok((found.len() == count).then_some(found))
        })
        .await
    }

    /// Watches, with a query that begins with `&` or is empty.
    pub(crate) async fn watch(&self, query: &str) -> Result<Watch, Failed> {
        let path = format!("{}?watch=true{query}", self.path);
        let request = Request::get(path).body(vec![])?;
        let lines = self.api.client.request_stream(request).await?.lines();
        Ok(Watch { lines: Box::pin(lines) })
    }

    /// Watches from now on.
    pub(crate) async fn watch_from_now(&self, query: &str) -> Result<Watch, Failed> {
        let list = self.api.read(&format!("{}?limit=1", self.path)).await?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        self.watch(&format!("&resourceVersion={version}{query}")).await
    }
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Events of a watch, one at a time.
pub(crate) struct Watch {
    lines: std::pin::Pin<Box<dyn futures_util::Stream<Item = std::io::Result<String>> + Send>>,
}

impl Watch {
    /// The next event that is not a bookmark.
    pub(crate) async fn next(&mut self) -> Result<Value, Failed> {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.try_next()).await??;
            let event: Value = serde_json::from_str(&line.ok_or("the watch ended")?)?;
            if event["type"] != "BOOKMARK" {
                return Ok(event);
            }
        }
    }

    /// The next event, which must be of a type and about an object. The object.
    pub(crate) async fn expect(&mut self, kind: &str, name: &str) -> Result<Value, Failed> {
        let event = self.next().await?;
        if event["type"] == kind && event["object"]["metadata"]["name"] == name {
            return Ok(event["object"].clone());
        }
        Err(format!("not {kind} {name}: {event}").into())
    }

    /// The next event of a type about an object; others are passed over.
    pub(crate) async fn until(&mut self, kind: &str, name: &str) -> Result<Value, Failed> {
        loop {
            let event = self.next().await?;
            if event["type"] == kind && event["object"]["metadata"]["name"] == name {
                return Ok(event["object"].clone());
            }
        }
    }
}
