//! Subsets of Endpoints in their canonical form: ports that the same addresses offer stand together.
//!
//! Source: pkg/api/v1/endpoints/util.go and `truncateEndpoints` in
//! pkg/controller/endpoint/endpoints_controller.go (v1.36).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset};

/// How many addresses Endpoints hold at most.
pub(super) const CAPACITY: usize = 1000;

/// An address and the uid of what it belongs to.
type AddressKey = (String, Option<String>);

/// The text of a port, by which it is told from others; nothing for "no port".
type PortKey = Option<String>;

/// Brings subsets into their canonical form. An address that is not ready somewhere is not ready.
pub(crate) fn repack(subsets: impl IntoIterator<Item = EndpointSubset>) -> Vec<EndpointSubset> {
    let mut parts = Parts::default();
    for subset in subsets {
        parts.add(subset);
    }
    let mut by_addresses: BTreeMap<BTreeMap<AddressKey, bool>, Vec<PortKey>> = BTreeMap::new();
    for (port, addresses) in std::mem::take(&mut parts.offers) {
        by_addresses.entry(addresses).or_default().push(port);
    }
    by_addresses.iter().map(|(addresses, ports)| parts.subset(addresses, ports)).collect()
}

/// Subsets taken apart.
#[derive(Default)]
struct Parts {
    addresses: BTreeMap<AddressKey, EndpointAddress>,
    ports: BTreeMap<String, EndpointPort>,
    /// Whether each address that offers a port is ready.
    offers: BTreeMap<PortKey, BTreeMap<AddressKey, bool>>,
}

impl Parts {
    fn add(&mut self, subset: EndpointSubset) {
        let mut keys: Vec<PortKey> = vec![];
        for port in subset.ports.into_iter().flatten() {
            let key = serde_json::to_string(&port).expect("a port is JSON");
            self.ports.insert(key.clone(), port);
            keys.push(Some(key));
        }
        if keys.is_empty() {
            keys.push(None);
        }
        let ready = subset.addresses.into_iter().flatten().map(|address| (address, true));
        let not_ready = subset.not_ready_addresses.into_iter().flatten();
        for (address, is_ready) in ready.chain(not_ready.map(|address| (address, false))) {
            let uid = address.target_ref.as_ref().and_then(|target| target.uid.clone());
            let key = (address.ip.clone(), uid);
            self.addresses.entry(key.clone()).or_insert(address);
            for port in &keys {
                let offers = self.offers.entry(port.clone()).or_default();
                *offers.entry(key.clone()).or_insert(true) &= is_ready;
            }
        }
    }

    fn subset(&self, addresses: &BTreeMap<AddressKey, bool>, ports: &[PortKey]) -> EndpointSubset {
        let of = |wanted: bool| {
            let keys = addresses.iter().filter(|(_, is_ready)| **is_ready == wanted);
            let found: Vec<_> = keys.map(|(key, _)| self.addresses[key].clone()).collect();
            (!found.is_empty()).then_some(found)
        };
        let ports: Vec<_> = ports.iter().flatten().map(|port| self.ports[port].clone()).collect();
        EndpointSubset {
            addresses: of(true),
            not_ready_addresses: of(false),
            ports: (!ports.is_empty()).then_some(ports),
        }
    }
}

/// The same subsets in canonical form, without the versions of the objects that they refer to.
pub(super) fn without_versions(subsets: &[EndpointSubset]) -> Vec<EndpointSubset> {
    let mut subsets = repack(subsets.iter().cloned());
    for subset in &mut subsets {
        let lists = [&mut subset.addresses, &mut subset.not_ready_addresses];
        for address in lists.into_iter().flatten().flatten() {
            if let Some(target) = &mut address.target_ref {
                target.resource_version = None;
            }
        }
    }
    subsets
}

/// How many addresses subsets hold.
pub(super) fn count(subsets: &[EndpointSubset]) -> usize {
    total(subsets, |subset| &subset.addresses)
        + total(subsets, |subset| &subset.not_ready_addresses)
}

type Addresses = Option<Vec<EndpointAddress>>;

