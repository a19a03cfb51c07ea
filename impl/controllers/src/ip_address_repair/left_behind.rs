//! Which IPAddresses no Service has.
//!
//! Source: `syncIPAddress` in pkg/registry/core/service/ipallocator/controller/repairip.go (v1.36).

use api::{Key, Timestamp};
use client::View;
use client::event::Note;
use k8s_openapi::api::networking::v1::IPAddress;

use super::{addresses, is_managed, parent};
use crate::after_seconds;
use crate::ownership::name;

/// How long an address may be there before its Service is.
const GRACE_SECONDS: i64 = 60;
/// How long an address that is newer than its Service may not be among the addresses of that.
const NEW_SECONDS: i64 = 5;

/// What becomes of an address.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Stays,
    /// It is looked at again then.
    At(Timestamp),
    /// It is deleted, and that is why.
    Goes(Note),
}

/// Judges an address. Those that others have made are theirs.
pub(super) fn judge(view: &View, address: &IPAddress, now: Timestamp) -> Verdict {
    if !is_managed(address) {
        return Verdict::Stays;
    }
    let ip = name(&address.metadata);
    let Some(key) = parent(address) else {
        let parent = parent_text(address);
        let message = format!(
            "IPAddress {ip} appears to have been modified, not referencing a Service {parent}: cleaning up"
        );
        return Verdict::Goes(Note::warning("IPAddressNotAllocated", message));
    };
    let Key { namespace, name: service_name } = &key;
    let created = address.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    let Some(service) = view.services.get(&key) else {
        let message = format!(
            "IPAddress: {ip} for Service {namespace}/{service_name} appears to have leaked: cleaning up"
        );
        let leaked = Note::warning("IPAddressNotAllocated", message);
        return later(after_seconds(created, GRACE_SECONDS), now, leaked);
    };
    if addresses(service).any(|address| address == ip) {
        return Verdict::Stays;
    }
    let message = format!(
        "IPAddress: {ip} for Service {namespace}/{service_name} has a wrong reference; cleaning up"
    );
    let wrong = Note::warning("IPAddressWrongReference", message);
    let spec = service.spec.as_ref();
    let is_named = spec.and_then(|spec| spec.type_.as_deref()) == Some("ExternalName");
    let made = service.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    let seconds = if is_named {
        GRACE_SECONDS
    } else if created > made {
        NEW_SECONDS
    } else {
        0
    };
    later(after_seconds(created, seconds), now, wrong)
}

fn later(when: Timestamp, now: Timestamp, note: Note) -> Verdict {
    if when > now { Verdict::At(when) } else { Verdict::Goes(note) }
}

/// What the address names instead of a Service.
fn parent_text(address: &IPAddress) -> String {
    let parent = &address.spec.parent_ref;
    let (resource, name) = (&parent.resource, &parent.name);
    let group = parent.group.as_deref().unwrap_or_default();
    let namespace = parent.namespace.as_deref().unwrap_or_default();
    format!(
        "&ParentReference{{Group:{group},Resource:{resource},Namespace:{namespace},Name:{name},}}"
    )
}
