//! What is decided in one round about one HorizontalPodAutoscaler.
//!
//! Source: `reconcileAutoscaler` and `computeReplicasForMetrics` in
//! pkg/controller/podautoscaler/horizontal.go (v1.36).

use std::sync::Arc;

use api::Timestamp;
use api::quantity::Quantity;
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerSpec,
    HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus, MetricTarget,
};
use k8s_openapi::api::core::v1::Pod;

use super::limits::{History, Wish};
use super::metrics;
use super::sources::{self, Computed, tolerances};
use super::usage::{Question, Target, propose};
use crate::ownership::name;

/// A round under way: the status as it will be, and what is to be said.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) status: HorizontalPodAutoscalerStatus,
    pub(super) notes: Vec<Note>,
    now: Timestamp,
}

/// A number of replicas that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rescale {
    pub(super) current: i32,
    pub(super) desired: i32,
    pub(super) reason: String,
}

/// Why a metric leads to nothing: the reason of the condition, its error, and that of the whole.
struct Failure {
    reason: &'static str,
    error: String,
    of_metric: String,
}

/// What the metrics are computed from.
pub(super) struct Found<'a> {
    pub(super) pods: &'a [Arc<Pod>],
    pub(super) metrics: &'a Outcome,
}

impl Round {
    /// Begins where the last one has ended.
    pub(super) fn new(autoscaler: &HorizontalPodAutoscaler, now: Timestamp) -> Self {
        let status = autoscaler.status.clone().unwrap_or_default();
        Self { status, notes: vec![], now }
    }

    /// The scale could not be read.
    pub(super) fn has_no_scale(&mut self, error: &str) {
        self.notes.push(Note::warning("FailedGetScale", error));
        let message =
            format!("the HPA controller was unable to get the target's current scale: {error}");
        self.set("AbleToScale", false, ("FailedGetScale", &message));
    }

    /// The scale was read.
    pub(super) fn has_scale(&mut self) {
        let message = "the HPA controller was able to get the target's current scale";
        self.set("AbleToScale", true, ("SucceededGetScale", message));
    }

    /// The selector of the scale cannot be used, and metrics neither. `event` tells it.
    pub(super) fn has_no_selector(&mut self, event: (&str, &str), condition: (&str, &str)) {
        self.notes.push(Note::warning(event.0, event.1));
        self.set("ScalingActive", false, condition);
    }

