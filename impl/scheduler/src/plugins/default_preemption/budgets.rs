//! Which pods a PodDisruptionBudget protects.
//!
//! Source: `filterPodsWithPDBViolation` in framework/plugins/defaultpreemption (v1.36).

use std::sync::Arc;

use api::selector::Selector;
use client::Cache;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use crate::node_info::PodInfo;

/// A budget, and how many pods it lets go on.
struct Budget<'a> {
    budget: &'a PodDisruptionBudget,
    selector: Selector,
    allowed: i32,
}

impl<'a> Budget<'a> {
    fn of(budget: &'a Arc<PodDisruptionBudget>) -> Option<Self> {
        let selector = budget.spec.as_ref()?.selector.as_ref()?;
        let selector = Selector::from_label_selector(selector).ok()?;
        let allowed =
            budget.status.as_ref().and_then(|status| status.disruptions_allowed).unwrap_or(0);
        (!selector.is_everything()).then_some(Self { budget, selector, allowed })
    }

    /// Whether it has a say in whether the pod goes; one that it has let go already, it forgets.
    fn protects(&self, pod: &PodInfo) -> bool {
        let disrupted =
            self.budget.status.as_ref().and_then(|status| status.disrupted_pods.as_ref());
        let is_let_go = disrupted.is_some_and(|pods| pods.contains_key(&pod.key().name));
        self.budget.metadata.namespace.as_deref() == Some(pod.namespace())
            && !pod.labels().is_empty()
            && self.selector.matches(pod.labels())
            && !is_let_go
    }
}

/// Those of the pods that may not go if all before them go, and the others.
pub(super) fn split_by_violation(
    pods: Vec<PodInfo>,
    budgets: &Cache<PodDisruptionBudget>,
) -> (Vec<PodInfo>, Vec<PodInfo>) {
    let mut budgets: Vec<Budget<'_>> = budgets.iter().filter_map(Budget::of).collect();
    pods.into_iter().partition(|pod| {
        let mut is_violated = false;
        for budget in budgets.iter_mut().filter(|budget| budget.protects(pod)) {
            budget.allowed -= 1;
            is_violated |= budget.allowed < 0;
        }
        is_violated
    })
}
