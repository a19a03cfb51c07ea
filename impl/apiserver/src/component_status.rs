//! `componentstatuses`: how the parts of the control plane are. Deprecated, and still what some dashboards ask.
//!
//! Source: pkg/registry/core/componentstatus/rest.go, v1.36.

use api::{Reason, Status, resources};
use http::Method;
use serde_json::{Value, json};

use crate::call::{Call, Context, Response};
use crate::negotiate;
use crate::options::list::ListOptions;
use crate::read::Selection;
use crate::route::{Objects, Target, route};

/// How a component beside an API server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It does not run there.
    #[default]
    Absent,
    /// All of it runs.
    Works,
    /// So many of its tasks do not run any more.
    Ended {
        /// How many have ended.
        ended: usize,
        /// How many there were.
        tasks: usize,
    },
}

/// How the components beside an API server are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// What runs the controllers.
    pub controller_manager: Health,
    /// What binds pods to nodes.
    pub scheduler: Health,
}

impl Components {
    /// Each component by name, and why it does not work, if it does not.
    fn told(self) -> Vec<(&'static str, Result<(), String>)> {
        let tell = |name: &'static str, health| {
            let health = match health {
                Health::Absent => Err(format!("{name} does not run beside this API server")),
                Health::Works => Ok(()),
                Health::Ended { ended, tasks } => {
                    Err(format!("{ended} of the {tasks} tasks have ended"))
                }
            };
            (name, health)
        };
        vec![tell("controller-manager", self.controller_manager), tell("scheduler", self.scheduler)]
    }
}

/// The store's name among the components.
const ETCD: &str = "etcd-0";

/// What is asked of componentstatuses, if that is what a call asks about.
pub(crate) fn asked(call: &Call) -> Option<Objects> {
    match route(&call.path) {
        Ok(Target::Objects(target)) if target.resource == &resources::COMPONENT_STATUSES => {
            Some(target)
        }
        _ => None,
    }
}

/// The answer, where the store can be asked or cannot for a reason.
pub(crate) fn answer(
    call: &Call,
    target: &Objects,
    context: &Context,
    store: Result<(), String>,
) -> Result<Response, Status> {
    if call.method != Method::GET {
        return Err(Status::method_not_allowed());
    }
    let format = negotiate::format(call, target)?;
    let mut statuses = context.components.told();
    statuses.push((ETCD, store));
    let mut objects = statuses.into_iter().map(|(name, health)| object(name, health));
    if let Some(name) = &target.name {
        let found = objects.find(|object| object["metadata"]["name"] == **name);
        let found = found.ok_or_else(|| not_found(name))?;
        return Ok(format.one(200, target.resource, &found, context.now));
    }
    if call.flag("watch") {
        return Err(no_watch());
    }
    let selection = Selection::of(&ListOptions::of(call)?, target)?;
    let objects: Vec<Value> = objects.filter(|object| selection.matches(target, object)).collect();
    Ok(Response::json(200, &format.list(target.resource, json!({}), &objects, context.now)))
}

fn object(name: &str, health: Result<(), String>) -> Value {
    let (status, message) = match health {
        Ok(()) => ("True", "ok".to_owned()),
        Err(why) => ("False", why),
    };
    let mut condition = json!({"type": "Healthy", "status": status});
    // Of the store, upstream says as an error what it says of others as a message.
    let field = if name == ETCD && status == "False" { "error" } else { "message" };
    condition[field] = json!(message);
    json!({"kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": name},
        "conditions": [condition]})
}

fn not_found(name: &str) -> Status {
    let (kind, message) = ("componentstatus", format!("componentstatus \"{name}\" not found"));
    let (kind, name) = (kind.to_owned(), name.to_owned());
    Status { kind, name, ..Status::new(Reason::NotFound, message) }
}

