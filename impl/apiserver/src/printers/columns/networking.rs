//! The columns of kinds that say how traffic flows.

use super::{AGE, Column, NAME};

pub(super) const ENDPOINTS: &[Column] =
    &[NAME, ("Endpoints", "string", 0, "The first addresses and ports."), AGE];
pub(super) const ENDPOINT_SLICE: &[Column] = &[
    NAME,
    ("AddressType", "string", 0, "What kind of addresses it has."),
    ("Ports", "string", 0, "The first ports."),
    ("Endpoints", "string", 0, "The first addresses."),
    AGE,
];
pub(super) const INGRESS: &[Column] = &[
    NAME,
    ("Class", "string", 0, "The IngressClass."),
    ("Hosts", "string", 0, "The first hosts whose requests it takes."),
    ("Address", "string", 0, "Where it is reached."),
    ("Ports", "string", 0, "The ports at which it is reached."),
    AGE,
];
pub(super) const INGRESS_CLASS: &[Column] = &[
    NAME,
    ("Controller", "string", 0, "Who serves the Ingresses of the class."),
    ("Parameters", "string", 0, "The object with more settings."),
    AGE,
];
pub(super) const NETWORK_POLICY: &[Column] =
    &[NAME, ("Pod-Selector", "string", 0, "The labels of the pods that it is about."), AGE];
/// Upstream gives each row an age, and no column for it (v1.36, `printIPAddress`).
pub(super) const IP_ADDRESS: &[Column] =
    &[NAME, ("ParentRef", "string", 0, "The object that has the address.")];
pub(super) const SERVICE_CIDR: &[Column] =
    &[NAME, ("CIDRs", "string", 0, "The blocks from which Services get addresses."), AGE];
