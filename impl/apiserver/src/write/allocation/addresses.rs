//! Cluster IPs: each is an IPAddress that names its Service.
//!
//! Source: pkg/registry/core/service/ipallocator/cidrallocator.go and ipallocator.go, v1.36.

use std::net::Ipv4Addr;

use api::object::{at, text};
use api::status::Cause;
use api::{Status, resources};
use serde_json::{Value, json};
use store::Store;

use super::invalid;
use crate::write::Write;
use crate::write::beside::Beside;
use crate::{bootstrap, keys, object};

/// How many of the first addresses of a range are left for those who ask for one, at most.
const STATIC_MAX: u32 = 256;

/// And at least.
const STATIC_MIN: u32 = 16;

/// The addresses that can be given of one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    first: u32,
    count: u32,
}

impl Block {
    /// All of a CIDR but its first and its last address.
    fn parse(cidr: &str) -> Option<Self> {
        let (address, length) = cidr.split_once('/')?;
        let (address, length): (Ipv4Addr, u32) = (address.parse().ok()?, length.parse().ok()?);
        let size = 1_u32.checked_shl(32_u32.checked_sub(length)?)?;
        let network = u32::from(address) & !(size - 1);
        (size > 2).then(|| Self { first: network + 1, count: size - 2 })
    }

    fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..self.first + self.count).contains(&u32::from(address))
    }

    /// Addresses to try, from some place on: first those that nobody asks for by name.
    fn candidates(self, random: u64) -> impl Iterator<Item = Ipv4Addr> {
        let reserved = (self.count / 16).clamp(STATIC_MIN, STATIC_MAX).min(self.count / 2);
        let free = self.count - reserved;
        let start = u32::try_from(random % u64::from(free)).unwrap_or(0);
        let dynamic = (start..free).chain(0..start).map(move |offset| reserved + offset);
        let offsets = dynamic.chain(0..reserved);
        offsets.map(move |offset| Ipv4Addr::from(self.first + offset))
    }
}

/// Where addresses are taken from: the ServiceCIDRs that are not on their way out.
fn blocks(store: &Store) -> Vec<Block> {
    let range = keys::range(&resources::SERVICE_CIDRS, None);
    let cidrs: Vec<Value> = store.range(&range).map(|found| object::decode(found)).collect();
    if cidrs.is_empty() {
        return Block::parse(bootstrap::SERVICE_CIDR).into_iter().collect();
    }
    let live = cidrs.iter().filter(|cidr| at(cidr, &["metadata", "deletionTimestamp"]).is_none());
    let texts = live.flat_map(|cidr| {
        let list = at(cidr, &["spec", "cidrs"]).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    });
    texts.filter_map(Block::parse).collect()
}

/// The addresses of a Service.
pub(super) fn of(service: &Value) -> Vec<String> {
    if text(service, &["spec", "type"]) == "ExternalName" {
        return vec![];
    }
    let list = at(service, &["spec", "clusterIPs"]).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.filter(|ip| *ip != "None").map(str::to_owned).collect()
}

/// Gives the Service an address if it needs one, or the one it asks for.
pub(super) fn allocate(
    write: Write<'_>,
    new: &mut Value,
    old: Option<&Value>,
    allocated: &mut Beside,
) -> Result<(), Status> {
    let held = old.map(of).unwrap_or_default();
    let is_named = text(new, &["spec", "type"]) == "ExternalName";
    if !is_named && text(new, &["spec", "clusterIP"]).is_empty() {
        let address = next(write, new)?;
        let spec = api::object::object_at_mut(new, "spec");
        spec.insert("clusterIP".to_owned(), json!(address.to_string()));
        spec.insert("clusterIPs".to_owned(), json!([address.to_string()]));
    } else {
        for asked in of(new).iter().filter(|asked| !held.contains(asked)) {
            check(write, new, asked)?;
        }
    }
    let wanted = of(new);
    for address in wanted.iter().filter(|address| !held.contains(address)) {
        allocated.create(&resources::IP_ADDRESSES, ip_address(write, new, address));
    }
    if let Some(old) = old {
        let gone: Vec<String> = held.into_iter().filter(|held| !wanted.contains(held)).collect();
        release(write, old, &gone, allocated);
    }
    Ok(())
}

