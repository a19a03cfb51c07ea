//! Extenders: servers that are asked which nodes are feasible, which is best, who may go, and to bind.
//!
//! Source: pkg/scheduler/extender.go and kube-scheduler/extender/v1/types.go (v1.36). A question is a value that a host
//! performs; its answer is an input. A node that was not asked about is an error in any answer, where upstream believes
//! an extender that answers with whole nodes.

mod answer;

use std::collections::{BTreeMap, BTreeSet};

use api::Key;
use api::decode::{self, DecodeError};
use k8s_openapi::api::core::v1::Container;
use serde_json::{Value, json};

use crate::config::Extender;
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::default_preemption::Candidate;

pub use answer::{Answer, FilterAnswer, MetaVictims};

/// The name that stands for all extenders where plugins are named.
pub const EXTENDER: &str = "Extender";

/// What an extender is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Whether the node where room was made is feasible.
    FilterNominated,
    /// Which of the feasible nodes are.
    Filter,
    /// How good nodes are.
    Prioritize,
    /// Who may go.
    Preempt,
    /// To bind a pod.
    Bind,
}

/// A question to an extender.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its place among the extenders of the configuration.
    pub extender: usize,
    /// What it is asked.
    pub stage: Stage,
    /// The verb, as it is configured.
    pub verb: String,
    /// Where to post the question.
    pub url: String,
    /// The question.
    pub body: Value,
    /// The pod that it is about.
    pub pod: Key,
    /// The pod's uid.
    pub uid: String,
    /// Tells its answer from one to an earlier question.
    attempt: u64,
    /// The node that the pod is to be bound to.
    pub(crate) node: String,
    /// The nodes that it is asked about.
    asked: BTreeSet<String>,
}

/// What extenders have said in one cycle.
pub(crate) type Answers = BTreeMap<(Stage, usize), Result<Answer, String>>;

impl Call {
    fn new((index, extender): (usize, &Extender), stage: Stage, pod: &PodInfo) -> Self {
        let verb = match stage {
            Stage::FilterNominated | Stage::Filter => &extender.filter_verb,
            Stage::Prioritize => &extender.prioritize_verb,
            Stage::Preempt => &extender.preempt_verb,
            Stage::Bind => &extender.bind_verb,
        };
        Self {
            extender: index,
            stage,
            verb: verb.clone(),
            url: format!("{}/{verb}", extender.url_prefix.trim_end_matches('/')),
            body: Value::Null,
            pod: pod.key(),
            uid: pod.uid().to_owned(),
            attempt: 0,
            node: String::new(),
            asked: BTreeSet::new(),
        }
    }

    /// The same question in a later attempt.
    pub(crate) fn in_attempt(self, attempt: u64) -> Self {
        Self { attempt, ..self }
    }

    /// Asks about nodes.
    pub(crate) fn about_nodes(
        of: (usize, &Extender),
        stage: Stage,
        (pod, nodes): (&PodInfo, &[&NodeInfo]),
    ) -> Self {
        let asked: BTreeSet<String> = nodes.iter().map(|node| node.name().to_owned()).collect();
        let body = match of.1.node_cache_capable {
            true => json!({"Pod": *pod.pod, "Nodes": null, "NodeNames": asked}),
            false => {
                let items: Vec<_> = nodes.iter().filter_map(|node| node.node.as_deref()).collect();
                json!({"Pod": *pod.pod, "Nodes": {"metadata": {}, "items": items}, "NodeNames": null})
            }
        };
        Self { body, asked, ..Self::new(of, stage, pod) }
    }

    /// Asks which victims may go.
    pub(crate) fn about_victims(
        of: (usize, &Extender),
        pod: &PodInfo,
        candidates: &[Candidate],
    ) -> Self {
        let knows_pods = of.1.node_cache_capable;
        let victims = |candidate: &Candidate| {
            let pods = candidate.victims.iter();
            let pods: Vec<Value> = match knows_pods {
                true => pods.map(|victim| json!({"UID": victim.uid()})).collect(),
                false => pods.map(|victim| json!(*victim.pod)).collect(),
            };
            let victims = json!({"Pods": pods, "NumPDBViolations": candidate.violations});
            (candidate.node.clone(), victims)
        };
        let by_node: BTreeMap<String, Value> = candidates.iter().map(victims).collect();
        let asked = by_node.keys().cloned().collect();
        let body = match knows_pods {
            true => {
                json!({"Pod": *pod.pod, "NodeNameToVictims": null, "NodeNameToMetaVictims": by_node})
            }
            false => {
                json!({"Pod": *pod.pod, "NodeNameToVictims": by_node, "NodeNameToMetaVictims": null})
            }
        };
        Self { body, asked, ..Self::new(of, Stage::Preempt, pod) }
    }

    /// Asks to bind a pod.
    pub(crate) fn to_bind(of: (usize, &Extender), pod: &PodInfo, node: &str) -> Self {
        let Key { namespace, name } = pod.key();
        let body =
            json!({"PodName": name, "PodNamespace": namespace, "PodUID": pod.uid(), "Node": node});
        Self { body, node: node.to_owned(), ..Self::new(of, Stage::Bind, pod) }
    }

    /// Whether it was asked in this attempt.
    pub(crate) fn is_of(&self, attempt: u64) -> bool {
        self.attempt == attempt
    }

    /// What was answered, or why that is no answer.
    pub(crate) fn read(&self, answered: Result<Vec<u8>, String>) -> Result<Answer, String> {
        let value = match answered?.trim_ascii() {
            [] => return Err("EOF".to_owned()),
            bytes => decode::parse_json(bytes).map_err(|error| bad_json(bytes, &error))?.value,
        };
        match self.stage {
            Stage::FilterNominated | Stage::Filter => {
                answer::filter(&value, (&self.url, &self.verb), &self.asked).map(Answer::Nodes)
            }
            Stage::Prioritize => answer::scores(&value).map(Answer::Scores),
            Stage::Preempt => answer::victims(&value).map(Answer::Victims),
            Stage::Bind => answer::error(&value).map(|()| Answer::Bound),
        }
    }
}

/// Why an answer is no JSON, as Go tells it where it does not even begin as such.
fn bad_json(bytes: &[u8], error: &DecodeError) -> String {
    let first = bytes.first().copied().unwrap_or_default();
    match first {
        b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => error.to_string(),
        first => {
            format!("invalid character '{}' looking for beginning of value", char::from(first))
        }
    }
}

/// Whether an extender is asked about a pod.
pub(crate) fn is_interested(extender: &Extender, pod: &PodInfo) -> bool {
    let managed = &extender.managed_resources;
    let spec = pod.spec();
    let all = spec
        .into_iter()
        .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    let wants = |container: &Container| {
        let resources = container.resources.as_ref();
        let lists = resources.into_iter().flat_map(|of| [&of.requests, &of.limits]);
        lists.flatten().any(|list| managed.iter().any(|one| list.contains_key(&one.name)))
    };
    managed.is_empty() || all.into_iter().any(wants)
}