fn total(subsets: &[EndpointSubset], list: impl Fn(&EndpointSubset) -> &Addresses) -> usize {
    subsets.iter().map(|subset| list(subset).as_ref().map_or(0, Vec::len)).sum()
}

/// Takes away addresses above the capacity, those that are not ready first, of each subset in proportion.
/// Whether there were any.
pub(super) fn truncate(subsets: &mut [EndpointSubset]) -> bool {
    let ready = total(subsets, |subset| &subset.addresses);
    let not_ready = total(subsets, |subset| &subset.not_ready_addresses);
    if ready + not_ready <= CAPACITY {
        return false;
    }
    if ready > CAPACITY {
        subsets.iter_mut().for_each(|subset| subset.not_ready_addresses = None);
        shorten(subsets, (ready, CAPACITY), |subset| &mut subset.addresses);
    } else {
        let left = CAPACITY - ready;
        shorten(subsets, (not_ready, left), |subset| &mut subset.not_ready_addresses);
    }
    true
}

fn shorten(
    subsets: &mut [EndpointSubset],
    (total, max): (usize, usize),
    list: impl Fn(&mut EndpointSubset) -> &mut Addresses,
) {
    let mut left = max;
    for addresses in subsets.iter_mut().map(list) {
        let found = addresses.as_ref().map_or(0, Vec::len);
        let share = (found * max).div_ceil(total).min(left).min(found);
        left -= share;
        *addresses = addresses.take().map(|mut addresses| {
            addresses.truncate(share);
            addresses
        });
        *addresses = addresses.take().filter(|addresses| !addresses.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subset(ready: &[&str], not_ready: &[&str], ports: &[i32]) -> EndpointSubset {
        let addresses = |ips: &[&str]| ips.iter().map(|ip| json!({"ip": ip})).collect::<Vec<_>>();
        let ports: Vec<_> = ports.iter().map(|port| json!({"port": port})).collect();
        let mut subset = json!({});
        for (field, values) in [
            ("addresses", addresses(ready)),
            ("notReadyAddresses", addresses(not_ready)),
            ("ports", ports),
        ] {
            if !values.is_empty() {
                subset[field] = json!(values);
            }
        }
        serde_json::from_value(subset).unwrap()
    }

    #[test]
    fn ports_of_the_same_addresses_stand_in_one_subset() {
        let apart = [
            subset(&["10.0.0.2"], &[], &[80]),
            subset(&["10.0.0.1"], &[], &[80]),
            subset(&["10.0.0.1", "10.0.0.2"], &[], &[443]),
            subset(&["10.0.0.3"], &[], &[443, 80]),
            subset(&["10.0.0.3"], &[], &[9]),
        ];

        let packed = repack(apart);

        let all = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
        assert_eq!(packed, [subset(&all, &[], &[443, 80]), subset(&["10.0.0.3"], &[], &[9])]);
    }

    #[test]
    fn an_address_that_is_not_ready_once_is_not_ready() {
        let packed = repack([subset(&["10.0.0.1"], &[], &[80]), subset(&[], &["10.0.0.1"], &[80])]);

        assert_eq!(packed, [subset(&[], &["10.0.0.1"], &[80])]);
    }

    #[test]
    fn addresses_above_the_capacity_go_of_each_subset_in_proportion() {
        let ips: Vec<String> = (0..900).map(|i| format!("10.0.{}.{}", i / 250, i % 250)).collect();
        let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
        let mut subsets = vec![
            subset(&ips[..600], &ips[..300], &[80]),
            subset(&ips[600..700], &ips[600..900], &[81]),
        ];
        let mut ready = vec![subset(&ips, &ips[..1], &[80]), subset(&ips[..600], &[], &[81])];

        assert!(truncate(&mut subsets) && truncate(&mut ready));

        let counts = |subsets: &[EndpointSubset]| {
            let of = |list: &Addresses| list.as_ref().map_or(0, Vec::len);
            subsets
                .iter()
                .map(|subset| (of(&subset.addresses), of(&subset.not_ready_addresses)))
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(&subsets), [(600, 150), (100, 150)]);
        assert_eq!(counts(&ready), [(600, 0), (400, 0)]);
        assert!(!truncate(&mut ready));
    }
}