/// An address that nobody has.
fn next(write: Write<'_>, service: &Value) -> Result<Ipv4Addr, Status> {
    let blocks = blocks(write.store);
    let mut candidates = blocks.iter().flat_map(|block| block.candidates(write.context.random));
    candidates.find(|address| !is_taken(write.store, &address.to_string())).ok_or_else(|| {
        let name = text(service, &["metadata", "name"]);
        Status::internal(format!(
            "failed to allocate a serviceIP for Service \"{name}\": range is full"
        ))
    })
}

fn is_taken(store: &Store, address: &str) -> bool {
    store.get(&keys::key(&resources::IP_ADDRESSES, None, address)).is_some()
}

/// Whether an address that is asked for can be given.
fn check(write: Write<'_>, service: &Value, asked: &str) -> Result<(), Status> {
    let why = match asked.parse::<Ipv4Addr>() {
        Ok(address) if blocks(write.store).iter().any(|block| block.contains(address)) => {
            if !is_taken(write.store, asked) {
                return Ok(());
            }
            "provided IP is already allocated"
        }
        Ok(_) | Err(_) => "the provided network does not match the current range",
    };
    let rule = format!("failed to allocate IP {asked}: {why}");
    let all = &service["spec"]["clusterIPs"];
    Err(invalid(write, service, vec![Cause::invalid("spec.clusterIPs", all, &rule)]))
}

/// Gives addresses back that are this Service's.
pub(super) fn release(
    write: Write<'_>,
    service: &Value,
    addresses: &[String],
    allocated: &mut Beside,
) {
    for address in addresses {
        let key = keys::key(&resources::IP_ADDRESSES, None, address);
        let Some(found) = write.store.get(&key) else { continue };
        let held = object::decode(found);
        if held["spec"] == parent(service) {
            allocated.delete(&resources::IP_ADDRESSES, found.mod_revision, held);
        }
    }
}

fn ip_address(write: Write<'_>, service: &Value, address: &str) -> Value {
    json!({
        "metadata": {
            "name": address,
            "uid": beside(&write.context.uid),
            "creationTimestamp": api::time::text(write.context.now),
            "labels": {
                "ipaddress.kubernetes.io/ip-family": "IPv4",
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            },
        },
        "spec": parent(service),
    })
}

fn parent(service: &Value) -> Value {
    let field = |name| text(service, &["metadata", name]);
    json!({"parentRef": {"resource": "services", "namespace": field("namespace"),
        "name": field("name")}})
}

/// Another uid that nothing has, for what is made beside an object.
fn beside(uid: &str) -> String {
    let mut digits = uid.chars();
    let first = digits.next().and_then(|digit| digit.to_digit(16)).unwrap_or(0);
    format!("{:x}{}", first ^ 1, digits.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_address_of_a_range_are_not_given() {
        let block = Block::parse("10.96.0.0/28").unwrap();

        let mut all: Vec<String> = block.candidates(7).map(|ip| ip.to_string()).collect();

        assert_eq!(all[0], "10.96.0.8", "half of a small range is left for those who ask");
        all.sort_by_key(|ip| ip.parse::<Ipv4Addr>().unwrap());
        assert_eq!((all.len(), all[0].as_str(), all[13].as_str()), (14, "10.96.0.1", "10.96.0.14"));
        assert!(!block.contains(Ipv4Addr::new(10, 96, 0, 0)));
        assert!(!block.contains(Ipv4Addr::new(10, 96, 0, 15)));
        assert_eq!(Block::parse("fd00::/108"), None);
        assert_eq!(Block::parse("10.0.0.0/31"), None);
    }

    #[test]
    fn addresses_are_taken_from_behind_those_that_are_asked_for() {
        let block = Block::parse("10.96.0.0/12").unwrap();

        assert_eq!(block.candidates(0).next().unwrap().to_string(), "10.96.1.1");
    }

    #[test]
    fn what_is_made_beside_an_object_has_another_uid() {
        assert_eq!(beside("0fc2"), "1fc2");
        assert_eq!(beside("f000"), "e000");
    }
}