fn no_watch() -> Status {
    let plural = resources::COMPONENT_STATUSES.plural;
    let message = format!("watch is not supported on resources of kind \"{plural}\"");
    Status { kind: plural.to_owned(), ..Status::new(Reason::MethodNotAllowed, message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Decision;

    fn ask(path: &str, query: &[(&str, &str)]) -> Response {
        let mut call = Call::of_tests(Method::GET, path, &Value::Null);
        call.query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let decision = crate::decide(&store::Store::default(), &call, &Context::of_tests());
        let Decision::Respond(response) = decision else { panic!("{path} is answered") };
        response
    }

    fn value(response: &Response) -> Value {
        serde_json::from_slice(&response.body).expect("it is JSON")
    }

    const ALL: &str = "/api/v1/componentstatuses";

    #[test]
    fn each_component_says_how_it_is_and_that_this_is_deprecated() {
        let response = ask(ALL, &[]);

        assert_eq!(response.warnings, ["v1 ComponentStatus is deprecated in v1.19+"]);
        let list = value(&response);
        assert_eq!((&list["kind"], &list["metadata"]), (&json!("ComponentStatusList"), &json!({})));
        let told = list["items"].as_array().unwrap().iter().map(|item| {
            let condition = &item["conditions"][0];
            json!([item["metadata"]["name"], condition["status"], condition["message"]])
        });
        let expected = json!([
            ["controller-manager", "True", "ok"],
            ["scheduler", "False", "1 of the 2 tasks have ended"],
            ["etcd-0", "True", "ok"],
        ]);
        assert_eq!(told.collect::<Value>(), expected);
    }

    #[test]
    fn one_component_can_be_asked_for_and_selected() {
        let one = value(&ask(&format!("{ALL}/etcd-0"), &[]));
        let selected = value(&ask(ALL, &[("fieldSelector", "metadata.name=scheduler")]));
        let labelled = value(&ask(ALL, &[("labelSelector", "a=b")]));

        assert_eq!(one["metadata"], json!({"name": "etcd-0"}));
        assert_eq!(selected["items"][0]["metadata"]["name"], "scheduler");
        assert_eq!(selected["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(labelled["items"], json!([]));
    }

    #[test]
    fn what_is_no_component_is_not_found_and_none_can_be_watched() {
        let missing = ask(&format!("{ALL}/nope"), &[]);
        let watched = ask(ALL, &[("watch", "1")]);

        assert_eq!(missing.code, 404);
        assert_eq!(value(&missing)["message"], "componentstatus \"nope\" not found");
        assert_eq!(value(&missing)["details"]["kind"], "componentstatus");
        let message = "watch is not supported on resources of kind \"componentstatuses\"";
        assert_eq!((watched.code, value(&watched)["message"].as_str()), (405, Some(message)));
    }

    #[test]
    fn a_store_that_cannot_be_asked_is_unhealthy() {
        let call = Call::of_tests(Method::GET, format!("{ALL}/etcd-0"), &Value::Null);

        let why = Status::new(Reason::ServiceUnavailable, "nobody answers");
        let response = call.without_store(why, &Context::of_tests());

        let condition = json!({"type": "Healthy", "status": "False", "error": "nobody answers"});
        assert_eq!(value(&response)["conditions"], json!([condition]));
    }

    #[test]
    fn a_table_shows_status_message_and_error() {
        let mut call = Call::of_tests(Method::GET, ALL, &Value::Null);
        call.accept = "application/json;as=Table;g=meta.k8s.io;v=v1".to_owned();
        let store = store::Store::default();
        let decision = crate::decide(&store, &call, &Context::of_tests());
        let Decision::Respond(response) = decision else { panic!("it is answered") };

        let rows = &value(&response)["rows"];
        assert_eq!(rows[0]["cells"], json!(["controller-manager", "Healthy", "ok", ""]));
        assert_eq!(
            rows[1]["cells"],
            json!(["scheduler", "Unhealthy", "1 of the 2 tasks have ended", ""])
        );
    }
}
