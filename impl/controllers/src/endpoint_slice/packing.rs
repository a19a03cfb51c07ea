//! Fits endpoints into slices with as few writes as it can: what stays stays where it is, what is new fills
//! slices that are written anyway, then one with room, then new ones.
//!
//! Source: `reconcileByPortMapping` and `finalize` in staging/src/k8s.io/endpointslice/reconciler.go, and
//! util/endpointset.go beside it (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Request;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::delete;
use crate::ownership::labels;

/// How many endpoints a slice holds at most.
const ENDPOINTS_MAX: usize = 100;

/// The addresses of an endpoint, its host name, and the namespace and name of what it stands for. Two that
/// have the same are one endpoint.
type EndpointKey = (Vec<String>, String, String, String);

/// Different endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointSet(BTreeMap<EndpointKey, Endpoint>);

impl EndpointSet {
    /// Adds an endpoint, in the place of the same one.
    pub(crate) fn insert(&mut self, endpoint: Endpoint) {
        self.0.insert(key(&endpoint), endpoint);
    }

    /// Takes the wanted form of an endpoint.
    fn take(&mut self, endpoint: &Endpoint) -> Option<Endpoint> {
        self.0.remove(&key(endpoint))
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Moves endpoints into a slice until it holds this many.
    pub(crate) fn fill(&mut self, slice: &mut EndpointSlice, max: usize) {
        let endpoints = slice.endpoints.get_or_insert_default();
        while endpoints.len() < max
            && let Some((_, endpoint)) = self.0.pop_first()
        {
            endpoints.push(endpoint);
        }
    }

    /// Whether these are the same endpoints, in the same state.
    pub(crate) fn is_what(&self, endpoints: &[Endpoint]) -> bool {
        let is_wanted = |endpoint| self.0.get(&key(endpoint)).is_some_and(|w| is_same(w, endpoint));
        endpoints.len() == self.0.len() && endpoints.iter().all(is_wanted)
    }
}

fn key(endpoint: &Endpoint) -> EndpointKey {
    let mut addresses = endpoint.addresses.clone();
    addresses.sort();
    let target = endpoint.target_ref.as_ref();
    let field = |field: fn(&ObjectReference) -> &Option<String>| {
        target.and_then(|target| field(target).clone()).unwrap_or_default()
    };
    let hostname = endpoint.hostname.clone().unwrap_or_default();
    (addresses, hostname, field(|target| &target.namespace), field(|target| &target.name))
}

/// Whether two forms of one endpoint say the same. The version of what it stands for does not matter.
fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    let target = |endpoint: &Endpoint| {
        let target = endpoint.target_ref.clone();
        target.map(|target| ObjectReference { resource_version: None, ..target })
    };
    let conditions = |endpoint: &Endpoint| endpoint.conditions.clone().unwrap_or_default();
    one.node_name == other.node_name
        && one.zone == other.zone
        && conditions(one) == conditions(other)
        && target(one) == target(other)
}

/// The text of ports, by which one list of them is told from another whatever its order.
pub(crate) fn port_key(ports: &[EndpointPort]) -> String {
    let text = |port| serde_json::to_string(port).expect("a port is JSON");
    let mut ports: Vec<String> = ports.iter().map(text).collect();
    ports.sort();
    ports.concat()
}

/// The endpoints that should be there, by their ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups(BTreeMap<String, (Vec<EndpointPort>, EndpointSet)>);

impl Groups {
    /// The endpoints with these ports.
    pub(crate) fn of(&mut self, ports: Vec<EndpointPort>) -> &mut EndpointSet {
        let (_, endpoints) =
            self.0.entry(port_key(&ports)).or_insert((ports, EndpointSet::default()));
        endpoints
    }
}

/// What is to be done about slices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// New ones, without a name.
    pub(crate) create: Vec<EndpointSlice>,
    /// Those that are written anew.
    pub(crate) update: Vec<EndpointSlice>,
    /// Those that go.
    pub(crate) delete: Vec<Arc<EndpointSlice>>,
}

impl Changes {
    /// Writes what would be created over what would be deleted.
    pub(crate) fn recycle(&mut self, is_reusable: impl Fn(&Arc<EndpointSlice>) -> bool) {
        let mut kept = vec![];
        for old in std::mem::take(&mut self.delete) {
            let reusable = is_reusable(&old);
            let last = self.create.pop_if(|new| reusable && new.address_type == old.address_type);
            match last {
                Some(new) => self.update.push(named(new, &old)),
                None => kept.push(old),
            }
        }
        self.delete = kept;
    }

