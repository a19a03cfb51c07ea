//! How a person's call reaches the API server: at once, and answered at once.

use api::Status;
use api::trace::Origin;
use apiserver::trace::refused;
use apiserver::{Call, Decision};
use serde_json::Value;

use crate::sim::plant::Plant;
use crate::sim::server::{Arrival, Received};
use crate::sim::wire;
use crate::sim::world::World;

/// Who asks.
const ACTOR: &str = "kubectl";

/// An answer, or the `Status` that refuses.
pub(super) type Answer = Result<Value, Value>;

impl World<'_> {
    /// Writes something.
    pub(super) fn write(&mut self, (method, path): (&str, String), body: &Value) -> Answer {
        let content_type = match method {
            "PATCH" => "application/strategic-merge-patch+json",
            _ => "application/json",
        };
        let call = Call {
            method: method.parse().expect("it is one of HTTP's methods"),
            content_type: content_type.to_owned(),
            body: body.to_string().into_bytes(),
            user_agent: ACTOR.to_owned(),
            ..wire::get(path, vec![], ACTOR)
        };
        self.ask(&call)
    }

    /// What is not durable yet becomes so first: nothing is faster than this call.
    fn ask(&mut self, call: &Call) -> Answer {
        self.sync();
        let origin = Origin::new(ACTOR, 0);
        let number = self.recorder.request();
        self.next_flight += 1;
        let mut context = self.context();
        if let Some(heard) = &mut self.heard {
            heard.name(number, call, &mut context);
            if call.method == "POST" {
                context.uid = heard.next_uid();
            }
        }
        let arrival = Arrival { flight: self.next_flight, number, origin: &origin };
        match self.server.receive(&arrival, call, &context, Plant::Nothing) {
            Received::Answered(response) => {
                if let Some(told) = refused(&origin, number, call, &response) {
                    self.recorder.told(told);
                }
                answer(response.code, &response.body)
            }
            Received::Outrun => Err(Status::internal("somebody was faster").to_value()),
            Received::Stored(object) => {
                self.sync();
                Ok(object)
            }
        }
    }

    /// Reads something, as a table if `is_table`.
    pub(super) fn read(&mut self, path: String, selector: &str, is_table: bool) -> Answer {
        let query = match selector {
            "" => vec![],
            selector => vec![("labelSelector".to_owned(), selector.to_owned())],
        };
        let form = if is_table { ";as=Table;v=v1;g=meta.k8s.io" } else { "" };
        let accept = format!("application/json{form}");
        let call = Call { accept, ..wire::get(path, query, ACTOR) };
        let context = self.context();
        match apiserver::decide(&self.server.published, &call, &context) {
            Decision::Respond(response) => answer(response.code, &response.body),
            Decision::Commit(_)
            | Decision::Each(..)
            | Decision::Watch(_)
            | Decision::Node(_)
            | Decision::Proxy(_) => Err(Status::internal("this cannot be read").to_value()),
        }
    }
}

fn answer(code: u16, body: &[u8]) -> Answer {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if code < 400 { Ok(value) } else { Err(value) }
}
