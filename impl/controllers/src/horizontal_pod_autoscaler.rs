//! The HorizontalPodAutoscaler controller: as many replicas as make pods use what they are to use.
//!
//! Source: pkg/controller/podautoscaler/horizontal.go (v1.36). Each round reads the scale and then the metrics,
//! and writes the scale and then the status. Left out: targets of custom kinds, and scaling to zero, whose
//! gate is off.

mod limits;
mod metrics;
mod round;
mod sources;
mod target;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::object::text;
use api::selector::Selector;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec};
use serde_json::Value;

use self::limits::History;
use self::metrics::POD_METRICS;
use self::round::{Found, Rescale, Round};
use self::target::{pods, replicas, served, target_key};
use crate::notes::Notes;
use crate::ownership::labels;
use crate::{Controller, Plan, after_seconds};

/// How long there is between two rounds.
const SYNC_PERIOD_SECONDS: i64 = 15;

/// What is known of an autoscaler beside what the API server knows.
#[derive(Clone, Debug)]
struct Memory {
    /// When the next round begins.
    due: Timestamp,
    step: Step,
    history: History,
    /// Which pods its target has.
    selector: Selector,
}

/// How far a round has come, and what was answered.
#[derive(Clone, Debug)]
enum Step {
    Waits,
    Scale(Option<Outcome>),
    Metrics(Value, Option<Outcome>),
    Rescale(Box<(Round, Rescale)>, Option<Outcome>),
}

/// Scales what HorizontalPodAutoscalers point to.
#[derive(Clone, Debug)]
pub struct HorizontalPodAutoscalerController {
    notes: Notes,
    memories: BTreeMap<Key, Memory>,
}

impl Default for HorizontalPodAutoscalerController {
    fn default() -> Self {
        Self { notes: Notes::new("horizontal-pod-autoscaler"), memories: BTreeMap::new() }
    }
}

/// An autoscaler with its spec.
type Autoscaler<'a> = (&'a HorizontalPodAutoscaler, &'a HorizontalPodAutoscalerSpec);

impl Controller for HorizontalPodAutoscalerController {
    fn name(&self) -> &'static str {
        "horizontal-pod-autoscaler-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::seconds(SYNC_PERIOD_SECONDS, SYNC_PERIOD_SECONDS).without_turns()
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let is_one = change.resource() == &resources::HORIZONTAL_POD_AUTOSCALERS;
        if is_one { vec![change.key()] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(autoscaler) = view.horizontal_pod_autoscalers.get(key) else {
            self.memories.remove(key);
            self.notes.forget(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(autoscaler)));
        let mut memory = self.memories.remove(key).unwrap_or_else(|| Memory {
            due: after_seconds(now, SYNC_PERIOD_SECONDS),
            step: Step::Waits,
            history: History::default(),
            selector: Selector::nothing(),
        });
        let mut plan = Plan::default();
        self.go_on(view, (autoscaler, &autoscaler.spec), (&mut memory, &mut plan, now));
        plan.look_again_at(memory.due);
        self.memories.insert(key.clone(), memory);
        plan.requests.extend(self.notes.flush(key, now));
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let Some(memory) = self.memories.get_mut(key) else { return };
        let is_scale = request.subresource == "scale";
        match (&mut memory.step, request.verb) {
            (Step::Scale(answer), Verb::Get) if is_scale => *answer = Some(outcome.clone()),
            (Step::Rescale(_, answer), Verb::Update) if is_scale => *answer = Some(outcome.clone()),
            (Step::Metrics(_, answer), Verb::List) => *answer = Some(outcome.clone()),
            (Step::Waits | Step::Scale(_) | Step::Metrics(..) | Step::Rescale(..), _) => {}
        }
    }
}

/// What a step of a round works on.
type Work<'a> = (&'a mut Memory, &'a mut Plan, Timestamp);