    /// The number of replicas that needs no metrics; `None` if it needs them.
    pub(super) fn without_metrics(
        &mut self,
        spec: &HorizontalPodAutoscalerSpec,
        current: i32,
    ) -> Option<Option<Rescale>> {
        let min = spec.min_replicas.unwrap_or(1);
        let rescale = |desired: i32, reason: &str| {
            Some(Some(Rescale { current, desired, reason: reason.to_owned() }))
        };
        if current == 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            self.set("ScalingActive", false, ("ScalingDisabled", message));
            self.ends(current, current, vec![]);
            Some(None)
        } else if current > spec.max_replicas {
            rescale(spec.max_replicas, "Current number of replicas above Spec.MaxReplicas")
        } else if current < min {
            rescale(min, "Current number of replicas below Spec.MinReplicas")
        } else {
            None
        }
    }

    /// The replicas that the metrics ask for, if others than there are.
    pub(super) fn by_metrics(
        &mut self,
        (spec, current): (&HorizontalPodAutoscalerSpec, i32),
        found: &Found<'_>,
        history: &mut History,
    ) -> Option<Rescale> {
        let specs = spec.metrics.as_deref().unwrap_or_default();
        let results: Vec<_> =
            specs.iter().map(|metric| self.compute((spec, current), metric, found)).collect();
        // Upstream tells of a metric that it cannot compute too: of no type, and without a value.
        let status = |computed: &Computed| computed.status.clone();
        let statuses =
            results.iter().map(|result| result.as_ref().map(status).unwrap_or_default()).collect();
        let (computed, failures): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        let computed: Vec<Computed> = computed.into_iter().filter_map(Result::ok).collect();
        let first = failures.iter().find_map(|failure| failure.as_ref().err());
        let best = computed.iter().rev().max_by_key(|computed| computed.replicas);
        if let Some(failure) = first
            && best.is_none_or(|best| best.replicas < current)
        {
            self.fails(failure, (failures.len(), specs.len()));
            self.ends(current, self.status.desired_replicas, statuses);
            return None;
        }
        let best = best?;
        let message = format!(
            "the HPA was able to successfully calculate a replica count from {}",
            best.metric
        );
        self.set("ScalingActive", true, ("ValidMetricFound", &message));
        self.normalize((spec, current), best, (statuses, history))
    }

    fn normalize(
        &mut self,
        (spec, current): (&HorizontalPodAutoscalerSpec, i32),
        best: &Computed,
        (statuses, history): (Vec<MetricStatus>, &mut History),
    ) -> Option<Rescale> {
        let reason = if best.replicas > current {
            format!("{} above target", best.metric)
        } else if best.replicas < current {
            "All metrics below target".to_owned()
        } else {
            String::new()
        };
        let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
        let wish = Wish { current, desired: best.replicas, min, max, now: self.now };
        let normalized = history.normalize(wish, spec.behavior.as_ref());
        self.set("AbleToScale", true, normalized.able_to_scale);
        self.set("ScalingLimited", normalized.is_limited, normalized.limited);
        self.ends(current, current, statuses);
        let desired = normalized.replicas;
        (desired != current).then_some(Rescale { current, desired, reason })
    }

    /// The replicas were written.
    pub(super) fn has_rescaled(&mut self, rescale: &Rescale) {
        let Rescale { current, desired, reason } = rescale;
        let message =
            format!("the HPA controller was able to update the target scale to {desired}");
        self.set("AbleToScale", true, ("SucceededRescale", &message));
        let message = format!("New size: {desired}; reason: {reason}");
        self.notes.push(Note::normal("SuccessfulRescale", message));
        self.status.current_replicas = Some(*current);
        self.status.desired_replicas = *desired;
        self.status.last_scale_time = Some(api::time::time(self.now));
    }

    /// The replicas could not be written.
    pub(super) fn has_not_rescaled(&mut self, rescale: &Rescale, before: i32, error: &str) {
        let Rescale { current, desired, reason } = rescale;
        let message = format!("New size: {desired}; reason: {reason}; error: {error}");
        self.notes.push(Note::warning("FailedRescale", message));
        let message = format!("the HPA controller was unable to update the target scale: {error}");
        self.set("AbleToScale", false, ("FailedUpdateScale", &message));
        self.status.current_replicas = Some(*current);
        self.status.desired_replicas = before;
    }

    /// Ends with what was measured.
    pub(super) fn ends(&mut self, current: i32, desired: i32, metrics: Vec<MetricStatus>) {
        self.status.current_replicas = Some(current);
        self.status.desired_replicas = desired;
        self.status.current_metrics = (!metrics.is_empty()).then_some(metrics);
        self.status.observed_generation = None;
    }

    /// Nothing could be computed, for a reason that a condition tells already.
    pub(super) fn has_computed_nothing(&mut self, error: &str) {
        self.notes.push(Note::warning("FailedComputeMetricsReplicas", error));
    }

    /// No metric, or too few of them, could be computed.
    fn fails(&mut self, failure: &Failure, (failed, all): (usize, usize)) {
        let Failure { reason, error, of_metric } = failure;
        let message = format!("the HPA was unable to compute the replica count: {error}");
        self.set("ScalingActive", false, (reason, &message));
        let message =
            format!("invalid metrics ({failed} invalid out of {all}), first error is: {of_metric}");
        self.notes.push(Note::warning("FailedComputeMetricsReplicas", message));
    }

    fn compute(
        &mut self,
        (spec, current): (&HorizontalPodAutoscalerSpec, i32),
        metric: &MetricSpec,
        found: &Found<'_>,
    ) -> Result<Computed, Failure> {
        let (reason, of_metric) = sources::words(metric);
        let computed = match (&metric.resource, &metric.container_resource) {
            (Some(source), _) => {
                let of = (source.name.as_str(), "");
                self.resource((spec, current), (of, &source.target), found)
            }
            (None, Some(source)) => {
                let of = (source.name.as_str(), source.container.as_str());
                self.resource((spec, current), (of, &source.target), found)
            }
            (None, None) => Err(sources::not_served(metric)),
        };
        computed.map_err(|error| {
            self.notes.push(Note::warning(reason, error.as_str()));
            Failure { reason, of_metric: format!("{of_metric}: {error}"), error }
        })
    }

    fn resource(
        &self,
        (spec, current): (&HorizontalPodAutoscalerSpec, i32),
        ((resource, container), target): ((&str, &str), &MetricTarget),
        found: &Found<'_>,
    ) -> Result<Computed, String> {
        let amount =
            target.average_value.as_ref().and_then(|amount| Quantity::parse(&amount.0).ok());
        let (of, target) = match (amount, target.average_utilization) {
            (Some(amount), _) => ("usage", Target::AverageValue(amount.milli())),
            (None, Some(percent)) => ("utilization", Target::Utilization(percent)),
            (None, None) => {
                let error = "invalid resource metric source: neither an average utilization target \
                             nor an average value (usage) target was set";
                return Err(error.to_owned());
            }
        };
        let question = Question {
            current_replicas: current,
            resource,
            container,
            target,
            tolerances: tolerances(spec),
            now: self.now,
        };
        let is_selected = |pod: &str| found.pods.iter().any(|found| name(&found.metadata) == pod);
        let proposal = metrics::read(found.metrics, (resource, container), is_selected)
            .map_err(|error| format!("unable to get metrics for resource {resource}: {error}"))
            .and_then(|metrics| propose(&question, (found.pods, metrics)))
            .map_err(|error| format!("failed to get {resource} {of}: {error}"))?;
        Ok(sources::computed((resource, container), proposal))
    }

    /// Sets a condition. Its time is that of its last change.
    fn set(&mut self, type_: &str, holds: bool, (reason, message): (&str, &str)) {
        let status = if holds { "True" } else { "False" };
        let conditions = self.status.conditions.get_or_insert_default();
        let index = conditions.iter().position(|found| found.type_ == type_);
        let index = index.unwrap_or_else(|| {
            conditions.push(HorizontalPodAutoscalerCondition {
                type_: type_.to_owned(),
                ..HorizontalPodAutoscalerCondition::default()
            });
            conditions.len() - 1
        });
        let condition = &mut conditions[index];
        if condition.status != status {
            condition.last_transition_time = Some(api::time::time(self.now));
        }
        status.clone_into(&mut condition.status);
        condition.reason = Some(reason.to_owned());
        condition.message = Some(message.to_owned());
    }
}
