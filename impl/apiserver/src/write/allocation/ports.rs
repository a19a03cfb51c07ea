//! Node ports: each is a key that names its Service.
//!
//! Source: pkg/registry/core/service/portallocator/allocator.go, v1.36.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use api::Status;
use api::object::{at, object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};
use store::{Bytes, Store};

use super::invalid;
use crate::strategy;
use crate::write::Write;
use crate::write::beside::Beside;

/// The ports that are given. Source: `--service-node-port-range`.
const PORTS: RangeInclusive<i64> = 30000..=32767;

/// How many of the first are left for those who ask for one.
const STATIC_PORTS: i64 = 86;

fn key(port: i64) -> Bytes {
    format!("/registry/ranges/servicenodeports/{port}").as_bytes().into()
}

fn owner(service: &Value) -> Bytes {
    let field = |name| text(service, &["metadata", name]);
    format!("{}/{}", field("namespace"), field("name")).as_bytes().into()
}

fn port_list(service: &Value) -> &[Value] {
    at(service, &["spec", "ports"]).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn node_port(port: &Value) -> Option<i64> {
    at(port, &["nodePort"]).and_then(Value::as_i64).filter(|number| *number != 0)
}

fn has_node_ports(service: &Value) -> bool {
    matches!(text(service, &["spec", "type"]), "NodePort" | "LoadBalancer")
}

/// The node ports of a Service.
pub(super) fn of(service: &Value) -> BTreeSet<i64> {
    if !has_node_ports(service) {
        return BTreeSet::new();
    }
    let health = at(service, &["spec", "healthCheckNodePort"]).and_then(Value::as_i64);
    let health = health.filter(|port| *port != 0 && strategy::needs_health_check(service));
    port_list(service).iter().filter_map(node_port).chain(health).collect()
}

/// Gives the Service the node ports that it needs and asks for.
pub(super) fn allocate(
    write: Write<'_>,
    new: &mut Value,
    old: Option<&Value>,
    allocated: &mut Beside,
) -> Result<(), Status> {
    let held = old.map(of).unwrap_or_default();
    if has_node_ports(new) {
        let mut ports = Ports {
            store: write.store,
            random: write.context.random,
            held: &held,
            taken: BTreeSet::new(),
        };
        ports.fill_in(write, new, old.is_none())?;
        ports.fill_in_health_check(new)?;
    }
    let wanted = of(new);
    for port in wanted.difference(&held) {
        allocated.take(key(*port), owner(new));
    }
    if let Some(old) = old {
        release(write, old, &(&held - &wanted), allocated);
    }
    Ok(())
}

/// Gives ports back that are this Service's.
pub(super) fn release(
    write: Write<'_>,
    service: &Value,
    ports: &BTreeSet<i64>,
    allocated: &mut Beside,
) {
    for port in ports {
        let found = write.store.get(&key(*port));
        if found.is_some_and(|found| found.value == owner(service)) {
            allocated.give_back(key(*port));
        }
    }
}

/// What is there to be given.
struct Ports<'a> {
    store: &'a Store,
    random: u64,
    /// The Service has these already.
    held: &'a BTreeSet<i64>,
    /// And these since it was looked at.
    taken: BTreeSet<i64>,
}

impl Ports<'_> {
    /// Ports of a new Service that differ in their protocol alone share a node port.
    fn fill_in(
        &mut self,
        write: Write<'_>,
        service: &mut Value,
        is_new: bool,
    ) -> Result<(), Status> {
        let given: Vec<Value> = port_list(service).to_vec();
        let allocates = text(service, &["spec", "type"]) != "LoadBalancer"
            || at(service, &["spec", "allocateLoadBalancerNodePorts"]) != Some(&json!(false));
        for (index, port) in given.iter().enumerate() {
            if let Some(asked) = node_port(port) {
                self.ask(asked).map_err(|why| {
                    let field = format!("spec.ports[{index}].nodePort");
                    invalid(write, service, vec![Cause::invalid(field, &json!(asked), &why)])
                })?;
            }
        }
        for (index, port) in given.iter().enumerate() {
            if !allocates || node_port(port).is_some() {
                continue;
            }
            let mut same = port_list(service).iter().filter(|other| other["port"] == port["port"]);
            let shared = same.find_map(node_port).filter(|_| is_new);
            let number = shared.map_or_else(|| self.next(), Ok)?;
            service["spec"]["ports"][index]["nodePort"] = json!(number);
        }
        Ok(())
    }

    fn fill_in_health_check(&mut self, service: &mut Value) -> Result<(), Status> {
        if !strategy::needs_health_check(service) {
            return Ok(());
        }
        let asked = at(service, &["spec", "healthCheckNodePort"]).and_then(Value::as_i64);
        let number = match asked.filter(|asked| *asked != 0) {
            Some(asked) => self.ask(asked).map(|()| asked).map_err(|why| {
                Status::internal(format!(
                    "failed to allocate requested HealthCheck NodePort {asked}: {why}"
                ))
            })?,
            None => self.next()?,
        };
        object_at_mut(service, "spec").insert("healthCheckNodePort".to_owned(), json!(number));
        Ok(())
    }

    /// Takes a port that is asked for.
    fn ask(&mut self, port: i64) -> Result<(), String> {
        if self.held.contains(&port) || self.taken.contains(&port) {
            return Ok(());
        }
        if !PORTS.contains(&port) {
            let (first, last) = PORTS.into_inner();
            return Err(format!(
                "provided port is not in the valid range. The range of valid ports is {first}-{last}"
            ));
        }
        if self.store.get(&key(port)).is_some() {
            return Err("provided port is already allocated".to_owned());
        }
        self.taken.insert(port);
        Ok(())
    }

    /// Takes a port that nobody has.
    fn next(&mut self) -> Result<i64, Status> {
        let (first, last) = PORTS.into_inner();
        let start = first + STATIC_PORTS;
        let count = last - start + 1;
        let offset = i64::try_from(self.random % count.unsigned_abs()).unwrap_or(0);
        let dynamic = (start + offset..=last).chain(start..start + offset);
        let is_free = |port: &i64| {
            !self.taken.contains(port)
                && !self.held.contains(port)
                && self.store.get(&key(*port)).is_none()
        };
        let port = dynamic
            .chain(first..start)
            .find(is_free)
            .ok_or_else(|| Status::internal("failed to allocate a nodePort: range is full"))?;
        self.taken.insert(port);
        Ok(port)
    }
}
