//! What a namespace that is being deleted says of what is left in it.
//!
//! Source: pkg/controller/namespace/deletion/status_condition_utils.go (v1.36).

use std::collections::BTreeMap;

use api::{Request, Timestamp};
use k8s_openapi::api::core::v1::{Namespace, NamespaceCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Left;
use super::failures::Failures;

/// A kind of condition: what it says while nothing is wrong, and what otherwise.
struct Kind {
    name: &'static str,
    fine: (&'static str, &'static str),
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "NamespaceDeletionDiscoveryFailure",
        fine: ("ResourcesDiscovered", "All resources successfully discovered"),
    },
    Kind {
        name: "NamespaceDeletionGroupVersionParsingFailure",
        fine: ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
    },
    Kind {
        name: "NamespaceDeletionContentFailure",
        fine: (
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    },
    Kind {
        name: "NamespaceContentRemaining",
        fine: ("ContentRemoved", "All content successfully removed"),
    },
    Kind {
        name: "NamespaceFinalizersRemaining",
        fine: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
    },
];

/// Writes the conditions, unless the namespace has them already.
pub(super) fn tell(
    namespace: &Namespace,
    (left, failures): (&Left<'_>, &Failures),
    now: Timestamp,
) -> Option<Request> {
    let mut namespace = namespace.clone();
    let status = namespace.status.get_or_insert_default();
    let conditions = status.conditions.get_or_insert_default();
    let before = conditions.clone();
    for kind in &KINDS {
        let condition = kind.condition((left, failures), now);
        match conditions.iter_mut().find(|known| known.type_ == kind.name) {
            None => conditions.push(condition),
            Some(known) if known.status == condition.status => {
                let last_transition_time = known.last_transition_time.take();
                *known = NamespaceCondition { last_transition_time, ..condition };
            }
            Some(known) => *known = condition,
        }
    }
    (*conditions != before).then(|| Request::update(&namespace).to_subresource("status"))
}

impl Kind {
    fn condition(
        &self,
        (left, failures): (&Left<'_>, &Failures),
        now: Timestamp,
    ) -> NamespaceCondition {
        let wrong = match self.name {
            "NamespaceDeletionContentFailure" => failures.told(),
            "NamespaceContentRemaining" => left.content(),
            "NamespaceFinalizersRemaining" => left.finalizers(),
            _ => None,
        };
        let (status, reason, message) = match wrong {
            Some((reason, message)) => ("True", reason, message),
            None => ("False", self.fine.0, self.fine.1.to_owned()),
        };
        NamespaceCondition {
            type_: self.name.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_transition_time: Some(Time(now)),
        }
    }
}

impl Left<'_> {
    /// Which resources there are still objects of. While there are Pods, upstream counts nothing.
    fn content(&self) -> Option<(&'static str, String)> {
        let names = self
            .objects
            .iter()
            .map(|(resource, _)| format!("{}.{} has", resource.plural, resource.group));
        let told = self.counted(names)?;
        Some(("SomeResourcesRemain", format!("Some resources are remaining: {told}")))
    }

    /// What keeps them.
    fn finalizers(&self) -> Option<(&'static str, String)> {
        let finalizers = self.objects.iter().flat_map(|(_, metadata)| &metadata.finalizers);
        let names = finalizers.flatten().map(|finalizer| format!("{finalizer} in"));
        let told = self.counted(names)?;
        let message = format!("Some content in the namespace has finalizers remaining: {told}");
        Some(("SomeFinalizersRemain", message))
    }

    /// `a has 2 resource instances, b has 1 resource instances`; `None` where there is nothing.
    fn counted(&self, names: impl Iterator<Item = String>) -> Option<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        if !self.has_pods() {
            names.for_each(|name| *counts.entry(name).or_default() += 1);
        }
        let told: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {count} resource instances"))
            .collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}
