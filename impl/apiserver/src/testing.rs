//! An API server as the tests of this crate use it.

use http::Method;
use serde_json::Value;
use store::{Store, Transaction};

use crate::call::{Call, Context, Decision};

/// A store, and somebody who asks for one thing after the other.
pub(crate) struct Client {
    pub(crate) store: Store,
    pub(crate) context: Context,
}

impl Client {
    /// With nothing in the store.
    pub(crate) fn new() -> Self {
        Self { store: Store::default(), context: Context::of_tests() }
    }

    /// What is decided on what is stored now. Patches are merge patches.
    pub(crate) fn decide(&self, method: &Method, path: &str, body: &Value) -> Decision {
        let mut call = Call::of_tests(method.clone(), path, body);
        match *method {
            Method::PATCH => call.content_type = "application/merge-patch+json".to_owned(),
            Method::GET | Method::DELETE => call.body.clear(),
            _ => {}
        }
        crate::decide(&self.store, &call, &self.context)
    }

    /// What is decided about a GET with this query.
    pub(crate) fn get(&self, path: &str, query: &str) -> Decision {
        let mut call = Call::of_tests(Method::GET, path, &Value::Null);
        call.body.clear();
        call.query = form(query);
        crate::decide(&self.store, &call, &self.context)
    }

    /// Writes. The object as it is stored or was removed, or the message of the refusal.
    pub(crate) fn send(
        &mut self,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        match self.decide(method, path, body) {
            Decision::Commit(commit) => {
                assert!(self.commit(&commit.transaction), "nobody else writes");
                Ok(commit.object)
            }
            Decision::Respond(response) => {
                let status: Value = serde_json::from_slice(&response.body).expect("it is JSON");
                Err(status["message"].as_str().unwrap_or_default().to_owned())
            }
            Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) | Decision::Proxy(_) => {
                panic!("{path} is no write")
            }
        }
    }

    /// Creates what must be taken.
    pub(crate) fn created(&mut self, path: &str, body: &Value) -> Value {
        let made = self.send(&Method::POST, path, body);
        made.unwrap_or_else(|why| panic!("{path}: {why}"))
    }

    /// Whether the conditions of a write still hold; it is done then.
    pub(crate) fn commit(&mut self, transaction: &Transaction) -> bool {
        self.store.commit(transaction).expect("it makes sense").succeeded
    }
}

/// The pairs of a query in which nothing is escaped.
pub(crate) fn form(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_owned(), value.to_owned())
    };
    pairs.map(pair).collect()
}

/// The code and the message of a refusal.
pub(crate) fn refusal(decision: Decision) -> (u16, String) {
    let Decision::Respond(response) = decision else { panic!("it is not refused") };
    let status: Value = serde_json::from_slice(&response.body).expect("it is JSON");
    assert_eq!(status["status"], "Failure", "{status}");
    (response.code, status["message"].as_str().unwrap_or_default().to_owned())
}