impl HorizontalPodAutoscalerController {
    /// Does what the last answer leads to.
    fn go_on(&mut self, view: &View, autoscaler: Autoscaler<'_>, (memory, plan, now): Work<'_>) {
        let work = (&mut *memory, plan, now);
        match std::mem::replace(&mut work.0.step, Step::Waits) {
            Step::Waits if now < work.0.due => {}
            Step::Waits => self.begin(autoscaler, work),
            Step::Scale(Some(answer)) => self.scale_read(view, autoscaler, answer, work),
            Step::Metrics(scale, Some(answer)) => {
                self.metrics_read(view, autoscaler, (&scale, &answer), work);
            }
            Step::Rescale(state, Some(answer)) => {
                let (round, rescale) = *state;
                self.scale_written(autoscaler, (round, &rescale, &answer), work);
            }
            step @ (Step::Scale(None) | Step::Metrics(_, None) | Step::Rescale(_, None)) => {
                work.0.step = step;
            }
        }
    }

    fn begin(&mut self, (autoscaler, spec): Autoscaler<'_>, (memory, plan, now): Work<'_>) {
        memory.due = after_seconds(now, SYNC_PERIOD_SECONDS);
        match served(&spec.scale_target_ref) {
            Ok(resource) => {
                memory.step = Step::Scale(None);
                let request = Request::get(resource, target_key(autoscaler, spec));
                plan.requests.push(request.to_subresource("scale"));
            }
            Err(error) => {
                let mut round = Round::new(autoscaler, now);
                round.has_no_scale(&error);
                self.end(autoscaler, round, plan);
            }
        }
    }

    fn scale_read(
        &mut self,
        view: &View,
        autoscaler: Autoscaler<'_>,
        answer: Outcome,
        (memory, plan, now): Work<'_>,
    ) {
        let mut round = Round::new(autoscaler.0, now);
        let scale = match answer {
            Ok(scale) => scale,
            Err(status) => {
                round.has_no_scale(&status.message);
                return self.end(autoscaler.0, round, plan);
            }
        };
        let current = replicas(&scale);
        memory.history.begin(current, now);
        let selector = Selector::parse(text(&scale, &["status", "selector"]));
        memory.selector = selector.unwrap_or_else(|_| Selector::nothing());
        round.has_scale();
        match round.without_metrics(autoscaler.1, current) {
            Some(Some(rescale)) => {
                round.ends(current, current, vec![]);
                write_scale(autoscaler, (&scale, round, rescale), (memory, plan, now));
            }
            Some(None) => self.end(autoscaler.0, round, plan),
            None if self.has_selector(view, autoscaler.0, (&scale, &mut round, memory)) => {
                memory.step = Step::Metrics(scale, None);
                let namespace = autoscaler.0.metadata.namespace.as_deref().unwrap_or_default();
                plan.requests.push(Request::list(&POD_METRICS, namespace));
                plan.look_again_at(now);
            }
            None => {
                round.ends(current, round.status.desired_replicas, vec![]);
                self.end(autoscaler.0, round, plan);
            }
        }
    }

    /// Whether the pods of the target are known, and nobody else's.
    fn has_selector(
        &self,
        view: &View,
        autoscaler: &HorizontalPodAutoscaler,
        (scale, round, memory): (&Value, &mut Round, &Memory),
    ) -> bool {
        let selector = text(scale, &["status", "selector"]);
        let (event, condition, error) = if selector.is_empty() {
            let message = "the HPA target's scale is missing a selector".to_owned();
            ("SelectorRequired", ("InvalidSelector", message), "selector is required".to_owned())
        } else if let Err(error) = Selector::parse(selector) {
            let error = format!(
                "couldn't convert selector into a corresponding internal selector object: {error}"
            );
            ("InvalidSelector", ("InvalidSelector", error.clone()), error)
        } else if let Some(names) = self.rivals(view, autoscaler, &memory.selector) {
            let error =
                format!("pods by selector {selector} are controlled by multiple HPAs: [{names}]");
            ("AmbiguousSelector", ("AmbiguousSelector", error.clone()), error)
        } else {
            return true;
        };
        round.has_no_selector((event, &error), (condition.0, &condition.1));
        round.has_computed_nothing(&error);
        false
    }

