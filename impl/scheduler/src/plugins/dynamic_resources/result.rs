//! What is written of an allocation: devices, how they are set up, and the nodes that reach them.
//!
//! Source: `Allocate` and `createNodeSelector` in structured/internal/incubating/allocator_incubating.go (v1.36). The id of
//! a share follows from the claim and the device; upstream throws dice.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm};
use k8s_openapi::api::resource::v1::{
    AllocationResult, DeviceAllocationConfiguration, DeviceAllocationResult,
    DeviceClaimConfiguration, DeviceRequestAllocationResult,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::allocator::Allocator;
use super::seeking::{Candidate, Picked, Seeking, Wanted};

/// What a claim gets.
pub(super) fn of(claim: &Seeking<'_>, allocator: &Allocator<'_>) -> AllocationResult {
    let picked = claim.picked.iter().enumerate();
    let results = picked.map(|(index, one)| result(claim, (index, one), allocator)).collect();
    let config = configurations(claim);
    AllocationResult {
        allocation_timestamp: None,
        devices: Some(DeviceAllocationResult {
            config: (!config.is_empty()).then_some(config),
            results: Some(results),
        }),
        node_selector: node_selector(claim, allocator),
    }
}

fn result(
    claim: &Seeking<'_>,
    (index, picked): (usize, &Picked),
    allocator: &Allocator<'_>,
) -> DeviceRequestAllocationResult {
    let Candidate { slice, device, .. } = allocator.candidates[picked.candidate];
    let wish = &claim.requests[picked.wish.0][picked.wish.1].wish;
    let consumed = picked.consumed.as_ref().filter(|consumed| !consumed.is_empty());
    let id = || {
        let uid = claim.claim.metadata.uid.as_deref().unwrap_or_default();
        share_id(&format!("{uid}/{}/{index}", allocator.id(picked.candidate)))
    };
    DeviceRequestAllocationResult {
        admin_access: wish.admin_access.then_some(true),
        binding_conditions: device.binding_conditions.clone(),
        binding_failure_conditions: device.binding_failure_conditions.clone(),
        consumed_capacity: consumed.map(|consumed| {
            let texts =
                consumed.iter().map(|(name, amount)| (name.clone(), Quantity(amount.to_string())));
            texts.collect::<BTreeMap<_, _>>()
        }),
        device: device.name.clone(),
        driver: slice.spec.driver.clone(),
        pool: slice.spec.pool.name.clone(),
        request: wish.full_name(),
        share_id: picked.consumed.as_ref().map(|_| id()),
        tolerations: (!wish.tolerations.is_empty()).then(|| wish.tolerations.to_vec()),
    }
}

/// An id that looks like any other uid: FNV-1a of 128 bits.
fn share_id(text: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    let hash =
        text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    let digits = format!("{hash:032x}");
    format!(
        "{}-{}-4{}-8{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..]
    )
}

/// What the classes and the claim itself say of how devices are set up. Each class says it once, for all its requests.
fn configurations(claim: &Seeking<'_>) -> Vec<DeviceAllocationConfiguration> {
    let chosen: Vec<&Wanted<'_>> =
        (0..claim.requests.len()).filter_map(|request| chosen(claim, request)).collect();
    let mut all = vec![];
    let mut of_classes: BTreeMap<&str, std::ops::Range<usize>> = BTreeMap::new();
    for wanted in &chosen {
        if let Some(said) = of_classes.get(wanted.wish.class_name) {
            for index in said.clone() {
                let configuration: &mut DeviceAllocationConfiguration = &mut all[index];
                let requests = configuration.requests.get_or_insert_default();
                requests.push(wanted.wish.full_name());
            }
            continue;
        }
        let begin = all.len();
        let said = wanted.class.spec.config.iter().flatten();
        all.extend(said.map(|config| DeviceAllocationConfiguration {
            opaque: config.opaque.clone(),
            requests: Some(vec![wanted.wish.full_name()]),
            source: "FromClass".to_owned(),
        }));
        of_classes.insert(wanted.wish.class_name, begin..all.len());
    }
    let devices = claim.claim.spec.devices.iter();
    for config in devices.flat_map(|devices| devices.config.iter().flatten()) {
        let times = times(config, &chosen);
        all.extend((0..times).map(|_| DeviceAllocationConfiguration {
            opaque: config.opaque.clone(),
            requests: config.requests.clone(),
            source: "FromClaim".to_owned(),
        }));
    }
    all
}

/// How often upstream writes what a claim says: once for all requests, or once for each that it names.
fn times(config: &DeviceClaimConfiguration, chosen: &[&Wanted<'_>]) -> usize {
    let requests = config.requests.as_deref().unwrap_or_default();
    if requests.is_empty() {
        return 1;
    }
    let is_named = |wanted: &&&Wanted<'_>| {
        requests.iter().any(|name| name == wanted.wish.request || *name == wanted.wish.full_name())
    };
    chosen.iter().filter(is_named).count()
}

/// The wish of a request that was met.
fn chosen<'a, 'b>(claim: &'b Seeking<'a>, request: usize) -> Option<&'b Wanted<'a>> {
    let picked = claim.picked.iter().find(|picked| picked.wish.0 == request)?;
    claim.requests[request].get(picked.wish.1)
}

/// The nodes that reach all devices of a claim; `None` where all do.
fn node_selector(claim: &Seeking<'_>, allocator: &Allocator<'_>) -> Option<NodeSelector> {
    let mut term = NodeSelectorTerm::default();
    for picked in &claim.picked {
        let Candidate { slice, device, .. } = allocator.candidates[picked.candidate];
        let (name, selector) = match slice.spec.per_device_node_selection {
            Some(true) => (&device.node_name, &device.node_selector),
            Some(false) | None => (&slice.spec.node_name, &slice.spec.node_selector),
        };
        if name.is_some() || device.binds_to_node == Some(true) {
            return Some(only(allocator.inputs.node.name()));
        }
        if let Some(other) = selector.iter().find_map(|one| one.node_selector_terms.first()) {
            add(&mut term.match_fields, other.match_fields.as_deref());
            add(&mut term.match_expressions, other.match_expressions.as_deref());
        }
    }
    let is_said = term.match_fields.is_some() || term.match_expressions.is_some();
    is_said.then(|| NodeSelector { node_selector_terms: vec![term] })
}

fn only(node: &str) -> NodeSelector {
    let requirement = NodeSelectorRequirement {
        key: "metadata.name".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![node.to_owned()]),
    };
    let term = NodeSelectorTerm { match_fields: Some(vec![requirement]), match_expressions: None };
    NodeSelector { node_selector_terms: vec![term] }
}

/// Adds the requirements that are not there yet.
fn add(to: &mut Option<Vec<NodeSelectorRequirement>>, from: Option<&[NodeSelectorRequirement]>) {
    for requirement in from.unwrap_or_default() {
        let all = to.get_or_insert_default();
        if !all.contains(requirement) {
            all.push(requirement.clone());
        }
    }
}
