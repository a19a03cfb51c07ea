//! The slice of a Service that has no endpoints: there is one, and it is empty.
//!
//! Source: `reconcileByAddressType` in staging/src/k8s.io/endpointslice/reconciler.go (v1.36).

use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::packing::Changes;
use crate::ownership::labels;

/// Keeps the placeholder that would be deleted, or adds one.
pub(super) fn keep_or_add(changes: &mut Changes, placeholder: EndpointSlice) {
    match changes.delete.as_slice() {
        [only] if is_same(only, &placeholder) => changes.delete.clear(),
        _ => changes.create.push(placeholder),
    }
}

fn is_same(slice: &EndpointSlice, placeholder: &EndpointSlice) -> bool {
    slice.metadata.namespace == placeholder.metadata.namespace
        && labels(&slice.metadata) == labels(&placeholder.metadata)
        && slice.ports.iter().flatten().next().is_none()
        && slice.endpoints.iter().flatten().next().is_none()
}