    /// The requests that do it.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let create = self.create.iter().map(Request::create);
        let update = self.update.iter().map(Request::update);
        let delete = self.delete.iter().map(|slice| delete(slice));
        create.chain(update).chain(delete).collect()
    }
}

/// A new slice under the name of one that is there.
pub(crate) fn named(new: EndpointSlice, old: &EndpointSlice) -> EndpointSlice {
    let ObjectMeta { name, generate_name, .. } = old.metadata.clone();
    let metadata = ObjectMeta { name, generate_name, ..new.metadata };
    EndpointSlice { metadata, ..new }
}

/// Fits the endpoints of each group into slices of its ports. `template` is an empty slice.
pub(crate) fn pack(
    template: &EndpointSlice,
    existing: &[&Arc<EndpointSlice>],
    groups: Groups,
) -> Changes {
    let mut by_ports: BTreeMap<String, Vec<&Arc<EndpointSlice>>> = BTreeMap::new();
    for slice in existing {
        by_ports
            .entry(port_key(slice.ports.as_deref().unwrap_or_default()))
            .or_default()
            .push(slice);
    }
    let mut changes = Changes::default();
    for (key, (ports, endpoints)) in groups.0 {
        let template =
            EndpointSlice { ports: (!ports.is_empty()).then_some(ports), ..template.clone() };
        let existing = by_ports.remove(&key).unwrap_or_default();
        pack_group(&template, existing, endpoints, &mut changes);
    }
    changes.delete.extend(by_ports.into_values().flatten().cloned());
    changes
}

fn pack_group(
    template: &EndpointSlice,
    existing: Vec<&Arc<EndpointSlice>>,
    mut endpoints: EndpointSet,
    changes: &mut Changes,
) {
    let (mut unchanged, mut updated) = (vec![], vec![]);
    for slice in existing {
        match keep(slice, template, &mut endpoints) {
            Kept::Unchanged => unchanged.push(slice),
            Kept::Nothing => changes.delete.push(Arc::clone(slice)),
            Kept::Changed(slice) => updated.push(*slice),
        }
    }
    updated.sort_by_key(|slice| std::cmp::Reverse(count(slice)));
    updated.iter_mut().for_each(|slice| endpoints.fill(slice, ENDPOINTS_MAX));
    while !endpoints.is_empty() {
        match with_room(&unchanged, endpoints.0.len()) {
            Some(index) => {
                let mut slice = EndpointSlice::clone(unchanged.remove(index));
                endpoints.fill(&mut slice, ENDPOINTS_MAX);
                updated.push(slice);
            }
            None => {
                let mut slice = template.clone();
                endpoints.fill(&mut slice, ENDPOINTS_MAX);
                changes.create.push(slice);
            }
        }
    }
    changes.update.extend(updated);
}

enum Kept {
    Unchanged,
    Changed(Box<EndpointSlice>),
    Nothing,
}

/// What stays of a slice: its endpoints that are still wanted, under the labels that it should have.
fn keep(slice: &EndpointSlice, template: &EndpointSlice, wanted: &mut EndpointSet) -> Kept {
    let found = slice.endpoints.as_deref().unwrap_or_default();
    let mut endpoints = vec![];
    let mut is_changed = labels(&slice.metadata) != labels(&template.metadata);
    for endpoint in found {
        let Some(new) = wanted.take(endpoint) else {
            is_changed = true;
            continue;
        };
        is_changed |= !is_same(&new, endpoint);
        endpoints.push(new);
    }
    if !is_changed {
        return Kept::Unchanged;
    }
    if endpoints.is_empty() && !found.is_empty() {
        return Kept::Nothing;
    }
    let metadata =
        ObjectMeta { labels: template.metadata.labels.clone(), ..slice.metadata.clone() };
    let endpoints = Some(endpoints);
    Kept::Changed(Box::new(EndpointSlice { metadata, endpoints, ..slice.clone() }))
}

fn count(slice: &EndpointSlice) -> usize {
    slice.endpoints.as_ref().map_or(0, Vec::len)
}

/// The fullest slice that has room for so many more, if it would not stay empty but for them.
fn with_room(slices: &[&Arc<EndpointSlice>], more: usize) -> Option<usize> {
    let room = |slice: &EndpointSlice| ENDPOINTS_MAX.checked_sub(count(slice) + more);
    let rooms = slices.iter().enumerate().filter_map(|(index, slice)| Some((room(slice)?, index)));
    let best = rooms.min().filter(|(room, _)| *room < ENDPOINTS_MAX);
    best.filter(|_| more < ENDPOINTS_MAX).map(|(_, index)| index)
}

#[cfg(test)]
mod tests;