    /// The autoscalers that scale these pods, if there are several.
    fn rivals(
        &self,
        view: &View,
        autoscaler: &HorizontalPodAutoscaler,
        selector: &Selector,
    ) -> Option<String> {
        let own = Key::of(&autoscaler.metadata);
        let pods = pods(view, &own.namespace, selector);
        let others = self.memories.iter().filter(|(key, memory)| {
            key.namespace == own.namespace
                && pods.iter().any(|pod| memory.selector.matches(labels(&pod.metadata)))
        });
        let mut keys: Vec<&Key> = others.map(|(key, _)| key).collect();
        if keys.is_empty() {
            return None;
        }
        keys.push(&own);
        keys.sort();
        let names = keys.iter().map(|key| format!("{{{} {}}}", key.name, key.namespace));
        Some(names.collect::<Vec<_>>().join(" "))
    }

    fn metrics_read(
        &mut self,
        view: &View,
        autoscaler: Autoscaler<'_>,
        (scale, answer): (&Value, &Outcome),
        (memory, plan, now): Work<'_>,
    ) {
        let mut round = Round::new(autoscaler.0, now);
        round.has_scale();
        let namespace = autoscaler.0.metadata.namespace.as_deref().unwrap_or_default();
        let pods = pods(view, namespace, &memory.selector);
        let found = Found { pods: &pods, metrics: answer };
        let current = (autoscaler.1, replicas(scale));
        match round.by_metrics(current, &found, &mut memory.history) {
            Some(rescale) => write_scale(autoscaler, (scale, round, rescale), (memory, plan, now)),
            None => self.end(autoscaler.0, round, plan),
        }
    }

    fn scale_written(
        &mut self,
        (autoscaler, spec): Autoscaler<'_>,
        (mut round, rescale, answer): (Round, &Rescale, &Outcome),
        (memory, plan, now): Work<'_>,
    ) {
        match answer {
            Ok(_) => {
                round.has_rescaled(rescale);
                let change = (rescale.current, rescale.desired);
                memory.history.scaled(change, spec.behavior.as_ref(), now);
            }
            // Somebody has changed the target meanwhile: it is looked at anew.
            Err(status) if status.reason == Reason::Conflict => {
                memory.due = now;
                return;
            }
            Err(status) => {
                let before = autoscaler.status.as_ref().map_or(0, |status| status.desired_replicas);
                round.has_not_rescaled(rescale, before, &status.message);
            }
        }
        self.end(autoscaler, round, plan);
    }

    /// Says what came of a round.
    fn end(&mut self, autoscaler: &HorizontalPodAutoscaler, round: Round, plan: &mut Plan) {
        let key = Key::of(&autoscaler.metadata);
        for note in round.notes {
            self.notes.add(&key, note);
        }
        let status = Some(round.status);
        if autoscaler.status != status {
            let changed = HorizontalPodAutoscaler { status, ..autoscaler.clone() };
            plan.requests.push(Request::update_status(&changed));
        }
    }
}

fn write_scale(
    (autoscaler, spec): Autoscaler<'_>,
    (scale, round, rescale): (&Value, Round, Rescale),
    (memory, plan, now): Work<'_>,
) {
    let Ok(resource) = served(&spec.scale_target_ref) else { return };
    let mut request = Request::get(resource, target_key(autoscaler, spec)).to_subresource("scale");
    let mut scale = scale.clone();
    scale["spec"]["replicas"] = rescale.desired.into();
    request.verb = Verb::Update;
    request.body = Some(scale);
    plan.requests.push(request);
    plan.look_again_at(now);
    memory.step = Step::Rescale(Box::new((round, rescale)), None);
}

#[cfg(test)]
mod tests;
