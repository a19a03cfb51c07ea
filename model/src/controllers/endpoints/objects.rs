//! A Service, its Pods and its Endpoints.

use super::{ENDPOINTS_INFORMER, POD_INFORMER, SERVICE_INFORMER};
use crate::history;
use crate::packed;

/// How many names of Pods there are.
pub const PODS: usize = 2;

/// The Pods whose addresses the Endpoints list.
pub type Addresses = [bool; PODS];

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// Whether the Service exists.
    pub service: bool,
    /// The Pods by name.
    pub pods: [Option<Pod>; PODS],
    /// The Endpoints of the Service's name.
    pub endpoints: Option<Addresses>,
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Whether it has the labels that the Service selects.
    pub labelled: bool,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a Pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It runs and is not Ready.
    Unready,
    /// It is Ready.
    Ready,
    /// It has a deletionTimestamp.
    Terminating,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Whether the Service exists.
    Service(bool),
    /// A Pod by its name.
    Pod(u8, Option<Pod>),
    /// The Endpoints.
    Endpoints(Option<Addresses>),
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Service(service) => self.service = service,
            Event::Pod(number, pod) => self.pods[usize::from(number)] = pod,
            Event::Endpoints(endpoints) => self.endpoints = endpoints,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        watcher
            == match event {
                Event::Service(_) => SERVICE_INFORMER,
                Event::Pod(..) => POD_INFORMER,
                Event::Endpoints(_) => ENDPOINTS_INFORMER,
            }
    }
}

packed!(struct Objects { service, pods, endpoints });
packed!(struct Pod { labelled, stage });
packed!(
    enum Stage {
        Unready,
        Ready,
        Terminating,
    }
);
packed!(
    enum Event {
        Service(service),
        Pod(number, pod),
        Endpoints(endpoints),
    }
);
