//! What kubelets do about Pods that are bound to their Nodes: let them in or reject them, and let them go. Whether a
//! Pod is let in the real kubelet decides, a new one each time, which has let in what runs already.

use api::object::{at, text};
use api::{AnyObject, Key, Request, Timestamp, resources};
use client::Change;
use kubelet::{Capacity, Command, Config, Input, Kubelet, Purpose};
use serde_json::{Value, json};

use super::SchedulingFault;
use super::api_server::ApiServer;
use crate::sim::checks::is_deleted;

/// More places than there are Pods.
const MANY_PLACES: i64 = 1000;

/// What a kubelet has to do, or the garbage collector of Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A Pod is let in, or rejected.
    Admit(Key),
    /// A Pod that was to be deleted has stopped.
    Stop(Key),
    /// A Pod is deleted, for its Node is gone.
    Collect(Key),
}

/// Everything that there is to do.
pub(super) fn work(api_server: &ApiServer) -> Vec<Work> {
    let bound = api_server.pods().filter(|pod| at(pod, &["spec", "nodeName"]).is_some());
    bound.filter_map(|pod| work_on(api_server, pod)).collect()
}

fn work_on(api_server: &ApiServer, pod: &Value) -> Option<Work> {
    let key = Key::new("default", text(pod, &["metadata", "name"]));
    let has_node = api_server.places(text(pod, &["spec", "nodeName"])).is_some();
    match (has_node, is_deleted(pod)) {
        (false, _) => Some(Work::Collect(key)),
        (true, true) => Some(Work::Stop(key)),
        (true, false) if text(pod, &["status", "phase"]) == "Pending" => Some(Work::Admit(key)),
        (true, false) => None,
    }
}

/// What is asked for when the work is done.
pub(super) fn done(
    api_server: &ApiServer,
    work: &Work,
    (now, fault): (Timestamp, SchedulingFault),
) -> Request {
    match work {
        Work::Admit(key) => admit(api_server, key, (now, fault)).unwrap_or_else(|| {
            let patch = json!({"status": {"phase": "Running"}});
            Request::merge_patch(&resources::PODS, key.clone(), patch).to_subresource("status")
        }),
        Work::Stop(key) | Work::Collect(key) => {
            let options = json!({"gracePeriodSeconds": 0});
            Request::delete(&resources::PODS, key.clone(), "", options)
        }
    }
}

/// How the kubelet says that it rejects a Pod, if it does.
fn admit(
    api_server: &ApiServer,
    key: &Key,
    (now, fault): (Timestamp, SchedulingFault),
) -> Option<Request> {
    let pod = api_server.pod(&key.name)?;
    let node = text(pod, &["spec", "nodeName"]);
    let places = match fault == SchedulingFault::KubeletSkipsAdmission {
        true => MANY_PLACES,
        false => api_server.places(node)?,
    };
    let capacity = Capacity {
        cpu_milli: places * 1000,
        memory_bytes: 8 << 30,
        ephemeral_storage_bytes: 8 << 30,
        pods: MANY_PLACES,
    };
    let mut kubelet = Kubelet::new(Config::new(node, "192.0.2.1", capacity), vec![], now);
    let is_let_in = |pod: &&Value| {
        text(pod, &["spec", "nodeName"]) == node && text(pod, &["status", "phase"]) == "Running"
    };
    let mut commands = vec![];
    for pod in api_server.pods().filter(is_let_in).chain([pod]) {
        let object = AnyObject::decode(&resources::PODS, pod.to_string().as_bytes()).ok()?;
        let change = Change { old: None, new: Some(object) };
        commands = kubelet.handle(Input::Pod(change, 0), now);
    }
    commands.into_iter().find_map(|command| match command {
        Command::Api(Purpose::PodStatus(_), request) => {
            let body = request.body.as_ref()?;
            (text(body, &["status", "phase"]) == "Failed").then_some(request)
        }
        Command::Api(..) | Command::Runtime(_) | Command::Follow(_) | Command::Forget(_) => None,
    })
}
