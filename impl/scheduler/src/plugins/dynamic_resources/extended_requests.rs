//! What the containers of a pod request of devices by the names of extended resources.
//!
//! Source: `createRequestsAndMappings` in framework/plugins/dynamicresources/extendeddynamicresources.go (v1.36). An init
//! container that ends uses what containers after it will have, and all of them share what they need beyond that.

use std::collections::{BTreeMap, BTreeSet};

use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, ContainerExtendedResourceRequest, PodSpec};
use k8s_openapi::api::resource::v1::{DeviceRequest, ExactDeviceRequest};

type Mapping = ContainerExtendedResourceRequest;

/// A container, with its place among all.
#[derive(Clone, Copy)]
struct Part<'a> {
    place: usize,
    container: &'a Container,
    /// Whether it ends before the containers after it start.
    is_short_lived: bool,
}

/// A request for so many devices.
#[derive(Clone)]
struct Asked {
    name: String,
    count: i64,
}

/// The requests for resources, of which the classes are given, and which of them is for which resource of which container.
pub(super) fn requests_and_mappings(
    spec: &PodSpec,
    classes: &BTreeMap<&str, &str>,
) -> (Vec<DeviceRequest>, Vec<Mapping>) {
    let parts = parts(spec);
    let (mut requests, mut mappings) = (vec![], vec![]);
    for (resource, class) in classes {
        let (asked, mapped) = of_resource(&parts, resource);
        requests.extend(asked.into_iter().map(|asked| request(asked, class)));
        mappings.extend(mapped);
    }
    requests.sort_by(|one: &DeviceRequest, other| one.name.cmp(&other.name));
    (requests, mappings)
}

fn parts(spec: &PodSpec) -> Vec<Part<'_>> {
    let init = spec.init_containers.iter().flatten();
    let init =
        init.map(|container| (container, container.restart_policy.as_deref() != Some("Always")));
    let all = init.chain(spec.containers.iter().map(|container| (container, false)));
    let parts = all.enumerate();
    parts
        .map(|(place, (container, is_short_lived))| Part { place, container, is_short_lived })
        .collect()
}

fn request(asked: Asked, class: &str) -> DeviceRequest {
    let exactly = ExactDeviceRequest {
        device_class_name: class.to_owned(),
        allocation_mode: Some("ExactCount".to_owned()),
        count: Some(asked.count),
        ..ExactDeviceRequest::default()
    };
    DeviceRequest { name: asked.name, exactly: Some(exactly), first_available: None }
}

/// The requests for one resource, and for whom they are.
fn of_resource(parts: &[Part<'_>], resource: &str) -> (Vec<Asked>, Vec<Mapping>) {
    let (mut lasting, mut mappings): (Vec<Option<Asked>>, Vec<Mapping>) = (vec![], vec![]);
    for part in parts {
        let (asked, mapped) = match part.is_short_lived {
            true => (None, vec![]),
            false => of_container(*part, resource, &[]),
        };
        lasting.push(asked);
        mappings.extend(mapped);
    }
    let (mut largest, mut names, mut passing): (Option<Asked>, BTreeSet<String>, Vec<Mapping>) =
        (None, BTreeSet::new(), vec![]);
    for part in parts.iter().filter(|part| part.is_short_lived) {
        let (asked, mapped) = of_container(*part, resource, &lasting[part.place..]);
        passing.extend(mapped);
        let Some(asked) = asked else { continue };
        names.insert(asked.name.clone());
        if largest.as_ref().is_none_or(|largest| largest.count < asked.count) {
            largest = Some(asked);
        }
    }
    if let Some(largest) = &largest {
        let shared = passing.iter_mut().filter(|mapping| names.contains(&mapping.request_name));
        shared.for_each(|mapping| mapping.request_name.clone_from(&largest.name));
    }
    mappings.extend(passing);
    (largest.into_iter().chain(lasting.into_iter().flatten()).collect(), mappings)
}

/// What a container needs beyond what it can use of others', and all that it uses.
fn of_container(
    part: Part<'_>,
    resource: &str,
    reusable: &[Option<Asked>],
) -> (Option<Asked>, Vec<Mapping>) {
    let resources = part.container.resources.as_ref();
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    let requests = requests.into_iter().flatten();
    let found = requests.enumerate().find(|(_, (name, _))| *name == resource);
    let Some((place, (_, quantity))) = found else { return (None, vec![]) };
    let mut missing = Quantity::parse(&quantity.0).unwrap_or(Quantity::ZERO).value();
    let mapping = |request: &str| Mapping {
        container_name: part.container.name.clone(),
        resource_name: resource.to_owned(),
        request_name: request.to_owned(),
    };
    let mut mappings = vec![];
    for other in reusable.iter().flatten() {
        if missing <= 0 {
            break;
        }
        missing -= other.count;
        mappings.push(mapping(&other.name));
    }
    if missing <= 0 {
        return (None, mappings);
    }
    let name = format!("container-{}-request-{place}", part.place);
    mappings.push(mapping(&name));
    (Some(Asked { name, count: missing }), mappings)
}
