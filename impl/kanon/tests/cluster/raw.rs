//! Somebody who asks for paths and reads JSON.

use kube::Client;
use libtest_mimic::Failed;
use serde_json::{Value, json};

/// A client of one API server.
pub(crate) struct Raw(pub(crate) Client);

impl Raw {
    /// Sends a body, which is a merge patch where the method is PATCH; the answer, or the refusal.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let content_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header(http::header::CONTENT_TYPE, content_type).body(body);
        self.0.request(request.map_err(kube::Error::HttpError)?).await
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failed> {
        Ok(self.send("GET", path, &Value::Null).await?)
    }

    /// Creates.
    pub(crate) async fn post(&self, path: &str, object: &Value) -> Result<Value, Failed> {
        Ok(self.send("POST", path, object).await?)
    }

    /// Replaces.
    pub(crate) async fn put(&self, path: &str, object: &Value) -> Result<Value, Failed> {
        Ok(self.send("PUT", path, object).await?)
    }

    /// Merges.
    pub(crate) async fn patch(&self, path: &str, patch: &Value) -> Result<Value, Failed> {
        Ok(self.send("PATCH", path, patch).await?)
    }

    /// Deletes at once.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failed> {
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0});
        Ok(self.send("DELETE", path, &options).await?)
    }

    /// Sends what must be refused; the code and the message.
    pub(crate) async fn refused(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u16, String), Failed> {
        match self.send(method, path, body).await {
            Err(kube::Error::Api(status)) => Ok((status.code, status.message.clone())),
            Err(error) => Err(error.into()),
            Ok(answer) => Err(format!("{method} {path} is granted: {answer}").into()),
        }
    }
}
