//! How many endpoints each zone should have, and which of them zones give to others for that.
//!
//! Source: `getAllocations` in staging/src/k8s.io/endpointslice/topologycache/topologycache.go, and utils.go beside it
//! (v1.36).

use std::collections::BTreeMap;

use super::nodes::Shares;

/// By how much an endpoint may be busier than it would be if all shared the work.
const OVERLOAD_MAX: f64 = 0.2;

/// How many endpoints zones have.
pub(super) type Counts = BTreeMap<String, usize>;

/// How many endpoints a zone should have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allocation {
    /// More than these would leave another zone with too few.
    pub(super) maximum: usize,
    desired: f64,
}

/// How many of so many endpoints each zone should have; why that cannot be said, if it cannot.
pub(super) fn allocations(
    shares: &Shares,
    count: usize,
) -> Result<BTreeMap<&str, Allocation>, String> {
    let counts = format!("({count} endpoints, {} zones)", shares.len());
    if shares.is_empty() {
        return Err("Insufficient Node information: allocatable CPU or zone not specified on one \
                    or more nodes"
            .to_owned());
    }
    if shares.len() > count {
        return Err(format!("Insufficient number of endpoints {counts}"));
    }
    let least: usize = shares.values().map(|share| least(*share, count)).sum();
    let Some(rest) = count.checked_sub(least) else {
        return Err(format!(
            "Unable to allocate minimum required endpoints to each zone without exceeding \
             overload threshold {counts}"
        ));
    };
    Ok(shares
        .iter()
        .map(|(zone, share)| (zone.as_str(), allocation(*share, count, rest)))
        .collect())
}

fn allocation(share: f64, count: usize, rest: usize) -> Allocation {
    let least = least(share, count);
    let desired = (share * count as f64).max(least as f64);
    Allocation { maximum: least + rest, desired }
}

/// The endpoints that a zone of this share needs of so many, lest they be overloaded.
fn least(share: f64, count: usize) -> usize {
    (share * count as f64 * (1.0 / (1.0 + OVERLOAD_MAX))).ceil() as usize
}

/// Whether a zone has too few of a Service's endpoints.
pub(super) fn is_overloaded(hinted: &Counts, shares: &Shares) -> bool {
    let count = hinted.values().sum();
    let lacks = |(zone, share): (&String, &f64)| {
        hinted.get(zone).is_none_or(|found| *found < least(*share, count))
    };
    !hinted.is_empty() && (shares.is_empty() || shares.iter().any(lacks))
}

/// How many endpoints zones give away, and how many zones are given.
pub(super) fn giving_and_receiving(
    allocations: &BTreeMap<&str, Allocation>,
    hinted: &Counts,
) -> (Counts, Counts) {
    let more = |(zone, allocation): (&&str, &Allocation)| {
        let hinted = hinted.get(*zone).copied().unwrap_or(0);
        ((*zone).to_owned(), hinted as f64 - allocation.desired)
    };
    let mut surplus: BTreeMap<String, f64> = allocations.iter().map(more).collect();
    let mut lack: BTreeMap<String, f64> =
        surplus.iter().map(|(zone, surplus)| (zone.clone(), -surplus)).collect();
    let (mut giving, mut receiving) = (Counts::new(), Counts::new());
    while let (Some((giver, gives)), Some((receiver, lacks))) = (most(&surplus), most(&lack)) {
        if gives.max(lacks) < 1.0 || gives.min(lacks) < 0.5 {
            break;
        }
        count_one(&mut surplus, &mut giving, giver);
        count_one(&mut lack, &mut receiving, receiver);
    }
    (giving, receiving)
}

fn count_one(left: &mut BTreeMap<String, f64>, counts: &mut Counts, zone: String) {
    left.entry(zone.clone()).and_modify(|left| *left -= 1.0);
    *counts.entry(zone).or_default() += 1;
}

/// The zone with the most, and the first of several, if any has some.
fn most(zones: &BTreeMap<String, f64>) -> Option<(String, f64)> {
    let some = zones.iter().filter(|(_, count)| **count > 0.0);
    let most = some.reduce(|most, next| if next.1 > most.1 { next } else { most });
    most.map(|(zone, count)| (zone.clone(), *count))
}
